"""What the commands that measure can be told: evaluate and compare; no torch here."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from dcgan.commands.options import ImageOptions, place_of
from dcgan.commands.spelling import Flag, Json, require_least
from dcgan.commands.spelling import shown as _shown
from dcgan.commands.spelling import spelled as _arg
from dcgan.errors import UserError


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """How good the images are, in numbers and pictures."""

    target: Annotated[str, tyro.conf.Positional, _arg("RUN|FOLDER|ZIP")]
    """A run, one of its checkpoints, or images made by any other tool."""
    reference: Annotated[str | None, _arg("SOURCE|RUN")] = None
    """Real images to compare with. Default: what the run has held out (the official test split if there is one), and
    what it was trained on."""
    detectors: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, _arg("NAME", name="detector")] = ()
    """Network to measure with: tiny, second, inception:FILE.safetensors, package.module:function; may be repeated.
    Default: tiny and second; trust what both agree on."""
    samples: Annotated[int, _arg("N")] = 10_000
    """Images to draw from a run (default: 10000). Only results of equal N can be compared; 1000 takes a tenth of the
    time."""
    reference_images: Annotated[int | None, _arg("N")] = None
    """Real images to compare with, of the held-out ones and of those trained on (default: as many as samples, but at
    least 5000). Where there are more, the N is in the name of the measure."""
    data: Annotated[str | None, _arg("SOURCE")] = None
    """Where the images that the run was trained on are now, if they have moved; they are known by their content."""
    checkpoint: Annotated[Literal["best", "last"] | None, _arg("{best,last}")] = None
    """Of a run (default: the best one if one was kept, else the last)."""
    size: Annotated[str | None, _arg("HEIGHT[xWIDTH]")] = None
    """What the images of a folder are brought to, as the reference is (default: 64)."""
    as_json: Json = False
    """Print the measurements as JSON."""
    out: Annotated[str | None, _arg("FOLDER")] = None
    """Where evaluation.json and the pictures go (default: into the run; of a folder, nowhere)."""


@dataclass(frozen=True, kw_only=True)
class CompareOptions(ImageOptions):
    """Runs side by side: those that are there, or those that --vary asks for."""

    runs: Annotated[tyro.conf.Positional[tuple[str, ...]], _arg("[RUN …]")] = ()
    """Folders that dcgan train made."""
    source: Annotated[str | None, _arg("SOURCE", name="data")] = None
    """Train on these images what is missing: a folder, a file or a name, as dcgan train takes it. With runs that are
    there: where the images that they were trained on are now."""
    vary: Annotated[str | None, _arg("KEY=A,B|KEY=C,D")] = None
    """What differs: "recipe=d2l,modern", "model.negative_slope=0,0.2"; several keys, with | between them, are all
    combined. The first combination is the one that the others are compared with."""
    repeats: Annotated[int, _shown("N")] = 3
    """Runs of each, with the seeds 0 … N-1."""
    budget: Annotated[str, _shown("TIME|IMAGES|EPOCHS")] = "3min"
    """Of each run. A time becomes a number of images by the speed of each combination, measured once, alone."""
    jobs: Annotated[int, _shown("N")] = 1
    """Runs side by side."""
    threads: Annotated[int | None, _arg("N")] = None
    """Processor threads of each (default: all that may be used, shared between the jobs)."""
    device: Annotated[str | None, _arg("NAME")] = None
    """cpu, cuda, mps (default: the first accelerator there is)."""
    labels: Flag = False
    """Learn the classes."""
    samples: Annotated[int, _shown("N")] = 10_000
    """Images that each run is measured with; 0 measures nothing: curves and grids alone."""
    detectors: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, _arg("NAME", name="detector")] = ()
    """Network to measure with: see dcgan evaluate --help; may be repeated (default: tiny and second)."""
    reference: Annotated[str | None, _arg("SOURCE")] = None
    """Real images to measure against (default: each run's own test split or held-out images)."""
    out: Annotated[str, _shown("FOLDER")] = "comparison"
    """Where comparison.html, results.json and all runs go; the same command again does only what is missing."""
    as_json: Json = False
    """Print results.json instead of tables."""

    def given(self) -> dict[str, Any]:
        """The options as settings; None where nothing was said."""
        return (
            {"data.source": place_of(self.source)}
            | super().given()
            | {
                "data.labels": True if self.labels else None,
                "training.budget": self.budget,
                "hardware.device": self.device,
                "hardware.threads": self.threads,
            }
        )

    def check(self) -> None:
        """Refuse what contradicts itself, before anything heavy is imported.

        Raises:
            UserError: Says what was expected.
        """
        require_least(self, limit=2, threads=1)
        if not self.runs and self.source is None:
            example = 'dcgan compare --data critters --vary "recipe=d2l,modern"'
            raise UserError(f"Name the runs (dcgan compare RUN RUN), or the images to train on ({example}).")
        if self.runs and self.vary:
            raise UserError("--vary: trains new runs on --data. Name runs that are there, or --vary, not both.")
        if self.samples and self.samples < 100:
            raise UserError(f"--samples {self.samples}: must be 0, which measures nothing, or at least 100.")
        for name, least, most in (("repeats", 1, 100), ("jobs", 1, 64), ("samples", 0, 10**6)):
            if not least <= getattr(self, name) <= most:
                raise UserError(f"--{name} {getattr(self, name)}: must be {least} … {most:,}.")
