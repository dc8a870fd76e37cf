// Pixels of a generator become something to look at, and files to save.

/** n h w c of any number of channels → RGBA bytes. `view`: the channel shown when there are 2 or more than 4, -1: three. */
function rgbaOf(pixels, channels, view) {
  const count = pixels.length / channels;
  const rgba = new Uint8ClampedArray(4 * count);
  for (let i = 0; i < count; i++) {
    const at = i * channels;
    const coloured = channels === 3 || channels === 4 || (view < 0 && channels > 4);
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = pixels[at + (coloured ? c : channels === 1 ? 0 : Math.max(0, view))];
    rgba[4 * i + 3] = channels === 4 ? pixels[at + 3] : 255;
  }
  return rgba;
}

/** Put RGBA bytes onto a canvas of their size. */
function draw(canvas, rgba, width, height) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
}

/** A canvas with images side by side in columns, each pixel `scale` times as large. */
function sheetOf(pictures, width, height, columns, scale = 1, gap = 0) {
  const sheet = document.createElement("canvas");
  const rows = Math.ceil(pictures.length / columns);
  sheet.width = columns * (width * scale + gap) - gap;
  sheet.height = rows * (height * scale + gap) - gap;
  const context = sheet.getContext("2d");
  context.imageSmoothingEnabled = false;
  const single = document.createElement("canvas");
  pictures.forEach((rgba, i) => {
    draw(single, rgba, width, height);
    const [x, y] = [(i % columns) * (width * scale + gap), Math.floor(i / columns) * (height * scale + gap)];
    context.drawImage(single, x, y, width * scale, height * scale);
  });
  return sheet;
}

/** Give a Blob to the person as a file. */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const pngOf = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/png"));

/** How many times larger a picture may well be saved: at least 512 pixels, a whole number. */
const largeScale = (width, height) => Math.max(2, Math.ceil(512 / Math.max(width, height)));

/** A heat map over a canvas of the image's shape: orange lowers the score, teal raises it. */
function drawHeat(canvas, heat, [height, width]) {
  const most = Math.max(...heat.map(Math.abs), 1e-9);
  const rgba = new Uint8ClampedArray(4 * width * height);
  heat.forEach((value, i) => {
    rgba.set(value < 0 ? [240, 110, 30] : [11, 150, 140], 4 * i);
    rgba[4 * i + 3] = (170 * Math.abs(value)) / most;
  });
  draw(canvas, rgba, width, height);
}

/** A file name without anything that a file system minds. */
const fileName = (...parts) => parts.join("-").replace(/[^\p{L}\p{N}.~_-]+/gu, "-").slice(0, 80);
