"""May images be mirrored? Only if nobody can tell them from their mirror images.

A linear classifier, learned on one half of the images, guesses which of an image and its mirror image is the original
in the other half (a classifier two-sample test: Lopez-Paz, Oquab 2017, "Revisiting classifier two-sample tests",
arXiv 1610.06545). Digits, letters and shoes that all point the same way give themselves away; photographs do not.
"""

import numpy as np

MOST_IMAGES = 5000  # more would change nothing
FEWEST_IMAGES = 100  # with less there is no telling
SIDE = 16  # images are shrunk to about so many pixels
ALLOWED = 0.55  # share of right guesses, with one standard error: half is a coin toss
RIDGE = 0.01  # of the mean variance


def may_be_mirrored(pixels: np.ndarray, labels: np.ndarray | None = None) -> bool:
    """Whether mirror images of these (n h w c, any number type) could be among them.

    ``labels``: then it must hold within each class, so that left arrows do not become right ones. With too few images
    to tell, the answer is no.
    """
    if len(pixels) < FEWEST_IMAGES:
        return False
    standard_error = 0.5 / float(min(len(pixels), MOST_IMAGES)) ** 0.5
    return bool(right_guesses(pixels, labels) + standard_error < ALLOWED)


def right_guesses(pixels: np.ndarray, labels: np.ndarray | None = None) -> float:
    """Share of the images that are told from their mirror images: 0.5 when nothing gives them away."""
    rows = spread(len(pixels))
    differences = _differences(pixels[rows])
    classes = np.zeros(len(rows)) if labels is None else labels[rows]
    groups = [differences[classes == each] for each in np.unique(classes)]
    return float(np.concatenate([_guesses(group) for group in groups]).mean())


def spread(count: int) -> np.ndarray:
    """The numbers of the images that are looked at, of so many: enough of them, from the first to the last."""
    return np.unique(np.linspace(0, count - 1, MOST_IMAGES).astype(int))


def _differences(pixels: np.ndarray) -> np.ndarray:
    """Each image less its mirror image, shrunk, of which the left half is all there is: n x numbers."""
    count, height, width, channels = pixels.shape
    high, wide = max(1, height // SIDE), max(1, width // SIDE)
    rows, columns = height // high, width // wide // 2 * 2
    left = (width - columns * wide) // 2  # as much is cut from both sides
    cut = pixels[:, : rows * high, left : left + columns * wide].astype(np.float32)
    small = cut.reshape(count, rows, high, columns, wide, channels).mean(axis=(2, 4))
    differences: np.ndarray = small - small[:, :, ::-1]
    return differences[:, :, : columns // 2].reshape(count, -1)


def _guesses(differences: np.ndarray) -> np.ndarray:
    """For each image 1 if it is told from its mirror image by what the other half teaches, 0.5 if they are alike."""
    halves = [differences[::2], differences[1::2]]
    return np.concatenate([_guess(learn, judge) for learn, judge in (halves, reversed(halves))])


def _guess(learn: np.ndarray, judge: np.ndarray) -> np.ndarray:
    """Fisher's discriminant of differences against their opposites, with a ridge."""
    if not len(learn):
        return np.full(len(judge), 0.5)
    moments = learn.T @ learn / len(learn)
    ridge = RIDGE * np.trace(moments) / len(moments) + np.finfo(np.float32).tiny
    direction = np.linalg.solve(moments + ridge * np.eye(len(moments)), learn.mean(axis=0))
    guesses: np.ndarray = (np.sign(judge @ direction) + 1) / 2
    return guesses
