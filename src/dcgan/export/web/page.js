// The page: what it shows, what a click or a key does, and the link that brings it back.

const element = (id) => document.getElementById(id);

function make(tag, properties, children = []) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function heart() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M12 20.5C5 15 2.5 11.500 2.5 8.200A5 5 0 0 1 12 6a5 5 0 0 1 9.500 2.200c0 3.300-2.500 6.800-9.500 12.300Z");
  svg.append(path);
  return svg;
}

class Page {
  constructor(model, painter) {
    Object.assign(this, { model, painter, view: 0, tiles: [] });
    this.images = new Images(model);
    this.state = stateOf(location.hash, this.images);
    this.stage = new Stage(this);
    this.walk = new Walk(this);
    this.shelf = new Shelf(this);
    this.#wire();
    this.#offerChoices();
    this.translate();
    this.#showState();
  }

  #wire() {
    element("new").onclick = () => this.showNew();
    element("back").onclick = () => this.showNew();
    element("again").onclick = () => this.showGrid({ ...this.state.grid, round: this.state.grid.round + 1 });
    element("amount").onchange = ({ target }) => {
      const name = this.state.grid.kind === "near" ? "distance" : "mutation";
      this.showGrid({ ...this.state.grid, [name]: Number(target.value) });
    };
    element("seeds").onsubmit = (event) => {
      event.preventDefault();
      const seed = element("seed").value.trim();
      if (/^\d{1,18}$/.test(seed)) this.showGrid({ kind: "seeds", first: BigInt(seed) }, true);
    };
    element("language").onclick = () => {
      language = language === "en" ? "pt" : "en";
      this.translate();
    };
    element("theme").onclick = () => {
      const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
      document.documentElement.dataset.theme = dark ? "light" : "dark";
    };
    addEventListener("popstate", () => this.#restore());
    addEventListener("hashchange", () => this.#restore());
    addEventListener("keydown", (event) => this.#onKey(event));
  }

  #offerChoices() {
    const { classes, channels } = this.model;
    const options = classes.map((name, value) => make("option", { value, textContent: name }));
    element("class-select").append(...options);
    element("class-of").hidden = !classes.length;
    element("classes").hidden = !classes.length;
    element("view-of").hidden = channels === 1 || channels === 3 || channels === 4;
    for (let i = 0; i < channels; i++) element("view-select").append(make("option", { value: i }));
    if (channels > 4) element("view-select").append(make("option", { value: -1 }));
    const aspect = `${this.model.width} / ${this.model.height}`;
    document.documentElement.style.setProperty("--aspect", aspect);
  }

  #restore() {
    if (location.hash.replace(/^#/, "") === linkOf({ ...this.state, label: this.state.label })) return;
    this.state = stateOf(location.hash, this.images);
    this.#showState();
  }

  #showState() {
    this.#drawGrid();
    this.choose(this.state.chosen ?? this.tiles[0]);
    this.renderKept();
    this.#renderClasses();
  }

  /** All words in the language of now. */
  translate() {
    document.documentElement.lang = language;
    for (const item of document.querySelectorAll("[data-word]")) item.textContent = word(item.dataset.word);
    for (const item of document.querySelectorAll("[data-name]")) item.setAttribute("aria-label", word(item.dataset.name));
    element("title").textContent = this.model.title;
    element("language").textContent = WORDS[language].other;
    element("language").lang = language === "en" ? "pt" : "en";
    element("new").title = word("newHint");
    element("seeds").title = word("seedHint");
    element("latents").title = word("latentsHint");
    element("score").title = word("scoreHint");
    element("heat-of").title = word("heatHint");
    element("grid").setAttribute("aria-label", word("gridLabel"));
    element("classes").setAttribute("aria-label", word("classes"));
    for (const option of element("view-select").options) {
      option.textContent = option.value < 0 ? word("viewColours") : word("viewChannel", { number: Number(option.value) + 1 });
    }
    this.tellAbout();
    this.#renderClasses();
    this.#describeGrid();
    this.renderKept();
    this.stage.describe();
  }

  /** What the page says of itself. */
  tellAbout() {
    element("about-text").replaceChildren(...this.#facts().map((textContent) => make("p", { textContent })));
  }

  #facts() {
    const { model } = this;
    const facts = { ...model, weights: figure(model.weights), latent: model.latentSize };
    const lines = [word("aboutModel", facts)];
    if (model.imagesSeen) lines.push(word("aboutSeen", { images: figure(model.imagesSeen) }));
    if (model.checked) lines.push(word("aboutExact", { seeds: model.checked.seeds, levels: figure(model.checked.levels, 1) }));
    if (model.bits === 16) lines.push(word("aboutSixteen"));
    if (this.way) lines.push(word("aboutWay", { way: word(this.way === "simd" ? "waySimd" : "wayPlain"), milliseconds: figure(this.painter.milliseconds, 1) }));
    return [...lines, word("aboutPrivate"), word("aboutKeys")];
  }

  nameOf({ seed, label }) {
    const { classes } = this.model;
    const name = seed === null ? word("latentName") : word("seedName", { seed });
    return classes.length ? `${name}, ${classes[label]}` : name;
  }

  directions() {
    const { directions, latentSize } = this.model;
    if (directions.length) return directions.map(({ vector }) => vector.map((value) => value / Math.hypot(...vector)));
    const random = Array.from({ length: Math.min(6, latentSize) }, (_, i) => this.images.noise(2n ** 40n + BigInt(i)));
    return orthonormal(random);
  }

  directionName(index) {
    return this.model.directions[index]?.name || word("direction", { number: index + 1 });
  }

  rgba(pixels) {
    return rgbaOf(pixels, this.model.channels, this.view);
  }

  /** Show two, or more than four, channels in another way. */
  showAs(view) {
    this.view = view;
    this.#drawGrid();
    for (const item of element("shelf").children) item.paint();
    this.stage.show(this.state.chosen);
  }

  paintOn(canvas, image, owner) {
    canvas.dataset.code = image.code;
    return this.painter.paint(image, owner).then(({ pixels, score }) => {
      if (canvas.dataset.code !== image.code) return;
      draw(canvas, this.rgba(pixels), this.model.width, this.model.height);
      canvas.parentElement.classList.add("painted");
      canvas.parentElement.classList.toggle("scored", score !== undefined);
    }, unlessDropped);
  }

  /** Another grid of images; the back button of the browser brings the last one back. */
  showGrid(grid, chooses = false) {
    this.state.grid = grid;
    this.#drawGrid();
    if (chooses) this.choose(this.tiles[0], false);
    this.remember(true);
  }

  showNew() {
    const { grid } = this.state;
    const first = grid.kind === "seeds" ? grid.first + BigInt(TILES) : this.lastSeeds ?? 0n;
    this.showGrid({ kind: "seeds", first: first % 10n ** 18n }, true);
  }

  showNear(of) {
    this.showGrid({ kind: "near", of, round: 0, distance: 0.35 });
  }

  #drawGrid() {
    const { grid, label } = this.state;
    if (grid.kind === "seeds") {
      this.lastSeeds = grid.first;
      element("seed").value = String(grid.first);
    }
    this.painter.drop("grid");
    this.tiles = imagesOf(grid, label, this.images);
    const list = element("grid");
    while (list.children.length < this.tiles.length) list.append(this.#newTile(list.children.length));
    this.painted = Promise.all(this.tiles.map((image, i) => {
      const tile = list.children[i].firstElementChild;
      tile.classList.remove("painted");
      return this.paintOn(tile.firstElementChild, image, "grid");
    }));
    this.#describeGrid();
    this.mark();
  }

  #newTile(index) {
    const canvas = make("canvas", {});
    canvas.setAttribute("aria-hidden", "true");
    const tile = make("button", { type: "button", className: "tile checkered", tabIndex: index ? -1 : 0 }, [canvas]);
    tile.onclick = () => this.choose(this.tiles[index]);
    const keep = make("button", { type: "button", className: "keep", tabIndex: -1, onclick: () => this.toggleKept(this.tiles[index]) }, [heart()]);
    return make("li", {}, [tile, keep]);
  }

