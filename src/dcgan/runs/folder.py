"""Every file name of a run, and its one writer. The run folder is the only contract between the wings."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """Paths only: whether they exist is another question. By training, but those of report, evaluate, explore."""

    root: Path

    @property
    def config(self) -> Path:
        """Every knob, resolved; written once before step 0, again when the budget grows. By training."""
        return self.root / "config.toml"

    @property
    def about(self) -> Path:
        """Command line, versions, machine and data of each start, as JSON. By training."""
        return self.root / "about.json"

    @property
    def dataset(self) -> Path:
        """The report on the data, as JSON. By training."""
        return self.root / "dataset.json"

    @property
    def journal(self) -> Path:
        """One JSON object a line: see ``runs.journal``. By training."""
        return self.root / "journal.jsonl"

    @property
    def checkpoints(self) -> Path:
        """A folder: see ``runs.checkpoint``. By training."""
        return self.root / "checkpoints"

    @property
    def best(self) -> Path:
        """Which checkpoint measured best, as JSON: see ``runs.checkpoint``. By training."""
        return self.checkpoints / "best.json"

    @property
    def lock(self) -> Path:
        """Held by the one process that trains. By training."""
        return self.root / "lock"

    @property
    def samples(self) -> Path:
        """A folder of grids. By training."""
        return self.root / "samples"

    @property
    def reals(self) -> Path:
        """A grid of real images, of the same shape as the others. By training."""
        return self.samples / "reals.png"

    @property
    def latest(self) -> Path:
        """The newest grid of the fixed latents. By training."""
        return self.samples / "latest.png"

    def preview(self, images_seen: int) -> Path:
        """The grid of the fixed latents after so many images. By training."""
        return self.samples / f"images-{images_seen:010d}.png"

    def fresh_preview(self, images_seen: int) -> Path:
        """A 3 x 7 grid of new latents with batch statistics, as the chapter shows. By training."""
        return self.samples / f"fresh-{images_seen:010d}.png"

    def fresh_previews(self) -> list[Path]:
        """The grids of new latents, oldest first."""
        return sorted(self.samples.glob("fresh-*.png"))

    @property
    def both_ways(self) -> Path:
        """At the end, latents drawn as the chapter draws them, beside the same as sampling draws them. By training."""
        return self.samples / "both-ways.png"

    def previews(self) -> list[tuple[int, Path]]:
        """(images seen, grid of the fixed latents), oldest first."""
        found = ((re.fullmatch(r"images-([0-9]{1,18})", path.stem), path) for path in self.samples.glob("images-*.png"))
        return sorted((int(match[1]), path) for match, path in found if match)

    @property
    def evaluation(self) -> Path:
        """The last evaluation, as JSON. By evaluate."""
        return self.root / "evaluation.json"

    @property
    def copies(self) -> Path:
        """Samples above, the training images they are nearest to below. By evaluate."""
        return self.root / "copies.png"

    @property
    def most_usual(self) -> Path:
        """Samples in the thick of the real images. By evaluate."""
        return self.root / "most-usual.png"

    @property
    def least_usual(self) -> Path:
        """Samples farthest from anything real. By evaluate."""
        return self.root / "least-usual.png"

    @property
    def exploration(self) -> Path:
        """A folder of results, each a picture and a JSON file of the same name. By explore."""
        return self.root / "explore"

    @property
    def directions(self) -> Path:
        """Directions of the latent space, as JSON: see ``exploration.directions``. By explore."""
        return self.exploration / "directions.json"

    @property
    def report(self) -> Path:
        """The run in one HTML page. By reporting."""
        return self.root / "report.html"

    @property
    def curves(self) -> Path:
        """Losses over images as a PNG. By reporting."""
        return self.root / "curves.png"

    @property
    def film(self) -> Path:
        """The grids over time as an animated GIF. By reporting."""
        return self.root / "film.gif"

    @property
    def tracked(self) -> Path:
        """How much of the journal each tracker was told, as JSON. By tracking."""
        return self.root / "tracked.json"

    @property
    def trace(self) -> Path:
        """Of some steps, for chrome://tracing. By ``train --profile``."""
        return self.root / "profile.json"

    @property
    def time_table(self) -> Path:
        """Where the time of those steps went, as text. By ``train --profile``."""
        return self.root / "profile.txt"
