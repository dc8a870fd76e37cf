// A network as a list of operations, each made into calls of the kernel (kernel.c or plain.js).
//
// A map is channels last, its channels filled up to a multiple of four, with a border of zeros one pixel wide.

const PAGE = 65536; // bytes of WebAssembly memory that are had at a time
const BATCH = 4; // images computed side by side: the weights of a small map are then read once for all of them

const filledUp = (channels) => Math.ceil(channels / 4) * 4;

/** Numbers of a tensor file entry as float32, its rows scaled; see packing.py. */
function unpacked(bytes, entry) {
  const count = entry.rows * entry.columns;
  const at = bytes.byteOffset + entry.at;
  if (entry.encoding === "fp32") return new Float32Array(bytes.buffer.slice(at, at + 4 * count));
  if (entry.encoding === "fp16") return Float32Array.from(new Uint16Array(bytes.buffer.slice(at, at + 2 * count)), halfFloat);
  const scales = new Float32Array(bytes.buffer.slice(bytes.byteOffset + entry.scales, bytes.byteOffset + entry.scales + 4 * entry.rows));
  const whole = new Int8Array(bytes.buffer, at, count);
  const values = new Float32Array(count);
  for (let row = 0, i = 0; row < entry.rows; row++) {
    for (const end = i + entry.columns; i < end; i++) values[i] = whole[i] * scales[row];
  }
  return values;
}

