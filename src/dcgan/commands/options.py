"""The options of the commands about images, training, playing and exporting, for Python too; no torch here."""

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

Tracking = Literal["tensorboard", "wandb", "mlflow", "trackio"]


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """What becomes of the images, and which recipe learns from them."""

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
        height, width = (None, None) if self.size is None else parse_size(self.size)
        return {
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
class DataOptions(ImageOptions):
    """Which images."""

    source: Annotated[str | None, tyro.conf.Positional, _arg("[SOURCE]")] = None
    """A folder, a .zip or .tar, a file of many (.npz, .npy, .idx.gz, .tiff, .csv, .parquet, .hdf5), an LMDB,
    hf:user/name from the hub, or one of critters (the default), pokemon, fashion-mnist, mnist, stacked-mnist,
    cifar10."""

    def given(self) -> dict[str, Any]:
        """The options as settings; None where nothing was said."""
        return {"data.source": place_of(self.source)} | super().given()


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
    """Channels of the layer next to the image, in both networks (default: d2l 64, radford2015 128; modern chooses)."""
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
    processes: Annotated[int, _shown("N")] = 1
    """Train in N processes on this machine, which share the shards and the threads; torchrun starts them elsewhere."""
    precision: Annotated[Literal["auto", "fp32", "bf16"] | None, _arg("{auto,fp32,bf16}")] = None
    """auto (the default): bf16 where the device has units for it, else fp32."""
    config: Annotated[str | None, _arg("FILE")] = None
    """Start from a config.toml, such as another run's."""
    dry_run: Flag = False
    """Print the whole config and what it will cost; train nothing."""
    track: Annotated[tuple[Tracking, ...], tyro.conf.UseAppendAction, _arg("NAME", name="track")] = ()
    """Tell tensorboard, wandb, mlflow or trackio of the run, on this machine; may be repeated. Each is an extra:
    pip install 'dcgan[tensorboard]'."""
    profile: Flag = False
    """Watch 20 steps: profile.txt says where their time goes, profile.json is the trace."""

    verbose: Flag = False
    """Say also why each setting is as it is."""

    def check(self) -> None:
        """Refuse numbers that cannot be meant, before anything heavy is imported.

        Raises:
            UserError: Says what was expected.
        """
        require_least(self, seed=0, limit=2, width=1, threads=1, shards=1, processes=1)

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
            forgotten |= {"training.planned_at": (), "training.planned_images": ()}
        if "hardware.device" in changes:
            forgotten["hardware.step"] = "auto"
        return complete(read_toml(user_path(self.config)) | forgotten)


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


def place_of(source: str | None) -> str | None:
    """The source by a name under which it is found from any folder later."""
    from dcgan.data.sources.open import located

    return None if source is None else located(source)
