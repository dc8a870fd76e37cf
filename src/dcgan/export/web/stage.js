// The image that is looked at: large, with what can be done with it, and the sliders that change it.

const AMOUNT = 3; // how far a slider goes to either side, in standard deviations of the prior

class Stage {
  constructor(page) {
    this.page = page;
    this.canvas = element("chosen");
    this.base = null; // where the sliders start from
    this.wanted = null;
    this.#wire();
  }

  #wire() {
    const { page } = this;
    element("keep").onclick = () => page.toggleKept(page.state.chosen);
    element("neighbours").onclick = () => page.showNear(page.state.chosen);
    element("link").onclick = () => page.copyLink();
    element("png").onclick = () => this.save(1);
    element("png-large").onclick = () => this.save(largeScale(page.model.width, page.model.height));
    element("reset").onclick = () => this.#changeTo(this.base, true);
    element("smooth").onchange = ({ target }) => document.body.classList.toggle("smooth", target.checked);
    element("heat-shown").onchange = () => this.show(page.state.chosen);
    element("class-select").onchange = ({ target }) => page.choose(page.images.as(page.state.chosen, Number(target.value)));
    element("view-select").onchange = ({ target }) => page.showAs(Number(target.value));
    element("to-folder").onclick = () => page.saveToFolder([page.state.chosen]);
    element("to-folder").hidden = !page.model.saving;
    element("heat-of").hidden = !page.model.discriminator;
    this.#addSliders();
  }

  #addSliders() {
    const { page } = this;
    this.directions = page.directions();
    const scale = page.model.prior === "uniform" ? Math.sqrt(1 / 3) : 1;
    this.reach = AMOUNT * scale;
    this.sliders = this.directions.map((_, index) => {
      const input = make("input", { type: "range", min: -this.reach, max: this.reach, step: this.reach / 60, value: 0 });
      const [less, more] = [-1, 1].map((sign) => {
        const canvas = make("canvas", { className: "end checkered" });
        canvas.setAttribute("aria-hidden", "true");
        canvas.onclick = () => { input.value = sign * this.reach; this.#slide(); };
        return canvas;
      });
      const row = make("div", { className: "direction" }, [less, input, more]);
      const { name, ends } = page.model.directions[index] ?? {};
      if (name) row.prepend(make("span", { className: "direction-name", textContent: name }));
      if (ends) [less.title, more.title] = ends;
      input.oninput = () => this.#slide();
      input.onchange = () => this.page.remember();
      element("sliders").append(row);
      return { input, less, more };
    });
  }

  /** Look at an image; the sliders start from it unless one of them made it. */
  async show(image, { slid = false } = {}) {
    const { page } = this;
    const { model } = page;
    this.wanted = image;
    if (!slid) this.#startFrom(image);
    this.describe();
    let painted;
    try {
      painted = await page.painter.paint(image, "stage", { urgent: true });
    } catch (error) {
      return unlessDropped(error);
    }
    if (this.wanted !== image) return;
    draw(this.canvas, page.rgba(painted.pixels), model.width, model.height);
    const heat = element("heat");
    heat.hidden = !(painted.heat && element("heat-shown").checked);
    if (!heat.hidden) drawHeat(heat, painted.heat, painted.heatSize);
    element("score").hidden = painted.score === undefined;
    if (painted.score !== undefined) element("score-value").textContent = figure(painted.score, 2);
  }

  /** The words and switches about the image. */
  describe() {
    const { page } = this;
    const image = page.state.chosen;
    if (!image) return;
    element("chosen-name").textContent = page.nameOf(image);
    const kept = page.isKept(image);
    element("keep").setAttribute("aria-pressed", String(kept));
    element("keep").replaceChildren(heart(), word(kept ? "kept" : "keep"));
    element("class-select").value = String(image.label);
    element("png-large").textContent = word("saveLarge", { scale: largeScale(page.model.width, page.model.height) });
    element("change-note").textContent = word(page.model.directions.length ? "directionsFound" : "directionsRandom");
    this.sliders.forEach(({ input }, i) => input.setAttribute("aria-label", page.directionName(i)));
  }

  #startFrom(image) {
    this.base = image;
    this.page.painter.drop("ends");
    this.sliders.forEach(({ input, less, more }, index) => {
      input.value = 0;
      for (const [canvas, sign] of [[less, -1], [more, 1]]) {
        const amounts = this.directions.map((_, i) => (i === index ? sign * this.reach : 0));
        const end = this.page.images.ofLatent(moved(image.latent, this.directions, amounts), image.label);
        this.page.painter.paint(end, "ends").then(({ pixels }) => {
          if (this.base === image) draw(canvas, this.page.rgba(pixels), this.page.model.width, this.page.model.height);
        }, unlessDropped);
      }
    });
  }

  #slide() {
    const amounts = this.sliders.map(({ input }) => Number(input.value));
    if (amounts.every((amount) => amount === 0)) return this.#changeTo(this.base);
    this.page.painter.drop("stage");
    return this.#changeTo(this.page.images.ofLatent(moved(this.base.latent, this.directions, amounts), this.base.label));
  }

  #changeTo(image, slidersToo = false) {
    if (slidersToo) for (const { input } of this.sliders) input.value = 0;
    this.page.state.chosen = image;
    this.show(image, { slid: true });
    this.page.mark();
  }

  async save(scale) {
    const { model, state, painter } = this.page;
    const { pixels } = await painter.paint(state.chosen, "save", { urgent: true });
    const name = fileName(model.title, this.page.nameOf(state.chosen)) + (scale > 1 ? `-x${scale}` : "") + ".png";
    save(await pngOf(sheetOf([this.page.rgba(pixels)], model.width, model.height, 1, scale)), name);
    this.page.say(word("saved", { name }));
  }
}
