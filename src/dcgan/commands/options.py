"""The everyday options of the commands, for the command line and for Python alike; no torch here."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from dcgan.commands.spelling import Flag, Settings, require_least
from dcgan.commands.spelling import shown as _shown
from dcgan.commands.spelling import spelled as _arg
from dcgan.errors import UserError
from dcgan.files import user_path
from dcgan.notation import parse_size
from dcgan.settings.config import Config, read_toml
from dcgan.settings.recipes import complete, recipe


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which images."""

    source: Annotated[str | None, tyro.conf.Positional, _arg("[SOURCE]")] = None
    """A folder, a .zip, .tar, .idx.gz, .npz, .npy or .tiff file, or one of critters (the default), pokemon,
    fashion-mnist, mnist, stacked-mnist, cifar10."""
    size: Annotated[str | None, _arg("HEIGHT[xWIDTH]")] = None
    """In pixels: 64 (the default), 28, 48x80, … The shorter side is 4, 5, 6 or 7 times a power of two."""
    fit: Annotated[Literal["crop", "pad", "stretch"] | None, _arg("{crop,pad,stretch}")] = None
    """How images of another shape are made to fit (default: crop)."""
    channels: Annotated[Literal["auto", "grey", "rgb", "rgba"] | None, _arg("{auto,grey,rgb,rgba}")] = None
    """auto (the default) is grey when every image is, else rgb; rgba keeps transparency."""
    bits: Annotated[Literal["auto", "8", "16"] | None, _arg("{auto,8,16}")] = None
    """Bits of a channel. auto (the default) is 16 when most images have 16 bits, else 8."""
    background: Annotated[str | None, _arg("COLOUR")] = None
    """What shows through transparency and around padding: white (the default), black, #rrggbb."""
    limit: Annotated[int | None, _arg("N")] = None
    """Use N images only, chosen by their content."""
    classes: Annotated[str | None, _arg("A,B,…")] = None
    """Use these classes only (the first level of folders)."""
    recipe: Annotated[Literal["modern", "radford2015", "d2l", "d2l-gluon"] | None, _arg("NAME")] = None
    """modern (the default) decides by rules; radford2015: the paper; d2l: the textbook chapter, exactly; d2l-gluon:
    its Gluon tab, exactly."""
    settings: Settings = ()
    """Any other knob, such as --set training.batch_size=64; may be repeated. config.toml in a run has them all."""

    def given(self) -> dict[str, Any]:
        """The options as settings; None where nothing was said."""
        from dcgan.data.sources.open import located

        height, width = (None, None) if self.size is None else parse_size(self.size)
        return {
            "data.source": None if self.source is None else located(self.source),  # it is found from any folder later
            "data.height": height,
            "data.width": width,
            "data.fit": self.fit,
            "data.channels": self.channels,
            "data.bits": self.bits,
            "data.background": self.background,
            "data.limit": self.limit,
            "data.classes": self.classes,
        }

    def changes(self) -> dict[str, Any]:
        """What was asked for, as changes to a config: the options, then ``--set``."""
        return {key: value for key, value in self.given().items() if value is not None} | self._set()

    def base(self) -> Config:
        """The config that the options change."""
        return recipe(self.recipe or "modern")

    def _set(self) -> dict[str, Any]:
        pairs = [setting.partition("=") for setting in self.settings]
        for setting, (key, equals, _) in zip(self.settings, pairs, strict=True):
            if not (key and equals):
                raise UserError(f"--set {setting}: must be section.key=value, such as training.batch_size=64.")
        return {key.strip(): value.strip() for key, _, value in pairs}


