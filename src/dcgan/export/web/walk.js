// A walk from one image to the next and back to the first: played in the page, saved as GIF, video or frames.

const FRAMES_A_LEG = 16; // of what is saved
const SECONDS_A_LEG = 1.6; // at speed 1

class Walk {
  constructor(page) {
    this.page = page;
    this.playing = false;
    this.share = 0;
    element("play").onclick = () => this.toggle();
    element("position").oninput = ({ target }) => {
      this.pause();
      this.share = Number(target.value);
      this.#show();
    };
    element("gif").onclick = () => this.#saving("GIF", () => this.#saveGif());
    element("video").onclick = () => this.#saving(word("video"), () => this.#saveVideo());
    element("strip").onclick = () => this.#saving("PNG", () => this.#saveStrip());
    element("video").hidden = !videoType();
  }

  /** The images that are walked through. */
  stops() {
    const picked = this.page.picked();
    return picked.length >= 2 ? picked : this.page.tiles.slice(0, 4);
  }

  describe() {
    const picked = this.page.picked().length;
    element("walk-note").textContent = picked >= 2 ? word("walkKept", { count: picked }) : word("walkGrid");
    element("play").textContent = word(this.playing ? "pause" : "play");
  }

  /** The image at a share (0 … 1) of the whole way round. */
  at(share) {
    const stops = this.stops();
    const along = (share * stops.length) % stops.length;
    const leg = Math.floor(along);
    const [from, to] = [stops[leg], stops[(leg + 1) % stops.length]];
    const part = along - leg;
    if (part === 0) return from;
    const latent = snapped(between(from.latent, to.latent, part, this.page.model.prior));
    return this.page.images.ofLatent(latent, part < 0.5 ? from.label : to.label);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.#play();
  }

  pause() {
    this.playing = false;
    this.describe();
  }

  async #play() {
    this.playing = true;
    this.describe();
    let before = performance.now();
    while (this.playing) {
      const now = await new Promise(requestAnimationFrame);
      const speed = Number(element("speed").value);
      this.share = (this.share + (((now - before) / 1000) * speed) / (SECONDS_A_LEG * this.stops().length)) % 1;
      before = now;
      element("position").value = this.share;
      await this.#show();
    }
    this.page.remember();
  }

  async #show() {
    const image = this.at(this.share);
    this.page.state.chosen = image;
    this.page.mark();
    await this.page.stage.show(image, { slid: true });
    if (!this.playing) this.page.stage.base = image;
  }

  /** RGBA of every frame once round. */
  async #frames() {
    const count = this.stops().length * FRAMES_A_LEG;
    const images = Array.from({ length: count }, (_, i) => this.at(i / count));
    const painted = await Promise.all(images.map((image) => this.page.painter.paint(image, "walk")));
    return painted.map(({ pixels }) => this.page.rgba(pixels));
  }

  async #saving(what, work) {
    this.pause();
    this.page.say(word("making", { what }));
    document.body.classList.add("busy");
    try {
      const [blob, ending] = await work();
      const name = fileName(this.page.model.title, "walk") + ending;
      save(blob, name);
      this.page.say(word("saved", { name }));
    } catch (error) {
      this.page.say(String(error.message ?? error));
    }
    document.body.classList.remove("busy");
  }

  async #saveGif() {
    const { width, height } = this.page.model;
    const frames = await this.#frames();
    const scale = Math.max(1, Math.floor(256 / Math.max(width, height)));
    const delay = Math.round((100 * SECONDS_A_LEG) / FRAMES_A_LEG / Number(element("speed").value));
    const { content } = await this.page.painter.ask({ task: "gif", frames, width, height, scale, delay: Math.max(2, delay) });
    return [new Blob([content], { type: "image/gif" }), ".gif"];
  }

  async #saveStrip() {
    const { width, height } = this.page.model;
    return [await pngOf(sheetOf(await this.#frames(), width, height, FRAMES_A_LEG)), ".png"];
  }

  async #saveVideo() {
    const { width, height } = this.page.model;
    const type = videoType();
    if (!type) throw new Error(word("noVideo"));
    const frames = await this.#frames();
    const scale = Math.max(2, Math.ceil(512 / Math.max(width, height)));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width * scale, height * scale].map((side) => side + (side % 2));
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    const show = (rgba) => {
      context.fillStyle = "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(sheetOf([rgba], width, height, 1), 0, 0, width * scale, height * scale);
    };
    show(frames[0]);
    const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: type, videoBitsPerSecond: 4e6 });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    const pause = (1000 * SECONDS_A_LEG) / FRAMES_A_LEG / Number(element("speed").value);
    for (const frame of [...frames, frames[0]]) {
      show(frame);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    recorder.stop();
    await stopped;
    return [new Blob(parts, { type }), type.startsWith("video/mp4") ? ".mp4" : ".webm"];
  }
}

/** The kind of video that this browser records, or undefined. */
function videoType() {
  const kinds = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
  return typeof MediaRecorder === "undefined" ? undefined : kinds.find((kind) => MediaRecorder.isTypeSupported(kind));
}
