"""Every knob there is, section by section: frozen dataclasses that check themselves; standard library only.

A field that is ``None`` or ``"auto"`` is decided from the data and the machine before step 0 and written down with
the run; a run's own ``config.toml`` has none left.
"""

import operator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from dcgan.errors import UserError
from dcgan.notation import background_colour, parse_budget, stages

LONGEST = 4_096  # pixels of an image's longer side
LARGEST = 65_536  # of any number of channels, classes or latent numbers: beyond it nothing fits into any memory


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which images, and how they become arrays of one shape."""

    source: str = "critters"
    """A folder, a file of images, hf:user/name, or a name from the catalog: docs/data.md lists every form."""
    height: int = 64
    """Rows. The shorter side is 4, 5, 6 or 7 times a power of two, the longer a multiple of that power."""
    width: int = 64
    """Columns."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How another shape becomes this one: cut the middle out, add a border, or distort."""
    resample: Literal["bilinear", "bicubic", "lanczos", "opencv"] = "lanczos"
    """The resizing filter, antialiased; opencv: bilinear without antialiasing, in OpenCV's whole numbers."""
    channels: Literal["auto", "grey", "rgb", "rgba"] = "auto"
    """auto: one channel when every usable image is grey, else three; arrays keep their own number."""
    bits: Literal["auto", "8", "16"] = "auto"
    """Of each channel; auto: 16 when most images have them, else 8, to which the others are rounded."""
    alpha: Literal["over", "drop"] = "over"
    """Transparency: painted over the background, or dropped (the colours beneath appear). Kept by channels=rgba."""
    background: str = "#ffffff"
    """What shows through transparency and fills the border of fit=pad."""
    limit: int | None = None
    """Use at most so many images, chosen by a hash of their content. None: all."""
    classes: tuple[str, ...] = ()
    """Use only these classes. Empty: all."""
    links: Literal["none", "follow"] = "none"
    """Links inside a folder: left out, or followed, to regular files and folders alone and to no folder twice."""
    labels: bool = False
    """Train one generator that can be asked for a class."""
    held_out: bool = True
    """Keep a tenth (at most 5,000; none under 1,000 images) away from training, to measure with."""

    def __post_init__(self) -> None:
        """Refuse a size that the networks cannot have and a colour that cannot be read."""
        stages(self.height, self.width)
        for name in ("height", "width"):
            require(getattr(self, name) <= LONGEST, f"data.{name}", getattr(self, name), f"must be up to {LONGEST}")
        background_colour(self.background)
        require(self.limit is None or self.limit >= 2, "data.limit", self.limit, "must be at least 2")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The two networks."""

    family: Literal["dcgan", "residual", "published"] = "dcgan"
    """Networks of 2015, or bigger ones without normalisation, for budgets of an hour and more; published: imported."""
    generator_width: int = 64
    """Channels of the generator's last hidden layer; every layer before it has twice as many, up to eight times."""
    discriminator_width: int = 64
    """Channels of the discriminator's first hidden layer, doubling up to eight times."""
    latent_size: int = 100
    """Numbers in a latent."""
    prior: Literal["normal", "uniform"] = "normal"
    """How latents are drawn: standard normal, or uniform(-1, 1)."""
    negative_slope: float = 0.2
    """Slope of the discriminator's leaky ReLU below zero: 0 is ReLU, 1 the identity."""
    discriminator_norm: bool = True
    """Batch normalisation in the discriminator. Gradient penalties need it off: they are about single images."""
    discriminator_bias: bool = False
    """A bias in the discriminator's first layer: without one, batch normalisation hides contrast from it."""
    spectral_norm: bool = False
    """Spectral normalisation of the discriminator's weights. Batch normalisation would undo it."""
    norm_first: bool = False
    """Batch normalisation, where there is any, after the discriminator's first layer too (as in the chapter's code)."""
    generator_norm_momentum: float = 0.1
    """Share of a batch in the generator's running statistics."""
    statistics_batches: int = 0
    """Sampling: batches of new latents that the generator's statistics are estimated from anew; 0: the running ones."""
    norm_statistics: Literal["forward", "backward"] = "forward"
    """When running statistics move. backward, as MXNet: biased variance, last batch first; fresh grids use them."""
    initialization: Literal["weights", "everything", "convolutions"] = "weights"
    """What is drawn from N(0, 0.02): weights (and gains N(1, 0.02)), everything, or convolutions (and gains 1)."""
    image_channels: int | None = None
    """Channels of an image. None: from the data."""
    num_classes: int | None = None
    """Classes that can be asked for, 0 without labels. None: from the data."""

    def __post_init__(self) -> None:
        """Refuse empty networks and absurd ones."""
        for name in ("generator_width", "discriminator_width", "latent_size", "image_channels", "num_classes"):
            value, least = getattr(self, name), 0 if name == "num_classes" else 1
            require(value is None or least <= value <= LARGEST, f"model.{name}", value, f"must be {least} … {LARGEST}")
        starved = self.family == "residual" and self.spectral_norm
        require(not starved, "model.spectral_norm", True, "must be false: residual starts from zeros")
        require(0 <= self.negative_slope <= 1, "model.negative_slope", self.negative_slope, "must be from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the two teach each other."""

    budget: str = "10min"
    """How long: a time (90s, 10min, 2h), a number of images (6400, 200k, 2M) or epochs (20epochs)."""
    images: int | None = None
    """The budget in images seen. None: from the budget and the measured speed."""
    images_per_second: float | None = None
    """Measured before step 0 when the budget is a time. None: not yet, or not needed."""
    replan: bool | None = None
    """A run that was given a time corrects its images by its own speed, four times. None: unless images were given."""
    planned_at: tuple[int, ...] = ()
    """Images seen when it did so; with images and planned_images, a course that the same config repeats."""
    planned_images: tuple[int, ...] = ()
    """The budget in images until each of these corrections."""
    batch_size: int = 32
    """Images a step."""
    shards: int = 1
    """Equal parts of each batch, a power of two, each normalised by itself; as many processes may share the work."""
    short_last_batch: bool = False
    """End each epoch with what is left of it, instead of filling the batch from the next one."""
    shuffle_window: int | None = None
    """Images mixed at a time, read from disk in blocks; 0: all, in memory. None: 0 where all fit into memory."""
    reduction: Literal["mean", "sum"] = "mean"
    """Over a batch's losses. Under Adam this moves nothing but epsilon's weight and that of a short batch."""
    objective: Literal["bce", "hinge", "least_squares", "relativistic"] = "bce"
    """The adversarial loss: binary cross-entropy; hinge; squares; or each real image against one fake."""
    generator_learning_rate: float = 5e-4
    """Adam's step size for the generator."""
    discriminator_learning_rate: float = 5e-4
    """Adam's step size for the discriminator."""
    beta1: float = 0.5
    """Adam's memory of the gradient."""
    beta2: float = 0.999
    """Adam's memory of its square."""
    adam: Literal["torch", "mxnet"] = "torch"
    """Adam's epsilon beside the corrected root, or as MXNet has it, beside the uncorrected one."""
    learning_rate_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How both learning rates fall. If they do, a budget that is raised later is not the same as one raised before."""
    learning_rate_decay: float = 1.0
    """Last share of the run over which they fall."""
    learning_rate_final: float = 0.0
    """What is left of them at the end, as a share."""
    learning_rate_warmup: int = 0
    """Images over which they rise from zero."""
    real_penalty: float = 0.0
    """Gamma of R1, the gradient penalty on real images; 0: none. Needs model.discriminator_norm=false."""
    fake_penalty: float = 0.0
    """Gamma of R2, the same on generated ones."""
    penalised_share: float = 1.0
    """Of each batch that the penalties look at."""
    penalty_every: int = 1
    """Steps from one payment to the next, which is so many times as high."""
    penalty_final: float = 1.0
    """What is left of both gammas after four fifths of the run, as a share; they fall as a cosine."""
    flip: Literal["auto", "on", "off"] = "off"
    """Show each real image left to right half of the time. auto: where nobody could tell, as tried on the data."""
    augmentation: tuple[Literal["colour", "translation", "shift", "cutout"], ...] = ()
    """What may be done to each image, real or fake, before the discriminator sees it."""
    augmentation_strength: float = 0.3
    """The probability of each of these for each image, at most."""
    augmentation_schedule: Literal["constant", "cosine", "adaptive"] = "cosine"
    """Always so strong; rising as a cosine over the run; or as strong as keeps the discriminator unsure."""
    augmentation_target: float = 0.6
    """adaptive: the mean sign of the scores of real images above which it becomes stronger."""
    augmentation_ramp: int = 100_000
    """adaptive: images in which the strength could rise from 0 to 1."""
    augmentation_every_images: int = 1024
    """adaptive: images from one decision to the next."""
    average_half_life: int | None = 10_000
    """Images after which an old generator weighs half in the average. None: no average, the last weights count."""
    average_warmup: float = 0.1
    """The half-life is never more than this share of the images seen."""
    rollbacks: int = 2
    """How often a run may go back to an anchor, with other latents from there on."""
    guard: bool = False
    """Go back when the images collapse or the game is lost or explodes, too, and halve the learning rates each time."""
    anchor_every_images: int | None = None
    """Images between two anchors, the checkpoints that a run may be rolled back to. None: a tenth of the budget."""
    average_width: float | None = None
    """Relative width (0.05, 0.1) of an average whose length follows that of the run, instead of a half-life."""

    def __post_init__(self) -> None:
        """Refuse impossible numbers."""
        parse_budget(self.budget)
        require(self.batch_size >= 2, "training.batch_size", self.batch_size, "must be at least 2")
        self._require_equal_shards()
        for name in ("rollbacks", "shuffle_window", "learning_rate_warmup"):
            require((getattr(self, name) or 0) >= 0, f"training.{name}", getattr(self, name), "must not be negative")
        at, until = self.planned_at, self.planned_images
        rises = all(before < after for before, after in pairwise((0, *at)))
        planned = rises and len(at) == len(until) and all(map(operator.le, at, until))
        require(planned, "training.planned_at", at, "must rise, each up to its training.planned_images")
        every = self.anchor_every_images
        require(every is None or every >= 1, "training.anchor_every_images", every, "must be at least 1")
        for name in ("generator_learning_rate", "discriminator_learning_rate"):
            require(0 < getattr(self, name) < 1, f"training.{name}", getattr(self, name), "must be between 0 and 1")
        for name in ("real_penalty", "fake_penalty"):
            require(getattr(self, name) >= 0, f"training.{name}", getattr(self, name), "must not be negative")
        for name in ("penalised_share", "learning_rate_decay"):
            require(0 < getattr(self, name) <= 1, f"training.{name}", getattr(self, name), "must be above 0, up to 1")
        for name in ("penalty_final", "learning_rate_final", "augmentation_strength"):
            require(0 <= getattr(self, name) <= 1, f"training.{name}", getattr(self, name), "must be from 0 to 1")
        for name in ("penalty_every", "augmentation_ramp", "augmentation_every_images"):
            require(getattr(self, name) >= 1, f"training.{name}", getattr(self, name), "must be at least 1")
        width = self.average_width
        require(width is None or 0 < width < 0.28, "training.average_width", width, "must be between 0 and 0.28")
        summed = self.penalised and self.reduction == "sum"
        require(not summed, "training.reduction", self.reduction, "must be mean: a penalty is one")
        for name in ("beta1", "beta2"):
            require(0 <= getattr(self, name) < 1, f"training.{name}", getattr(self, name), "must be from 0 to below 1")

    def _require_equal_shards(self) -> None:
        shards, size = self.shards, self.batch_size
        require(shards >= 1 and shards & (shards - 1) == 0, "training.shards", shards, "must be 1, 2, 4, 8, …")
        equal = size % shards == 0 and size >= 2 * shards
        require(equal, "training.shards", shards, f"must divide a batch of {size} into parts of at least 2 images")
        whole = shards == 1 or not self.short_last_batch
        require(whole, "training.shards", shards, "needs full batches (training.short_last_batch=false)")
        averaged = shards == 1 or self.reduction == "mean"
        require(averaged, "training.shards", shards, "averages over its parts (training.reduction=mean)")

    @property
    def penalised(self) -> bool:
        """Whether there is any gradient penalty."""
        return self.real_penalty > 0 or self.fake_penalty > 0

    @property
    def uses_draws(self) -> bool:
        """Whether images are augmented or mirrored."""
        return bool(self.augmentation) or self.flip == "on"

    @property
    def averaged(self) -> bool:
        """Whether there is a moving average of the generator."""
        return self.average_half_life is not None or self.average_width is not None


@dataclass(frozen=True, kw_only=True)
class RunsConfig:
    """What a run leaves on disk, and how often. Nothing here reaches the weights but what training.guard hears."""

    save_every_seconds: float = 60.0
    """Longest time between checkpoints."""
    save_every_images: int | None = None
    """Also save whenever so many more images were seen. None: by time alone."""
    retry_seconds: float = 60.0
    """Between two tries to save on a disk that refuses; the third miss in a row ends the run."""
    keep: int = 2
    """Checkpoints kept; the last anchor, the last sound one and the best one, as far as there are, are kept besides."""
    journal_every_images: int = 1024
    """Images between two lines of the journal, at most: a short run has 20 lines."""
    preview_rows: int = 6
    """Rows of the grid of fixed latents."""
    preview_columns: int = 10
    """Columns of the grid of fixed latents."""
    evaluations: int = 10
    """How often the images are measured in a run, at most every 16,384 images; 0: never, and none is the best one."""
    evaluation_samples: int = 1000
    """Images drawn to be measured."""
    by_epochs: bool = False
    """At each epoch's end a grid of 3 x 7 new latents, drawn with batch statistics; at last the chapter's line."""

    def __post_init__(self) -> None:
        """Refuse to keep nothing, and cadences that never come round."""
        for name in ("keep", "journal_every_images", "preview_rows", "preview_columns"):
            require(getattr(self, name) >= 1, f"runs.{name}", getattr(self, name), "must be at least 1")
        require(self.evaluations >= 0, "runs.evaluations", self.evaluations, "must not be negative")
        few = self.evaluation_samples
        require(few >= 100, "runs.evaluation_samples", few, "must be at least 100")
        every = self.save_every_images
        require(every is None or every >= 1, "runs.save_every_images", every, "must be at least 1")


@dataclass(frozen=True, kw_only=True)
class HardwareConfig:
    """Which machine. Numbers are repeatable to the bit on one machine and one set of these."""

    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes the first accelerator there is."""
    threads: int | None = None
    """Processor threads. None: as many as this process may use."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the convolutions; auto is bf16 where the device has units for it."""
    step: Literal["auto", "eager", "graph", "compiled"] = "auto"
    """On CUDA: call by call, one recorded graph, or that with compiled networks; auto measures. Elsewhere: eager."""


def require(condition: object, key: str, value: object, message: str) -> None:
    """Refuse ``value`` unless the condition holds."""
    if not condition:
        raise UserError(f"{key} = {value!s:.200}: {message}.")
