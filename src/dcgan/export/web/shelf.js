// The kept images: bred from, walked through, saved together. A tick says which of them are meant.

class Shelf {
  constructor(page) {
    this.page = page;
    this.unticked = new Set();
    element("more").onclick = () => this.#more();
    element("sheet").onclick = () => this.#save();
    element("latents").onclick = () => this.#saveLatents();
    element("all-to-folder").onclick = () => page.saveToFolder(page.state.kept);
    element("all-to-folder").hidden = !page.model.saving;
  }

  /** Those that are ticked. */
  picked() {
    return this.page.state.kept.filter(({ code }) => !this.unticked.has(code));
  }

  render() {
    const { page } = this;
    const { kept } = page.state;
    const items = new Map([...element("shelf").children].map((item) => [item.dataset.code, item]));
    element("shelf").replaceChildren(...kept.map((image) => items.get(image.code) ?? this.#itemOf(image)));
    for (const item of element("shelf").children) {
      item.querySelector("input").checked = !this.unticked.has(item.dataset.code);
      item.querySelector("input").setAttribute("aria-label", word("chosenFor", { name: page.nameOf(item.image) }));
      item.querySelector("button").setAttribute("aria-label", page.nameOf(item.image));
    }
    element("shelf-empty").hidden = kept.length > 0;
    element("shelf-actions").hidden = kept.length === 0;
    const count = this.picked().length;
    element("more").textContent = word(count > 4 ? "moreMany" : count === 1 ? "moreOne" : "more");
    element("more").disabled = count === 0 || count > 4;
  }

  #itemOf(image) {
    const { page } = this;
    const canvas = make("canvas", {});
    canvas.setAttribute("aria-hidden", "true");
    const button = make("button", { type: "button", className: "thumb checkered", onclick: () => page.choose(image) }, [canvas]);
    const tick = make("input", { type: "checkbox" });
    tick.onchange = () => {
      if (tick.checked) this.unticked.delete(image.code);
      else this.unticked.add(image.code);
      page.renderKept();
    };
    const item = make("li", {}, [button, tick]);
    item.dataset.code = image.code;
    item.image = image;
    item.paint = () => page.paintOn(canvas, image, "shelf");
    item.paint();
    return item;
  }

  #more() {
    const picked = this.picked();
    if (picked.length === 1) this.page.showNear(picked[0]);
    else this.page.showGrid({ kind: "children", parents: picked, round: 0, mutation: 0.1 });
  }

  /** The file that dcgan sample --latents reads. */
  #saveLatents() {
    const { model, state } = this.page;
    const content = { latent_size: model.latentSize, latents: state.kept.map(({ latent }) => [...latent]) };
    if (model.classes.length) content.class_shares = state.kept.map(({ label }) => model.classes.map((_, i) => Number(i === label)));
    const name = fileName(model.title, "latents") + ".json";
    save(new Blob([JSON.stringify(content)], { type: "application/json" }), name);
    this.page.say(word("saved", { name }));
  }

  async #save() {
    const { model, painter, state } = this.page;
    const painted = await Promise.all(state.kept.map((image) => painter.paint(image, "save", { urgent: true })));
    const pictures = painted.map(({ pixels }) => this.page.rgba(pixels));
    const name = fileName(model.title, "kept") + ".png";
    const columns = Math.ceil(Math.sqrt(pictures.length));
    save(await pngOf(sheetOf(pictures, model.width, model.height, columns, 1, 2)), name);
    this.page.say(word("saved", { name }));
  }
}
