// The latents of seeds, to the bit those of src/dcgan/randomness.py: Philox-4x64-10 (Salmon et al. 2011, "Parallel
// random numbers: as easy as 1, 2, 3") by its counter, Box and Muller's normal numbers.

const WORD = (1n << 64n) - 1n;
const MULTIPLIERS = [0xd2e7470ee14c6c93n, 0xca5a826395121157n];
const BUMPS = [0x9e3779b97f4a7c15n, 0xbb67ae8584caa73bn]; // of the key, from round to round

/** Four 64-bit words for a counter (any non-negative BigInt) and a key of two words. */
function philox(counter, key) {
  let [a, b, c, d] = [0n, 64n, 128n, 192n].map((shift) => (counter >> shift) & WORD);
  let [left, right] = key;
  for (let round = 0; round < 10; round++) {
    const first = MULTIPLIERS[0] * a;
    const second = MULTIPLIERS[1] * c;
    [a, b, c, d] = [(second >> 64n) ^ b ^ left, second & WORD, (first >> 64n) ^ d ^ right, first & WORD];
    left = (left + BUMPS[0]) & WORD;
    right = (right + BUMPS[1]) & WORD;
  }
  return [a, b, c, d];
}

/** Draws number `index` of a stream: `size` of them, in (0, 1). The stream is its key; `index` is a BigInt. */
function uniforms(index, size, key) {
  const counters = Math.ceil(size / 4);
  const first = index * BigInt(counters) + 1n; // the generator of NumPy counts before it draws
  const values = new Float64Array(4 * counters);
  for (let i = 0; i < counters; i++) {
    philox(first + BigInt(i), key).forEach((word, lane) => {
      values[4 * i + lane] = (Number(word >> 11n) + 0.5) * 2 ** -53;
    });
  }
  return values;
}

/** One latent of a stream: Float32Array of `size`. */
function latentAt(index, size, key, prior) {
  const values = uniforms(index, size, key);
  const latent = new Float32Array(size);
  const half = values.length / 2;
  for (let i = 0; i < size; i++) {
    if (prior === "uniform") {
      latent[i] = 2 * values[i] - 1;
      continue;
    }
    const pair = 2 * (i % half);
    const angle = 2 * Math.PI * values[pair + 1];
    latent[i] = Math.sqrt(-2 * Math.log(values[pair])) * (i < half ? Math.cos(angle) : Math.sin(angle));
  }
  return latent;
}