/** Sixteen bits of a half-precision number → the number. */
function halfFloat(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

/** Which taps and weights reach output pixels of one parity along one axis: [kernel index, input shift] pairs. */
function tapsAlong(kind, kernel, parity) {
  const taps = [];
  for (let k = 0; k < kernel; k++) {
    if (kind === "convolution") taps.push([k, k - ((kernel - 1) >> 1)]);
    else if ((parity + 1 - k) % 2 === 0) taps.push([k, (parity + 1 - k) / 2]); // transposed: stride 2, padding 1
  }
  return taps;
}

/** Weights of one product in panels: [outputs / 8][taps][depth][8], the last panel of four if so many are left. */
function panels(weights, row, columns, starts, depth, outputs) {
  const filled = filledUp(outputs);
  const packed = new Float32Array(filled * starts.length * depth);
  let at = 0;
  for (let n = 0; n < filled; n += 8) {
    const lanes = Math.min(8, filled - n);
    for (const start of starts) {
      for (let c = 0; c < depth; c++, at += lanes) {
        for (let v = 0; v < lanes && n + v < outputs; v++) packed[at + v] = weights[(row + n + v) * columns + start + c];
      }
    }
  }
  return packed;
}

/** Memory that only grows, before it is used: addresses first, contents when the buffer is there. */
class Arena {
  constructor(start) {
    this.end = start;
    this.contents = [];
  }

  take(numBytes) {
    const at = this.end;
    this.end += Math.ceil(numBytes / 16) * 16;
    return at;
  }

  put(array) {
    const at = this.take(array.byteLength);
    this.contents.push([at, array]);
    return at;
  }

  fill(buffer) {
    for (const [at, array] of this.contents) new array.constructor(buffer, at, array.length).set(array);
    this.contents = [];
  }
}

/** One network in a memory: `run` computes up to BATCH images at a time. */
class Network {
  /** `program`: {inputs: {height, width, channels}, operations}, as program.py writes it. */
  constructor(program, tensors, bytes, arena) {
    this.arena = arena;
    this.maps = [this.#newMap(program.inputs)];
    this.calls = [];
    for (const operation of program.operations) this.#add(operation, tensors, bytes);
    this.input = this.maps[0];
    this.output = this.maps[program.operations.at(-1).to];
  }

  #newMap({ height, width, channels }) {
    const stride = filledUp(channels);
    const size = (height + 2) * (width + 2) * stride; // floats of one image
    return { height, width, channels, stride, size, at: this.arena.take(4 * size * BATCH) };
  }

  #add(operation, tensors, bytes) {
    const from = this.maps[operation.from];
    const shape = this.#shapeAfter(operation, from);
    const to = (this.maps[operation.to] ??= this.#newMap(shape));
    if (operation.kind === "enlarge" || operation.kind === "halve") {
      const call = (kernel, image) =>
        kernel[operation.kind](from.at + 4 * image * from.size, to.at + 4 * image * to.size, from.height, from.width, from.stride);
      this.calls.push((kernel, count) => { for (let image = 0; image < count; image++) call(kernel, image); });
    } else if (operation.kind === "activate") {
      this.calls.push((kernel, count) => kernel.activate(from.at, to.at, count * from.size, operation.slope));
    } else {
      const entry = tensors[operation.tensor];
      const weights = unpacked(bytes, entry);
      const bias = new Float32Array(bytes.buffer.slice(bytes.byteOffset + entry.bias, bytes.byteOffset + entry.bias + 4 * entry.rows));
      for (const part of this.#parts(operation, from, to)) this.#addProduct(operation, part, from, to, entry, weights, bias);
    }
  }

  #shapeAfter(operation, from) {
    const { height, width } = from;
    const channels = operation.channels ?? from.channels;
    if (operation.kind === "places") return { height: operation.height, width: operation.width, channels };
    const scale = { transposed: 2, enlarge: 2, halve: 0.5, convolution: 1 / (operation.stride ?? 1) }[operation.kind] ?? 1;
    return { height: height * scale, width: width * scale, channels };
  }

  /** An operation as products: which pixels of the output, at which of the input they begin, which taps they sum. */
  *#parts(operation, from, to) {
    if (operation.kind === "places") {
      for (let y = 0, row = 0; y < to.height; y++) {
        for (let x = 0; x < to.width; x++, row += to.channels) {
          const source = operation.local ? [y, x] : [0, 0];
          yield { pixels: [[...source, y, x]], taps: [[0, 0, 0]], row };
        }
      }
      return;
    }
    const { kind, kernel } = operation;
    const step = kind === "transposed" ? 2 : 1;
    const stride = operation.stride ?? 1;
    for (let a = 0; a < step; a++) {
      for (let b = 0; b < step; b++) {
        const taps = [];
        for (const [ky, dy] of tapsAlong(kind, kernel, a)) {
          for (const [kx, dx] of tapsAlong(kind, kernel, b)) taps.push([ky * kernel + kx, dy, dx]);
        }
        const pixels = [];
        for (let y = 0; y < to.height / step; y++) {
          for (let x = 0; x < to.width / step; x++) pixels.push([stride * y, stride * x, step * y + a, step * x + b]);
        }
        yield { pixels, taps, row: 0 };
      }
    }
  }

  #addProduct(operation, { pixels, taps, row }, from, to, entry, weights, bias) {
    const offset = (map, y, x) => ((y + 1) * (map.width + 2) + x + 1) * map.stride;
    const count = pixels.length;
    const reads = new Int32Array(count * BATCH);
    const writes = new Int32Array(count * BATCH);
    for (let image = 0, i = 0; image < BATCH; image++) {
      for (const [y, x, toY, toX] of pixels) {
        reads[i] = image * from.size + offset(from, y, x);
        writes[i++] = image * to.size + offset(to, toY, toX);
      }
    }
    const outputs = filledUp(to.channels);
    const biases = new Float32Array(outputs);
    biases.set(bias.subarray(row, row + to.channels));
    const starts = taps.map(([index]) => index * from.channels);
    const shifts = Int32Array.from(taps, ([, dy, dx]) => (dy * (from.width + 2) + dx) * from.stride);
    const [atWeights, atBias, atReads, atWrites, atTaps] = [
      panels(weights, row, entry.columns, starts, from.channels, to.channels), biases, reads, writes, shifts,
    ].map((array) => this.arena.put(array));
    this.calls.push((kernel, images) => kernel.product(
      from.at, to.at, atWeights, atBias, atReads, atWrites, count * images,
      atTaps, taps.length, from.channels, outputs, operation.slope, operation.adds ? 1 : 0,
    ));
  }

  /** Inputs (images x channels x pixels, channels last) → outputs, in the same order. */
  run(kernel, buffer, inputs, count) {
    const floats = new Float32Array(buffer);
    this.#copy(floats, this.input, inputs, count, true);
    for (const call of this.calls) call(kernel, count);
    const { height, width, channels } = this.output;
    const outputs = new Float32Array(count * height * width * channels);
    this.#copy(floats, this.output, outputs, count, false);
    return outputs;
  }

  #copy(floats, map, dense, count, inwards) {
    let at = 0;
    for (let image = 0; image < count; image++) {
      for (let y = 0; y < map.height; y++) {
        let there = map.at / 4 + image * map.size + ((y + 1) * (map.width + 2) + 1) * map.stride;
        for (let x = 0; x < map.width; x++, there += map.stride) {
          for (let c = 0; c < map.channels; c++, at++) {
            if (inwards) floats[there + c] = dense[at];
            else dense[at] = floats[there + c];
          }
        }
      }
    }
  }
}

