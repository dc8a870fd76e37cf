// The half of the page that computes, in a worker: messages in, messages out. Without workers it runs in the page.

/** Answers messages by `post(message, transferred)`. */
function computing(post) {
  let starting = null; // later messages come in while the kernel is still being compiled
  return async ({ task, id, ...asked }) => {
    try {
      if (task === "start") {
        const [bytes, kernel] = [asked.weights, asked.kernel].map(bytesFromBase64);
        starting = Engine.create({ model: asked.model, bytes, kernel, way: asked.way });
        post({ id, way: (await starting).way }, []);
      } else if (task === "images") {
        const engine = await starting;
        const began = performance.now();
        const result = engine.images(asked.latents, asked.labels, asked.judged);
        const milliseconds = (performance.now() - began) / asked.labels.length;
        post({ id, ...result, milliseconds }, [result.pixels.buffer]);
      } else if (task === "gif") {
        const content = gifOf(asked.frames, asked.width, asked.height, asked.scale, asked.delay);
        post({ id, content }, [content.buffer]);
      }
    } catch (error) {
      post({ id, error: String(error) }, []);
    }
  };
}

const IN_WORKER = typeof document === "undefined" && typeof self !== "undefined" && typeof self.importScripts === "function";

if (IN_WORKER) {
  const answer = computing((message, transferred) => self.postMessage(message, transferred));
  self.onmessage = ({ data }) => answer(data);
}
