"""A folder of finished images for those who need images and no generator: single files, an atlas, an animation."""

from dcgan.data.pixels import grid, png, viewable
from dcgan.export.pictures import animation, atlas, hex_palette, palette_of
from dcgan.export.product import CHECKED_SEEDS, Export, with_sums
from dcgan.runs.generator import TrainedGenerator


def images_export(generator: TrainedGenerator) -> Export:
    """The images of seeds 0 to 63 as the run draws them, and what is made of them."""
    drawn = generator.sample(CHECKED_SEEDS).permute(0, 2, 3, 1).numpy()
    images = viewable(drawn)
    names = [f"seed_{seed:05d}" for seed in CHECKED_SEEDS]
    sheet, places = atlas(images, names, "atlas.png")
    made = {f"images/{name}.png": png(image) for name, image in zip(names, images, strict=True)}
    made |= {
        "atlas.png": png(sheet),
        "atlas.json": places,
        "palette.hex": hex_palette(palette_of(images, 32)),
        "samples.gif": animation(images, "gif"),
        "sheet.png": png(grid(images, 8)),
    }
    less = images.dtype != drawn.dtype or images.shape != drawn.shape
    told = "8 bits of the first channel, or of all that a PNG holds, were written; dcgan sample writes everything."
    return Export(with_sums(made), 0.0, (told,) if less else ())
