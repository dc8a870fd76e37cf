"""What the commands about the textbook chapter can be told: its exercises, and weights of its own networks."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from dcgan.commands.spelling import shown as _shown
from dcgan.commands.spelling import spelled as _arg


@dataclass(frozen=True, kw_only=True)
class ExerciseOptions:
    """The chapter's exercises, answered by training, with three seeds and in words."""

    number: Annotated[Literal[1, 2], tyro.conf.Positional, _arg("{1,2}")]
    """1: what happens with the plain ReLU in place of leaky ReLU? Curves and grids side by side.
    2: which category works well, and which does not? A row of images for each, distances, and why."""
    source: Annotated[str, _arg("SOURCE", name="data")] = "critters"
    """The images: a folder, a file or a name, as dcgan train takes it (default: critters)."""
    size: Annotated[str, _shown("HEIGHT[xWIDTH]")] = "32"
    """In pixels."""
    recipe: Annotated[Literal["modern", "radford2015", "d2l", "d2l-gluon"], _shown("NAME")] = "d2l"
    """Networks and training: d2l, the chapter's, or another one, such as modern."""
    width: Annotated[int | None, _arg("N")] = None
    """Channels next to the image, in both networks (default: the recipe's; the chapter has 64)."""
    budget: Annotated[str, _shown("IMAGES|EPOCHS")] = "20epochs"
    """Of each run."""
    repeats: Annotated[int, _shown("N")] = 3
    """Runs of each, with the seeds 0 … N-1."""
    samples: Annotated[int, _shown("N")] = 1_000
    """Images that each run is measured with."""
    jobs: Annotated[int, _shown("N")] = 1
    """Runs side by side."""
    threads: Annotated[int | None, _arg("N")] = None
    """Processor threads of each (default: all that may be used, shared between the jobs)."""
    out: Annotated[str | None, _arg("FOLDER")] = None
    """Where comparison.html and all runs go; the same command again does only what is missing (default: exercise-1 or
    exercise-2)."""

    @property
    def folder(self) -> str:
        """Where everything goes."""
        return self.out or f"exercise-{self.number}"


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """Weights of the chapter's own net_G become a folder to sample from."""

    file: Annotated[str, tyro.conf.Positional, _arg("FILE")]
    """A .params file of MXNet (net_G.save_parameters), or its state_dict as .safetensors."""
    out: Annotated[str | None, _arg("FOLDER")] = None
    """The folder to write (default: the name of the file)."""


@dataclass(frozen=True, kw_only=True)
class NewmuOptions:
    """A network that the paper's authors trained becomes a folder to sample from."""

    folder: Annotated[str, tyro.conf.Positional, _arg("FOLDER")]
    """A folder of models in your clone of github.com/Newmu/dcgan_code, with *_gen_params.jl_NN.npy in it."""
    prior: Annotated[Literal["normal", "uniform"] | None, _arg("{normal,uniform}")] = None
    """How its latents are drawn (default: normal if the folder's name says gaussian, else uniform)."""
    out: Annotated[str | None, _arg("FOLDER")] = None
    """The folder to write (default: the name of the folder, here)."""
