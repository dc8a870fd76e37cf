"""The picture of README.md: what ``make demo`` drew, beside what it learned from. Run it after ``make demo``."""

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent.parent
SCALE, COLUMNS, GAP = 2, 6, 24

grids = [Image.open(ROOT / "demo" / "samples" / name).convert("RGB") for name in ("latest.png", "reals.png")]
cell = (grids[0].width + 2) // 10
grids = [grid.crop((0, 0, COLUMNS * cell - 2, grid.height)) for grid in grids]
width, height = (SCALE * side for side in grids[0].size)
picture = Image.new("RGB", (2 * width + GAP, height), "white")
for index, grid in enumerate(grids):
    picture.paste(grid.resize((width, height), Image.Resampling.NEAREST), (index * (width + GAP), 0))
picture.quantize(256).save(Path(__file__).with_suffix(".png"), optimize=True)
