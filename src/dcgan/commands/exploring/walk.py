"""Walk: a film from image to image."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from dcgan.commands.exploring.asked import label_of, require_number, seeds_of
from dcgan.commands.exploring.options import Checkpoint, Flag, Label, Run, Seeds, shown
from dcgan.commands.exploring.results import Result, destination, keep, opened
from dcgan.files import write_atomically

if TYPE_CHECKING:
    from dcgan.tensors import Pixels

ON_STRIP = 12  # images


def walk(
    run: Run,
    *,
    seeds: Seeds = "0-5",
    frames: Annotated[int, shown("N")] = 60,
    loop: Flag = False,
    pace: Annotated[str, shown("DETECTOR|latent")] = "tiny",
    label: Label = None,
    checkpoint: Checkpoint = None,
    out: Annotated[str | Path | None, shown("FILE", reads=str)] = None,
) -> Result:
    """A film that leads from image to image.

    Sudden changes on the way are a sign of memorised images.

    Args:
        run: The folder that dcgan train made, or one of its checkpoints.
        seeds: The images to pass through, in this order, such as 3,17,40 (default: 0-5).
        frames: Images of the film (default: 60, which are three seconds).
        loop: Go on from the last image to the first, so that the film can repeat without a jump.
        pace: Who judges that all steps change the image equally: a detector, as dcgan evaluate takes it (default:
            tiny), or latent for equal steps in the latent space.
        label: Draw this class only (runs trained with --labels). Default: each seed's own class, blended on the way.
        checkpoint: Of the run (default: the best one if one was kept, else the last).
        out: FILE.gif, FILE.mp4 (needs ffmpeg) or FILE.png, which is one sheet (default: RUN/explore/walk.gif).
    """
    require_number("frames", frames, 2, 10_000)
    numbers = seeds_of(seeds, least=2, most=frames)
    path = destination(run, out, "walk", (".gif", ".mp4", ".png"))
    from dcgan.commands.exploring.looking import eyes
    from dcgan.exploration.points import draw, points_of_seeds
    from dcgan.exploration.walks import step_lengths
    from dcgan.exploration.walks import walk as walked

    generator = opened(run, checkpoint)
    judge = eyes("tiny" if pace == "latent" else pace, generator)
    stops = points_of_seeds(generator, numbers, label_of(label, generator.class_names))
    look = None if pace == "latent" else lambda points: judge(draw(generator, points))
    points = walked(stops, frames, generator.config.model.prior, loop=loop, look=look)
    pixels = draw(generator, points)
    steps = step_lengths(judge(pixels))
    jump = float(steps.max() / steps.median()) if float(steps.median()) > 0 else 1.0
    way = "arcs of great circles" if generator.config.model.prior == "normal" else "straight lines"
    named = ", ".join(map(str, numbers[:20])) + " …" * (len(numbers) > 20)
    words = [
        f"{frames} images from seed to seed ({named}) along {way}{', and back to the first' if loop else ''}.",
        f"The largest step changes the image {jump:.2f} times as much as the median one, as {judge.name} sees it.",
    ]
    found = {"seeds": numbers, "loop": loop, "pace": pace, "steps": steps.tolist(), "largest_over_median": jump}
    content, still = _filmed(pixels, path)
    return keep(path, content, generator, method="walk", words=words, points=points, found=found, still=still)


def _filmed(pixels: "Pixels", path: Path) -> tuple[bytes, Path]:
    """The film, and a picture for where films cannot be shown: a strip that is written beside it."""
    from dcgan.exploration.films import film
    from dcgan.exploration.sheets import Row, pictures_of, sheet

    pictures, suffix = pictures_of(pixels), path.suffix.lower()
    content = film(pictures, suffix)
    if suffix == ".png":
        return content, path
    count = min(len(pictures), ON_STRIP)
    rows = [round(number * (len(pictures) - 1) / (count - 1)) for number in range(count)]
    still = path.with_name(f"{path.stem}-strip.png")
    write_atomically(still, sheet([Row(pictures[rows])]))
    return content, still
