"""The everyday options of the commands, for the command line and for Python alike; no torch here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from dcgan.config import Config, read_toml
from dcgan.errors import UserError
from dcgan.notation import parse_size
from dcgan.recipes import complete, recipe


def _arg(metavar: str | None = None, name: str | None = None) -> Any:
    """One option's look: the docstring says the default, since None stands for "as the recipe has it"."""
    return tyro.conf.arg(metavar=metavar, name=name, help_behavior_hint="")


Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff, _arg()]
Settings = Annotated[tuple[str, ...], tyro.conf.UseAppendAction, _arg("SECTION.KEY=VALUE", name="set")]


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which images."""

    source: Annotated[str | None, tyro.conf.Positional, _arg("[SOURCE]")] = None
    """A folder, a .zip, .idx.gz, .npz, .npy or .tiff file, or one of critters (the default), pokemon, fashion-mnist,
    mnist, stacked-mnist, cifar10."""
    size: Annotated[str | None, _arg("HEIGHT[xWIDTH]")] = None
    """In pixels: 64 (the default), 28, 48x80, … The shorter side is 4, 5, 6 or 7 times a power of two."""
    fit: Annotated[Literal["crop", "pad", "stretch"] | None, _arg("{crop,pad,stretch}")] = None
    """How images of another shape are made to fit (default: crop)."""
    channels: Annotated[Literal["auto", "grey", "rgb", "rgba"] | None, _arg("{auto,grey,rgb,rgba}")] = None
    """auto (the default) is grey when every image is, else rgb; rgba keeps transparency."""
    background: Annotated[str | None, _arg("COLOUR")] = None
    """What shows through transparency and around padding: white (the default), black, #rrggbb."""
    limit: Annotated[int | None, _arg("N")] = None
    """Use N images only, chosen by their content."""
    classes: Annotated[str | None, _arg("A,B,…")] = None
    """Use these classes only (the first level of folders)."""
    recipe: Annotated[Literal["modern", "radford2015", "d2l"] | None, _arg("{modern,radford2015,d2l}")] = None
    """modern (the default); radford2015: the paper; d2l: the textbook chapter, exactly."""
    settings: Settings = ()
    """Any other knob, such as --set training.batch_size=64; may be repeated. config.toml in a run has them all."""

    def given(self) -> dict[str, Any]:
        """The options as settings; None where nothing was said."""
        height, width = (None, None) if self.size is None else parse_size(self.size)
        return {
            "data.source": self.source,
            "data.height": height,
            "data.width": width,
            "data.fit": self.fit,
            "data.channels": self.channels,
            "data.background": self.background,
            "data.limit": self.limit,
            "data.classes": self.classes,
        }

    def changes(self) -> dict[str, Any]:
        """What was asked for, as changes to a config: the options, then ``--set``."""
        return {key: value for key, value in self.given().items() if value is not None} | self._set()

    def requested(self) -> Config:
        """The config that was asked for; what is not known yet is still ``None`` or ``"auto"``."""
        return recipe(self.recipe or "modern").override(self.changes())

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
    precision: Annotated[Literal["auto", "fp32", "bf16"] | None, _arg("{auto,fp32,bf16}")] = None
    """auto (the default) measures which is faster here."""
    config: Annotated[str | None, _arg("FILE")] = None
    """Start from a config.toml, such as another run's."""
    dry_run: Flag = False
    """Print the whole config and what it will cost; train nothing."""
    profile: Flag = False
    """Watch 20 steps: profile.txt says where their time goes, profile.json is the trace."""

    def given(self) -> dict[str, Any]:
        """The options as settings; None where nothing was said."""
        return super().given() | {
            "seed": self.seed,
            "data.labels": True if self.labels else None,
            "training.budget": self.budget,
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

    def requested(self) -> Config:
        """As above, from the file first if there is one: whatever else is changed, its budget is measured anew."""
        if self.config is None:
            return super().requested()
        if self.recipe is not None:
            raise UserError("--recipe and --config: give one of them; a config file names its recipe.")
        changes = self.changes()
        measured = {"training.images": None, "training.images_per_second": None} if changes.keys() - {"seed"} else {}
        return complete(read_toml(Path(self.config))).override(measured | changes)