/** Networks of one file in one memory, with the fastest kernel that this browser has. */
class Engine {
  static async create({ model, bytes, kernel, way = "auto" }) {
    const arena = new Arena(PAGE); // the kernel's own stack and data lie below
    const networks = {};
    for (const name of ["generator", "discriminator"]) {
      if (model[name]) networks[name] = new Network(model[name], model.tensors, bytes, arena);
    }
    const pages = Math.ceil(arena.end / PAGE);
    if (way !== "plain") {
      try {
        const memory = new WebAssembly.Memory({ initial: pages });
        const { instance } = await WebAssembly.instantiate(kernel, { env: { memory } });
        arena.fill(memory.buffer);
        return new Engine(model, networks, instance.exports, memory.buffer, "simd");
      } catch (error) {
        if (way === "simd") throw error;
      }
    }
    const buffer = new ArrayBuffer(pages * PAGE);
    arena.fill(buffer);
    return new Engine(model, networks, plainKernel(buffer), buffer, "plain");
  }

  constructor(model, networks, kernel, buffer, way) {
    Object.assign(this, { model, networks, kernel, buffer, way });
  }

  /** Up to BATCH latents and their classes → {pixels: n h w c bytes, scores, heat}. */
  images(latents, labels, judged) {
    const { latentSize, classes, bounded } = this.model;
    const count = latents.length / latentSize;
    const width = latentSize + classes.length;
    const inputs = new Float32Array(count * width);
    for (let i = 0; i < count; i++) {
      inputs.set(latents.subarray(i * latentSize, (i + 1) * latentSize), i * width);
      if (classes.length) inputs[i * width + latentSize + labels[i]] = 1;
    }
    const values = this.networks.generator.run(this.kernel, this.buffer, inputs, count);
    if (bounded) for (let i = 0; i < values.length; i++) values[i] = Math.tanh(values[i]);
    const pixels = new Uint8ClampedArray(values.length);
    for (let i = 0; i < values.length; i++) pixels[i] = (values[i] + 1) * 127.5; // rounds and clamps
    return { pixels, ...(judged && this.networks.discriminator ? this.#judged(values, labels, count) : {}) };
  }

  /** Scores of images in -1 … 1, and what each place of the last map adds to them. */
  #judged(values, labels, count) {
    const images = values.map((value) => Math.min(1, Math.max(-1, value)));
    const parts = this.networks.discriminator.run(this.kernel, this.buffer, images, count);
    const { height, width, channels } = this.networks.discriminator.output;
    const heat = new Float32Array(count * height * width);
    const scores = new Float32Array(count).fill(this.model.scoreBias);
    for (let i = 0; i < heat.length; i++) {
      const image = Math.floor(i / (height * width));
      heat[i] = parts[i * channels] + (channels > 1 ? parts[i * channels + 1 + labels[image]] : 0);
      scores[image] += heat[i];
    }
    return { scores, heat, heatSize: [height, width] };
  }
}
