// The page's side of the worker: images are asked for one by one, what is looked at comes first, nothing is made twice.

const REMEMBERED = 600; // images

class Painter {
  /** `source`: the text of this very script, which the worker runs too. */
  constructor(model, source) {
    this.model = model;
    this.waiting = new Map();
    this.queue = [];
    this.known = new Map();
    this.busy = false;
    this.number = 0;
    this.milliseconds = Infinity; // the least that an image has taken
    this.send = this.#workerOf(source);
  }

  #workerOf(source) {
    const receive = (message) => {
      const { resolve, reject } = this.waiting.get(message.id) ?? {};
      this.waiting.delete(message.id);
      if (message.error) reject?.(new Error(message.error));
      else resolve?.(message);
    };
    try {
      const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      worker.onmessage = ({ data }) => receive(data);
      return (message) => worker.postMessage(message);
    } catch {
      const answer = computing((message) => receive(message));
      return (message) => setTimeout(answer, 0, message);
    }
  }

  ask(message) {
    const id = ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.send({ ...message, id });
    });
  }

  /** The pixels of an image: a promise of {pixels, score, heat, heatSize}. `owner`: who asks, to be able to `drop` it. */
  paint(image, owner, { urgent = false } = {}) {
    const known = this.known.get(image.code);
    if (known) {
      const index = urgent ? this.queue.findIndex((job) => job.image.code === image.code) : -1;
      if (index >= 0) this.queue.unshift({ ...this.queue.splice(index, 1)[0], owner });
      return known;
    }
    const painted = new Promise((resolve, reject) => {
      const job = { image, owner, resolve, reject };
      if (urgent) this.queue.unshift(job);
      else this.queue.push(job);
    });
    this.known.set(image.code, painted);
    painted.catch(() => this.known.get(image.code) === painted && this.known.delete(image.code));
    if (this.known.size > REMEMBERED) this.known.delete(this.known.keys().next().value);
    this.#work();
    return painted;
  }

  /** Forget what an owner asked for and has not got yet. */
  drop(owner) {
    const [dropped, left] = [[], []];
    for (const job of this.queue) (job.owner === owner ? dropped : left).push(job);
    this.queue = left;
    for (const { image, reject } of dropped) {
      this.known.delete(image.code);
      reject(new Dropped());
    }
  }

  async #work() {
    if (this.busy) return;
    this.busy = true;
    while (this.queue.length) {
      const jobs = this.queue.splice(0, BATCH);
      const latents = new Float32Array(jobs.length * this.model.latentSize);
      jobs.forEach(({ image }, i) => latents.set(image.latent, i * this.model.latentSize));
      try {
        const made = await this.ask({ task: "images", latents, labels: jobs.map(({ image }) => image.label), judged: true });
        this.milliseconds = Math.min(this.milliseconds, made.milliseconds);
        const size = made.pixels.length / jobs.length;
        jobs.forEach(({ resolve }, i) => {
          const heat = made.heat?.slice((i * made.heat.length) / jobs.length, ((i + 1) * made.heat.length) / jobs.length);
          resolve({ pixels: made.pixels.slice(i * size, (i + 1) * size), score: made.scores?.[i], heat, heatSize: made.heatSize });
        });
      } catch (error) {
        jobs.forEach(({ reject }) => reject(error));
      }
    }
    this.busy = false;
  }
}

/** Why a promise of an image is not kept when nobody wants it any more. */
class Dropped extends Error {}

/** For promises whose images may be dropped: other errors are thrown on. */
function unlessDropped(error) {
  if (!(error instanceof Dropped)) throw error;
}