@dataclass(frozen=True, kw_only=True)
class TrainOptions(DataOptions):
    """Which images, which recipe, how long."""

    budget: Annotated[str | None, _arg("TIME|IMAGES|EPOCHS")] = None
    """A time (90s, 10min, 2h), a number of images (6400, 200k, 2M) or epochs (20epochs). Default: 10min."""
    seed: Annotated[int | None, _arg("N")] = None
    """Another seed, another run (default: 0)."""
    labels: Flag = False
    """Learn the classes, so that one can be asked for."""
    width: Annotated[int | None, _arg("CHANNELS")] = None
    """Of both networks' outermost hidden layer (default: 64; radford2015: 128)."""
    prior: Annotated[Literal["normal", "uniform"] | None, _arg("{normal,uniform}")] = None
    """Of the latents."""
    out: Annotated[str | None, _arg("FOLDER")] = None
    """Where the run goes (default: runs/SOURCE-SIZE-RECIPE-SEED). A run that is there is continued."""
    device: Annotated[str | None, _arg("NAME")] = None
    """cpu, cuda, mps (default: the first accelerator there is)."""
    threads: Annotated[int | None, _arg("N")] = None
    """Processor threads (default: all that may be used)."""
    shards: Annotated[int | None, _arg("N")] = None
    """Divide each batch into N equal parts (1, the default, 2, 4, 8, …), each normalised by itself.
    As many processes may compute them, and which of them does changes nothing."""
    precision: Annotated[Literal["auto", "fp32", "bf16"] | None, _arg("{auto,fp32,bf16}")] = None
    """auto (the default): bf16 where the device has units for it, else fp32."""
    config: Annotated[str | None, _arg("FILE")] = None
    """Start from a config.toml, such as another run's."""
    dry_run: Flag = False
    """Print the whole config and what it will cost; train nothing."""
    profile: Flag = False
    """Watch 20 steps: profile.txt says where their time goes, profile.json is the trace."""

    verbose: Flag = False
    """Say also why each setting is as it is."""

    def check(self) -> None:
        """Refuse numbers that cannot be meant, before anything heavy is imported.

        Raises:
            UserError: Says what was expected.
        """
        require_least(self, seed=0, limit=2, width=1, threads=1, shards=1)

    def given(self) -> dict[str, Any]:
        """The options as settings; None where nothing was said."""
        return super().given() | {
            "seed": self.seed,
            "data.labels": True if self.labels else None,
            "training.budget": self.budget,
            "training.shards": self.shards,
            "model.generator_width": self.width,
            "model.discriminator_width": self.width,
            "model.prior": self.prior,
            "hardware.device": self.device,
            "hardware.threads": self.threads,
            "hardware.precision": self.precision,
        }

    def starts_anew(self) -> bool:
        """Whether a whole run was asked for, rather than more of the one in ``out``."""
        return self.out is None or not (self.source is None and self.recipe is None and self.config is None)

    def base(self) -> Config:
        """The config of the file if there is one; what was measured for it is forgotten where something is changed."""
        if self.config is None:
            return super().base()
        if self.recipe is not None:
            raise UserError("--recipe and --config: give one of them; a config file names its recipe.")
        changes, forgotten = self.changes(), dict[str, Any]()
        if changes.keys() - {"seed"}:
            forgotten = {"training.images": None, "training.images_per_second": None}
        if "hardware.device" in changes:
            forgotten["hardware.step"] = "auto"
        return complete(read_toml(user_path(self.config)) | forgotten)


@dataclass(frozen=True, kw_only=True)
class CompareOptions(DataOptions):
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
    as_json: Annotated[bool, tyro.conf.FlagCreatePairsOff, _arg(name="json")] = False
    """Print results.json instead of tables."""

    def given(self) -> dict[str, Any]:
        """The options as settings; None where nothing was said."""
        return super().given() | {
            "data.labels": True if self.labels else None,
            "training.budget": self.budget,
            "hardware.device": self.device,
            "hardware.threads": self.threads,
        }

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
    json: Flag = False
    """Print the measurements as JSON."""
    out: Annotated[str | None, _arg("FOLDER")] = None
    """Where evaluation.json and the pictures go (default: into the run; of a folder, nowhere)."""


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """The page of a run in your browser: breed, walk, change and save images."""

    run: Annotated[str, tyro.conf.Positional, _arg("RUN|FILE")]
    """The folder that dcgan train made (its best checkpoint if one was kept, else the last), or one checkpoint."""
    out: Annotated[str | None, _arg("FOLDER")] = None
    """Where images go that you save to the folder (default: the name of the run and -played)."""
    port: Annotated[int, _shown("N")] = 0
    """Of the server on this machine; 0 takes a free one."""
    no_browser: Flag = False
    """Only print the address."""

    def __post_init__(self) -> None:
        """Refuse a port that cannot be."""
        if not 0 <= self.port <= 65_535:
            raise UserError(f"--port {self.port}: must be from 0 to 65535.")


FORMATS = ("onnx", "numpy", "page", "hub", "triton", "images", "pytorch", "gluon")
"""What ``dcgan export --to`` writes."""


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """A trained generator as files for other programs, checked against the run."""

    run: Annotated[str, tyro.conf.Positional, _arg("RUN|FILE")]
    """The folder that dcgan train made, or one of its checkpoints."""
    to: Annotated[str, _arg("FORMAT")]
    """onnx: one file for ONNX runtimes.
    numpy: a folder with a program of one file that needs NumPy alone.
    page: one HTML file to play with, in which the generator runs.
    hub: a folder for the Hugging Face hub: onnx, numpy, a model card.
    triton: a model repository for Triton and KServe.
    images: 64 images, an atlas, an animation.
    pytorch, gluon: weights for the chapter's own net_G and net_D.
    (onnx, hub and triton need pip install 'dcgan[onnx]'.)"""
    out: Annotated[str | None, _arg("FILE|FOLDER")] = None
    """The file or folder to write (default: the name of the run and that of the format, in this folder)."""
    checkpoint: Annotated[Literal["best", "last"] | None, _arg("{best,last}")] = None
    """Of the run (default: the best one if one was kept, else the last)."""
    float_images: Flag = False
    """onnx: images from -1 to 1, n x c x h x w, instead of whole numbers, n x h x w x c."""
    weights: Annotated[Literal["int8", "fp16", "fp32"], _shown("{int8,fp16,fp32}")] = "int8"
    """page: how weights are stored; int8 is the smallest and changes pixels by a few grey levels of 255."""
    with_discriminator: Flag = False
    """page: pack the discriminator too, which scores the images and shows what looks fake."""
