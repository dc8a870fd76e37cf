"""Dataset: prepared images and all that training and measuring must know of them."""

from dataclasses import dataclass, replace

import numpy as np

from dcgan.data.report import DatasetReport


@dataclass(frozen=True)
class Dataset:
    """Prepared images. Rows are in the order of their content's hash: renaming a file moves none."""

    pixels: np.ndarray
    """n h w c, uint8 or uint16, mapped from the cache, read-only; what is held out included."""
    labels: np.ndarray | None
    """n, int64; None without classes."""
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    """What each row is called in the source."""
    train: np.ndarray
    """int64, rows of ``pixels``, ascending."""
    held_out: np.ndarray
    """int64, rows of ``pixels``, ascending; may be empty."""
    fingerprint: str
    """Hash of the content and of what shaped it; of the labels too when they are trained on."""
    labelled_fingerprint: str
    """What it is when they are."""
    report: DatasetReport

    def trained_on(self, labels: bool) -> "Dataset":
        """The same when it is decided late whether labels are trained on."""
        return replace(self, fingerprint=self.labelled_fingerprint) if labels else self
