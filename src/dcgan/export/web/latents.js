// Arithmetic of latents: near others, between others, from parents. A latent is a Float32Array.

const GRID = 4096; // latents made here lie on multiples of 1/4096, so that a link holds them exactly
const REACH = 32767 / GRID;

/** The nearest latent that a link can hold. */
function snapped(latent) {
  return latent.map((value) => Math.round(Math.min(REACH, Math.max(-REACH, value)) * GRID) / GRID);
}

/** The point at `share` of the way: along the great circle for normal latents, straight for uniform ones. */
function between(start, end, share, prior) {
  const straight = (a, b) => start.map((value, i) => a * value + b * end[i]);
  if (prior === "uniform") return straight(1 - share, share);
  let [dot, first, second] = [0, 0, 0];
  for (let i = 0; i < start.length; i++) {
    dot += start[i] * end[i];
    first += start[i] ** 2;
    second += end[i] ** 2;
  }
  const angle = Math.acos(Math.min(1, Math.max(-1, dot / Math.sqrt(first * second || 1))));
  const sine = Math.sin(angle);
  if (Math.abs(sine) < 1e-6) return straight(1 - share, share);
  return straight(Math.sin((1 - share) * angle) / sine, Math.sin(share * angle) / sine);
}

/** A latent `distance` (0: the same, 1: unrelated) away, towards `noise`, as probable as one of the prior. */
function near(latent, noise, distance, prior) {
  if (prior === "uniform") return snapped(between(latent, noise, distance, prior));
  const angle = (distance * Math.PI) / 2;
  return snapped(latent.map((value, i) => Math.cos(angle) * value + Math.sin(angle) * noise[i]));
}

/** A child: each number from one of the parents, or from `noise` with probability `mutation`. */
function child(parents, noise, choices, mutation) {
  return snapped(
    noise.map((fresh, i) => {
      const mutates = choices[2 * i + 1] < mutation;
      return mutates ? fresh : parents[Math.floor(choices[2 * i] * parents.length)][i];
    }),
  );
}

/** The latent moved along directions by amounts; directions have the length 1. */
function moved(latent, directions, amounts) {
  const result = Float32Array.from(latent);
  directions.forEach((direction, index) => {
    for (let i = 0; i < result.length; i++) result[i] += amounts[index] * direction[i];
  });
  return snapped(result);
}

/** The first directions at right angles to each other that these random latents span, each of length 1. */
function orthonormal(latents) {
  const found = [];
  for (const latent of latents) {
    const rest = Float64Array.from(latent);
    for (const other of found) {
      let dot = 0;
      for (let i = 0; i < rest.length; i++) dot += rest[i] * other[i];
      for (let i = 0; i < rest.length; i++) rest[i] -= dot * other[i];
    }
    const length = Math.hypot(...rest);
    if (length > 1e-6) found.push(rest.map((value) => value / length));
  }
  return found;
}
