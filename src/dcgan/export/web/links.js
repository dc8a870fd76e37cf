// What the part of a link behind # says: which grid, which images are kept, which one is looked at.
//
// An image is its seed, or ~ and its latent (16-bit numbers, base64 as links have it); its class follows a colon.

const LONGEST_LINK = 60000;

function base64FromBytes(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

function bytesFromBase64(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** The name of a latent that did not come from a seed. */
function latentCode(latent) {
  const bytes = new Uint8Array(2 * latent.length);
  const view = new DataView(bytes.buffer);
  latent.forEach((value, i) => view.setInt16(2 * i, Math.round(value * GRID), true));
  return "~" + base64FromBytes(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The latent of such a name, or null if it is none. */
function latentFromCode(code, size) {
  try {
    const bytes = bytesFromBase64(code.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
    if (bytes.length !== 2 * size) return null;
    const view = new DataView(bytes.buffer);
    return Float32Array.from({ length: size }, (_, i) => view.getInt16(2 * i, true) / GRID);
  } catch {
    return null;
  }
}

/** An image to be made: {code, latent, label, seed (BigInt or null)}. */
class Images {
  constructor(model) {
    this.model = model;
    this.keys = Object.fromEntries(Object.entries(model.streams).map(([name, key]) => [name, key.map(BigInt)]));
  }

  noise(index) {
    return latentAt(BigInt(index), this.model.latentSize, this.keys.page, this.model.prior);
  }

  /** Numbers in (0, 1) that no latent is made of. */
  choices(index, count) {
    return uniforms(BigInt(index), count, this.keys.choices);
  }

  ofSeed(seed, label = null) {
    const { latentSize, prior, classes } = this.model;
    const cycled = classes.length ? Number(seed % BigInt(classes.length)) : 0;
    const chosen = label ?? cycled;
    const code = `${seed}${classes.length && chosen !== cycled ? `:${chosen}` : ""}`;
    return { code, seed, label: chosen, latent: latentAt(seed, latentSize, this.keys.sample, prior) };
  }

  ofLatent(latent, label = 0) {
    return { code: latentCode(latent) + (this.model.classes.length ? `:${label}` : ""), seed: null, label, latent };
  }

  /** The same latent as another class. */
  as(image, label) {
    return image.seed === null ? this.ofLatent(image.latent, label) : this.ofSeed(image.seed, label);
  }

  /** The image of a code, or null. */
  ofCode(code) {
    const [, name, label] = /^([^:]*)(?::(\d{1,5}))?$/.exec(code) ?? [];
    const number = label === undefined ? null : Number(label);
    if (name === undefined || (number !== null && number >= Math.max(1, this.model.classes.length))) return null;
    if (/^\d{1,18}$/.test(name)) return this.ofSeed(BigInt(name), number);
    const latent = name.startsWith("~") ? latentFromCode(name, this.model.latentSize) : null;
    return latent && this.ofLatent(latent, number ?? 0);
  }
}

/** State → the text behind #. A grid is {kind: seeds | near | children, …}. */
function linkOf({ grid, kept, chosen, label }) {
  const parts = [];
  if (grid.kind === "seeds") parts.push(`seeds=${grid.first}`);
  if (grid.kind === "near") parts.push(`near=${grid.of.code}`, `distance=${grid.distance}`, `round=${grid.round}`);
  if (grid.kind === "children") {
    parts.push(`parents=${grid.parents.map((one) => one.code).join(",")}`, `mutation=${grid.mutation}`, `round=${grid.round}`);
  }
  if (label !== null) parts.push(`class=${label}`);
  if (kept.length) parts.push(`kept=${kept.map((one) => one.code).join(",")}`);
  if (chosen) parts.push(`image=${chosen.code}`);
  const link = parts.join("&");
  return link.length <= LONGEST_LINK ? link : parts[0];
}

/** The text behind # → state; whatever makes no sense is left out. */
function stateOf(link, images) {
  const said = new Map(link.replace(/^#/, "").split("&").map((part) => {
    const [name, ...rest] = part.split("=");
    return [name, rest.join("=")];
  }));
  const number = (name, otherwise, most) => {
    const value = Number(said.get(name) ?? NaN);
    return value >= 0 && value <= most ? value : otherwise;
  };
  const all = (name) => (said.get(name) || "").split(",").slice(0, 64).map((code) => images.ofCode(code)).filter(Boolean);
  const seed = /^\d{1,18}$/.test(said.get("seeds") ?? "") ? BigInt(said.get("seeds")) : 0n;
  const classes = images.model.classes.length;
  const state = {
    grid: { kind: "seeds", first: seed },
    kept: all("kept"),
    chosen: all("image")[0] ?? null,
    label: classes && said.has("class") ? Math.floor(number("class", 0, classes - 1)) : null,
  };
  const round = Math.floor(number("round", 0, 2 ** 31));
  const parents = all("parents");
  const [of] = all("near");
  if (of) state.grid = { kind: "near", of, round, distance: number("distance", 0.3, 1) };
  else if (parents.length > 1) {
    state.grid = { kind: "children", parents: parents.slice(0, 4), round, mutation: number("mutation", 0.1, 1) };
  }
  return state;
}

const TILES = 24;

/** The images of a grid, in order. */
function imagesOf(grid, label, images) {
  const { prior, latentSize } = images.model;
  return Array.from({ length: TILES }, (_, i) => {
    if (grid.kind === "seeds") return images.ofSeed(grid.first + BigInt(i), label);
    const index = grid.round * TILES + i;
    const noise = images.noise(index);
    if (grid.kind === "near") {
      if (i === 0) return grid.of;
      return images.ofLatent(near(grid.of.latent, noise, grid.distance * (0.4 + (0.6 * i) / (TILES - 1)), prior), grid.of.label);
    }
    const choices = images.choices(index, 2 * latentSize + 1);
    const heir = grid.parents[Math.floor(choices[2 * latentSize] * grid.parents.length)];
    const latent = child(grid.parents.map((one) => one.latent), noise, choices, grid.mutation);
    return images.ofLatent(latent, label ?? heir.label);
  });
}
