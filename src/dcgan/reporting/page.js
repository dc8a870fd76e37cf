"use strict";
const frames = [...document.querySelectorAll("[data-frame]")];
const slider = document.querySelector("#slider");
const play = document.querySelector("#play");
let timer = 0;

function show(index) {
  frames.forEach((frame, place) => { frame.hidden = place !== index; });
  const words = frames[index].dataset.frame;
  document.querySelector("#when").textContent = words;
  slider.value = index;
  slider.setAttribute("aria-valuetext", words);
}

function pause() {
  clearInterval(timer);
  timer = 0;
  play.textContent = "Play";
}

function start() {
  let index = Number(slider.value);
  play.textContent = "Pause";
  timer = setInterval(() => {
    index = (index + 1) % frames.length;
    show(index);
    if (index === frames.length - 1) pause();
  }, 450);
}

if (slider) {
  document.querySelector("#turn").hidden = false;
  slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
  play.addEventListener("click", () => (timer ? pause() : start()));
}

// While training the page renews itself, but not under the eyes of somebody who looks at an older grid.
if (document.documentElement.dataset.state === "training") {
  setInterval(() => {
    if (!timer && (!slider || Number(slider.value) === frames.length - 1)) location.reload();
  }, 30000);
}
