// A small writer of animated GIFs: one palette of up to 256 colours by median cut, LZW, one transparent colour.

/** Frames (RGBA bytes of width x height) → the bytes of a GIF that plays for ever, each pixel `scale` times as large. */
function gifOf(frames, width, height, scale, delay) {
  const clear = frames.some((frame) => frame.some((value, i) => i % 4 === 3 && value < 128));
  const palette = paletteOf(frames, clear ? 255 : 256);
  const out = new ByteWriter();
  out.text("GIF89a");
  out.shorts(width * scale, height * scale);
  out.bytes(0xf7, 0, 0); // a global palette of 256 colours
  for (let i = 0; i < 256; i++) out.bytes(...(palette[i] ?? [0, 0, 0]));
  out.bytes(0x21, 0xff, 11);
  out.text("NETSCAPE2.0");
  out.bytes(3, 1, 0, 0, 0);
  const nearest = nearestColour(palette);
  for (const frame of frames) {
    out.bytes(0x21, 0xf9, 4, clear ? 0x09 : 0x04);
    out.shorts(delay);
    out.bytes(clear ? 255 : 0, 0, 0x2c);
    out.shorts(0, 0, width * scale, height * scale);
    out.bytes(0, 8);
    const indices = new Uint8Array(width * height);
    for (let i = 0; i < indices.length; i++) indices[i] = frame[4 * i + 3] < 128 ? 255 : nearest(frame, 4 * i);
    compress(enlarged(indices, width, height, scale), out);
  }
  out.bytes(0x3b);
  return out.done();
}

/** Bytes that grow as they are written. */
class ByteWriter {
  constructor() {
    this.content = new Uint8Array(65536);
    this.length = 0;
  }

  bytes(...values) {
    for (const value of values) this.byte(value);
  }

  byte(value) {
    if (this.length === this.content.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.content);
      this.content = larger;
    }
    this.content[this.length++] = value;
  }

  shorts(...values) {
    for (const value of values) this.bytes(value & 255, value >> 8);
  }

  text(value) {
    for (const letter of value) this.byte(letter.charCodeAt(0));
  }

  done() {
    return this.content.slice(0, this.length);
  }
}

function enlarged(indices, width, height, scale) {
  const large = new Uint8Array(indices.length * scale * scale);
  for (let y = 0, at = 0; y < height * scale; y++) {
    const row = Math.floor(y / scale) * width;
    for (let x = 0; x < width * scale; x++) large[at++] = indices[row + Math.floor(x / scale)];
  }
  return large;
}

/** Up to `most` colours that stand for those of all frames: the box with the widest spread is cut at its median. */
function paletteOf(frames, most) {
  const colours = [];
  const step = Math.max(1, Math.floor((frames.length * frames[0].length) / 4 / 40000));
  for (const frame of frames) {
    for (let i = 0; i < frame.length; i += 4 * step) {
      if (frame[i + 3] >= 128) colours.push([frame[i], frame[i + 1], frame[i + 2]]);
    }
  }
  const boxes = colours.length ? [boxOf(colours)] : [];
  while (boxes.length && boxes.length < most) {
    const widest = boxes.reduce((best, box) => (box.spread > best.spread ? box : best));
    if (widest.spread === 0) break;
    widest.colours.sort((a, b) => a[widest.channel] - b[widest.channel]);
    const middle = widest.colours.length >> 1;
    boxes.splice(boxes.indexOf(widest), 1, boxOf(widest.colours.slice(0, middle)), boxOf(widest.colours.slice(middle)));
  }
  return boxes.map(({ colours: inside }) => [0, 1, 2].map((c) => Math.round(inside.reduce((sum, one) => sum + one[c], 0) / inside.length)));
}

function boxOf(colours) {
  const ranges = [0, 1, 2].map((c) => {
    let [low, high] = [255, 0];
    for (const colour of colours) {
      low = Math.min(low, colour[c]);
      high = Math.max(high, colour[c]);
    }
    return high - low;
  });
  const channel = ranges.indexOf(Math.max(...ranges));
  return { colours, channel, spread: colours.length > 1 ? ranges[channel] * Math.sqrt(colours.length) : 0 };
}

/** A function from a pixel to the number of the nearest colour, which remembers what it has found. */
function nearestColour(palette) {
  const known = new Map();
  return (frame, at) => {
    const key = (frame[at] << 16) | (frame[at + 1] << 8) | frame[at + 2];
    let best = known.get(key);
    if (best === undefined) {
      let least = Infinity;
      palette.forEach(([red, green, blue], i) => {
        const distance = (red - frame[at]) ** 2 + (green - frame[at + 1]) ** 2 + (blue - frame[at + 2]) ** 2;
        if (distance < least) [least, best] = [distance, i];
      });
      known.set(key, (best ??= 0));
    }
    return best;
  };
}

/** LZW as GIF has it: codes of 9 to 12 bits in blocks of up to 255 bytes. */
function compress(indices, out) {
  const CLEAR = 256;
  let [bits, numBits, size, next] = [0, 0, 9, 258];
  let table = new Map();
  const block = [];
  const flush = () => {
    out.byte(block.length);
    for (const value of block) out.byte(value);
    block.length = 0;
  };
  const emit = (code) => {
    bits |= code << numBits;
    for (numBits += size; numBits >= 8; numBits -= 8, bits >>= 8) {
      block.push(bits & 255);
      if (block.length === 255) flush();
    }
  };
  emit(CLEAR);
  let current = indices[0];
  for (let i = 1; i < indices.length; i++) {
    const key = (current << 8) | indices[i];
    const known = table.get(key);
    if (known !== undefined) {
      current = known;
      continue;
    }
    emit(current);
    current = indices[i];
    if (next < 4096) {
      if (next === 1 << size) size++;
      table.set(key, next++);
    } else {
      emit(CLEAR);
      [size, next, table] = [9, 258, new Map()];
    }
  }
  emit(current);
  emit(CLEAR + 1);
  if (numBits > 0) block.push(bits & 255);
  if (block.length) flush();
  out.byte(0);
}
