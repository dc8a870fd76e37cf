// kernel.c in plain JavaScript, for browsers without WebAssembly SIMD: the same functions on the same memory.

/** The functions of the kernel; addresses are in bytes, as those of WebAssembly are. */
function plainKernel(buffer) {
  const floats = new Float32Array(buffer);
  const integers = new Int32Array(buffer);
  const rectified = (value, slope) => (value > 0 ? value : value * slope);
  const rowOf = (y, width, channels) => ((y + 1) * (width + 2) + 1) * channels;
  const clamped = (value, end) => Math.min(Math.max(value, 0), end - 1);

  /** One pixel, `lanes` (8 or 4) outputs: the innermost loop, its sums in variables of their own. */
  function block(input, output, weights, bias, taps, numTaps, depth, lanes, slope, adds) {
    let [a, b, c, d, e, f, g, h] = [0, 0, 0, 0, 0, 0, 0, 0];
    let w = weights;
    for (let t = 0; t < numTaps; t++) {
      const row = input + integers[taps + t];
      for (let i = 0; i < depth; i++, w += lanes) {
        const value = floats[row + i];
        a += value * floats[w];
        b += value * floats[w + 1];
        c += value * floats[w + 2];
        d += value * floats[w + 3];
        if (lanes === 8) {
          e += value * floats[w + 4];
          f += value * floats[w + 5];
          g += value * floats[w + 6];
          h += value * floats[w + 7];
        }
      }
    }
    const sums = [a, b, c, d, e, f, g, h];
    for (let v = 0; v < lanes; v++) {
      floats[output + v] = rectified(sums[v] + floats[bias + v] + (adds ? floats[output + v] : 0), slope);
    }
  }

  return {
    product(input, output, weights, bias, from, to, numPixels, taps, numTaps, depth, outputs, slope, adds) {
      [input, output, weights, bias, from, to, taps] = [input, output, weights, bias, from, to, taps].map((at) => at >> 2);
      for (let n = 0; n < outputs; n += 8) {
        const lanes = Math.min(8, outputs - n);
        for (let p = 0; p < numPixels; p++) {
          const there = output + integers[to + p] + n;
          block(input + integers[from + p], there, weights, bias + n, taps, numTaps, depth, lanes, slope, adds);
        }
        weights += lanes * numTaps * depth;
      }
    },

    enlarge(input, output, height, width, channels) {
      [input, output] = [input >> 2, output >> 2];
      for (let y = 0; y < 2 * height; y++) {
        const here = input + rowOf(y >> 1, width, channels);
        const next = input + rowOf(clamped((y >> 1) + (y & 1 ? 1 : -1), height), width, channels);
        for (let x = 0; x < 2 * width; x++) {
          const to = output + rowOf(y, 2 * width, channels) + x * channels;
          const a = (x >> 1) * channels;
          const b = clamped((x >> 1) + (x & 1 ? 1 : -1), width) * channels;
          for (let c = 0; c < channels; c++) {
            const upper = 0.75 * floats[here + a + c] + 0.25 * floats[here + b + c];
            const lower = 0.75 * floats[next + a + c] + 0.25 * floats[next + b + c];
            floats[to + c] = 0.75 * upper + 0.25 * lower;
          }
        }
      }
    },

    halve(input, output, height, width, channels) {
      [input, output] = [input >> 2, output >> 2];
      const row = (width + 2) * channels;
      for (let y = 0; y < height / 2; y++) {
        for (let x = 0; x < width / 2; x++) {
          const from = input + rowOf(2 * y, width, channels) + 2 * x * channels;
          const to = output + rowOf(y, width / 2, channels) + x * channels;
          for (let c = from; c < from + channels; c++) {
            floats[to + c - from] = 0.25 * (floats[c] + floats[c + channels] + floats[c + row] + floats[c + row + channels]);
          }
        }
      }
    },

    activate(input, output, count, slope) {
      [input, output] = [input >> 2, output >> 2];
      for (let i = 0; i < count; i++) floats[output + i] = rectified(floats[input + i], slope);
    },
  };
}