  #describeGrid() {
    const { grid } = this.state;
    const near = grid.kind === "near";
    const names = {
      seeds: () => word("gridSeeds", { first: grid.first, last: grid.first + BigInt(TILES - 1) }),
      near: () => word("gridNear", { name: this.nameOf(grid.of) }),
      children: () => word("gridChildren", { count: grid.parents.length }),
    };
    element("grid-name").textContent = names[grid.kind]();
    for (const id of ["amount-of", "again", "back"]) element(id).hidden = grid.kind === "seeds";
    element("amount-name").textContent = word(near ? "distance" : "mutation");
    element("amount").value = near ? grid.distance : grid.mutation ?? 0;
    this.#nameTiles();
  }

  #nameTiles() {
    this.tiles.forEach((image, i) => {
      const [tile, keep] = element("grid").children[i].children;
      const name = this.nameOf(image) + (image.seed === null ? ` ${i + 1}` : "");
      tile.setAttribute("aria-label", name);
      keep.setAttribute("aria-label", `${word("keep")}: ${name}`);
    });
  }

  /** Say on the grid which image is looked at and which ones are kept. */
  mark() {
    const chosen = this.state.chosen?.code;
    const kept = new Set(this.state.kept.map(({ code }) => code));
    this.tiles.forEach(({ code }, i) => {
      const [tile, keep] = element("grid").children[i].children;
      tile.setAttribute("aria-pressed", String(code === chosen));
      keep.setAttribute("aria-pressed", String(kept.has(code)));
    });
    this.stage.describe();
  }

  choose(image, remembers = true) {
    this.walk.pause();
    this.state.chosen = image;
    this.stage.show(image);
    this.mark();
    if (remembers) this.remember();
  }

  isKept({ code }) {
    return this.state.kept.some((one) => one.code === code);
  }

  toggleKept(image) {
    const { kept } = this.state;
    this.state.kept = this.isKept(image) ? kept.filter(({ code }) => code !== image.code) : [...kept, image];
    this.shelf.unticked.delete(image.code);
    this.renderKept();
    this.remember();
  }

  picked() {
    return this.shelf?.picked() ?? [];
  }

  renderKept() {
    this.shelf.render();
    this.walk.describe();
    this.mark();
  }

  #renderClasses() {
    const { classes } = this.model;
    const chip = (text, label) => {
      const button = make("button", { type: "button", textContent: text, onclick: () => this.#showClass(label) });
      button.setAttribute("aria-pressed", String(this.state.label === label));
      return button;
    };
    element("classes").replaceChildren(...(classes.length ? [chip(word("all"), null), ...classes.map(chip)] : []));
  }

  #showClass(label) {
    this.state.label = label;
    this.#renderClasses();
    this.showGrid(this.state.grid.kind === "near" && label !== null ? { ...this.state.grid, of: this.images.as(this.state.grid.of, label) } : this.state.grid, true);
  }

  /** Write the state behind # of the address. */
  remember(asNew = false) {
    const link = `#${linkOf(this.state)}`;
    try {
      if (link !== location.hash) history[asNew ? "pushState" : "replaceState"](null, "", link);
    } catch {
      // Some frames allow no history; the page works without.
    }
  }

  async copyLink() {
    this.remember();
    try {
      await navigator.clipboard.writeText(location.href);
      this.say(word("copied"));
    } catch {
      this.say(word("copyFailed"));
    }
  }

  /** Have Python draw these at full precision into a folder: only where dcgan play serves the page. */
  async saveToFolder(images) {
    const asked = images.map(({ seed, latent, label }) => ({ seed: seed === null ? null : String(seed), latent: [...latent], label }));
    const headers = { "content-type": "application/json", "x-dcgan": this.model.saving };
    try {
      const answer = await fetch("save", { method: "POST", headers, body: JSON.stringify({ images: asked }) });
      const told = await answer.json();
      if (answer.ok) this.say(word("savedThere", { folder: told.folder, names: told.names.join(", ") }));
      else this.say(word("savedNot", { reason: told.error }));
    } catch (error) {
      this.say(word("savedNot", { reason: error.message }));
    }
  }

  say(text) {
    element("said").textContent = text;
    element("said").classList.add("shown");
    clearTimeout(this.silence);
    this.silence = setTimeout(() => element("said").classList.remove("shown"), 4000);
  }

  #onKey(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("select, input:not([type=range], [type=checkbox])")) return;
    const tile = target.closest?.("#grid li");
    if (tile && key.startsWith("Arrow")) return this.#moveFocus(event, [...tile.parentElement.children].indexOf(tile));
    const { chosen } = this.state;
    const keys = { n: () => this.showNew(), k: () => this.toggleKept(chosen), b: () => this.showNear(chosen), p: () => this.walk.toggle() };
    keys[key.toLowerCase()]?.();
  }

  #moveFocus(event, index) {
    event.preventDefault();
    const tiles = [...element("grid").children];
    const columns = tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
    const next = index + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (next < 0 || next >= tiles.length) return;
    tiles[index].firstElementChild.tabIndex = -1;
    tiles[next].firstElementChild.tabIndex = 0;
    tiles[next].firstElementChild.focus();
  }
}

async function open(source) {
  const model = JSON.parse(element("model").textContent);
  language = /^pt\b/i.test(navigator.language) ? "pt" : "en";
  const asked = new URLSearchParams(location.search).get("way") ?? "auto";
  const painter = new Painter(model, source);
  const content = (id) => element(id).textContent;
  const started = painter.ask({ task: "start", model, weights: content("weights"), kernel: content("kernel"), way: asked });
  const page = new Page(model, painter);
  window.dcgan = page;
  try {
    const { way } = await started;
    page.way = way;
    await page.painted;
    document.documentElement.dataset.ready = way;
    page.tellAbout();
  } catch (error) {
    page.say(word("failed", { reason: error.message }));
  }
}

if (!IN_WORKER) open(document.currentScript.textContent);
