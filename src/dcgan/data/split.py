"""Which images are kept away from training, to measure with; recoloured twins stay on one side.

Everything is decided from content, in integers, so that names, order and machine do not matter. An image is known
by its outline: a 16 x 16 map of where neighbouring pixels differ at all, which a change of palette leaves almost as
it was. Random projections of the maps propose pairs, the correlation of the maps accepts them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dcgan.data.reading import in_parallel

CELLS = 16
SIMILAR = 0.99
"""Least correlation of twins. Of the sprites' shiny pairs 91 % reach it; of strangers, one pair in many millions."""
LARGEST_GROUP = 64
"""Chains of resemblance are cut here; equal outlines always stay together."""
MOST_HELD_OUT = 5_000
FEWEST_TO_SPLIT = 1_000

_NUMBERS_AT_ONCE = 2**17  # which stay in a processor's cache
_TABLES, _BITS, _NEIGHBOURS = 10, 24, 6
_CONTRAST = np.round(255 * np.arange(256) / (np.arange(256) + 8)).astype(np.uint8)  # a faint edge counts like a strong


@dataclass(frozen=True)
class Split:
    """Rows to train on, rows held out, and the words for why."""

    train: np.ndarray
    """int64, ascending."""
    held_out: np.ndarray
    """int64, ascending; may be empty."""
    reason: str
    group_sizes: tuple[int, ...]
    """Sizes of the groups of near-duplicates, largest first, single images left out."""


def outlines(pictures: np.ndarray) -> np.ndarray:
    """N h w c, uint8 or uint16 → where they change, whatever the colours: n x 16 x 16 cells, flat, uint8."""
    _, height, width, channels = pictures.shape
    at_once = max(1, _NUMBERS_AT_ONCE // (height * width * channels))
    parts = in_parallel(
        lambda part: _outlines(pictures[part * at_once : (part + 1) * at_once]), -(-len(pictures) // at_once)
    )
    return np.concatenate([np.empty((0, CELLS**2), np.uint8), *parts])


def _outlines(pictures: np.ndarray) -> np.ndarray:
    count, height, width, _ = pictures.shape
    eight_bits = pictures if pictures.dtype == np.uint8 else pictures >> 8
    values = np.ascontiguousarray(eight_bits.transpose(0, 3, 1, 2)).astype(np.int16)
    edges = np.zeros((count, height, width), dtype=np.int32)
    edges[:, :-1] += _contrast(values[:, :, 1:] - values[:, :, :-1])
    edges[:, :, :-1] += _contrast(values[:, :, :, 1:] - values[:, :, :, :-1])
    tops, lefts = (np.arange(CELLS) * length // CELLS for length in (height, width))
    sums = np.add.reduceat(np.add.reduceat(edges, tops, axis=1), lefts, axis=2)
    areas = np.outer(np.diff(tops, append=height), np.diff(lefts, append=width))
    means: np.ndarray = sums // (2 * np.maximum(areas, 1))
    return means.astype(np.uint8).reshape(count, -1)


def _contrast(differences: np.ndarray) -> np.ndarray:
    """N c h w, differences of neighbours → n h w, how clear an edge is there."""
    mean = np.abs(differences).sum(axis=1, dtype=np.int32) // differences.shape[1]
    contrast: np.ndarray = _CONTRAST[mean]
    return contrast


def split(contents: Sequence[bytes], outlines: np.ndarray, test: np.ndarray, *, held_out: bool) -> Split:
    """Divide n images, which come in the order of their content hashes.

    Args:
        contents: n content hashes, ascending.
        outlines: n x 256, uint8.
        test: n, bool: the official test split; when there is any, it is what is held out.
        held_out: Keep anything away from training at all.
    """
    count = len(contents)
    groups = twins(outlines)
    sizes = np.bincount(groups, minlength=1)
    group_sizes = tuple(sorted((int(size) for size in sizes if size > 1), reverse=True))
    if not held_out:
        chosen, reason = np.zeros(count, dtype=bool), "as asked, none held out"
    elif test.any() and not test.all():
        chosen, reason = test, "the official test split"
    elif count < FEWEST_TO_SPLIT:
        chosen, reason = np.zeros(count, dtype=bool), f"none held out under {FEWEST_TO_SPLIT:,} images"
    else:
        chosen = _choose(contents, groups, sizes, min(MOST_HELD_OUT, round(count / 10)))
        reason = f"a tenth, at most {MOST_HELD_OUT:,}, near-duplicates kept on one side"
    return Split(np.flatnonzero(~chosen), np.flatnonzero(chosen), reason, group_sizes)


def twins(outlines: np.ndarray) -> np.ndarray:
    """The group of each of n outlines, 0 … number of groups - 1: near-duplicates share one."""
    distinct, first, group = _distinct(outlines)
    weights = np.bincount(group)
    parents = list(range(len(distinct)))
    for left, right in _similar_pairs(distinct).tolist():
        one, other = sorted((_root(parents, left), _root(parents, right)))
        if one != other and weights[one] + weights[other] <= LARGEST_GROUP:
            parents[other] = one
            weights[one] += weights[other]
    roots = np.array([_root(parents, index) for index in range(len(parents))], dtype=np.int64)
    assert len(first) == len(distinct), (len(first), len(distinct))
    return np.unique(roots[group], return_inverse=True)[1].astype(np.int64)


def _distinct(outlines: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different outlines, the first row of each, and for each row which of them it is."""
    rows = np.ascontiguousarray(outlines).view(np.dtype((np.void, outlines.shape[1])))[:, 0]
    _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    return outlines[first], first, group


def _similar_pairs(outlines: np.ndarray) -> np.ndarray:
    """Pairs that correlate at least ``SIMILAR``, most similar first: m x 2."""
    centred = outlines.astype(np.float32) * outlines.shape[1] - outlines.sum(axis=1, dtype=np.int64)[:, None]
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1)
    pairs = _candidates(outlines)
    chunks = [pairs[start : start + 65_536] for start in range(0, len(pairs), 65_536)]
    values = [np.einsum("nd,nd->n", centred[chunk[:, 0]], centred[chunk[:, 1]]) for chunk in chunks]
    similarity = np.round(np.concatenate(values), 4) if values else np.zeros(0, dtype=np.float32)
    kept = similarity >= np.float32(SIMILAR)
    return pairs[kept][np.argsort(-similarity[kept], kind="stable")]


def _candidates(outlines: np.ndarray) -> np.ndarray:
    """Pairs worth comparing: neighbours in several orders that put like beside like. m x 2, distinct, ascending.

    Time n log n and memory n for any data: an outline is compared to few neighbours, however full its bucket is.
    """
    found = [np.zeros(0, dtype=np.int64)]
    count = len(outlines)
    for keys in _keys(outlines):
        order = np.argsort(keys, kind="stable")
        for step in range(1, min(_NEIGHBOURS, count - 1) + 1):
            left, right = order[:-step], order[step:]
            near = (keys[left] ^ keys[right]) < 2 ** (64 - _BITS)  # the first bits agree
            left, right = left[near], right[near]
            found.append(np.minimum(left, right) * count + np.maximum(left, right))
    codes = np.unique(np.concatenate(found))
    return np.stack([codes // max(count, 1), codes % max(count, 1)], axis=1)


def _keys(outlines: np.ndarray) -> list[np.ndarray]:
    """``_TABLES`` keys of 64 signs each (uint64): like outlines share most of them.

    A sign tells whether the cells of a random half sum to more than those of the other: whole numbers, exact.
    """
    generator = np.random.Generator(np.random.Philox(20150))
    halves = np.ones((outlines.shape[1], 64 * _TABLES), dtype=np.float32)
    halves[: outlines.shape[1] // 2] = -1
    halves = generator.permuted(halves, axis=0)
    keys = np.empty((len(outlines), _TABLES), dtype=np.uint64)
    for start in range(0, len(outlines), 8192):
        sums = outlines[start : start + 8192].astype(np.float32) @ halves
        keys[start : start + 8192] = np.packbits(sums > 0, axis=1).view(">u8")
    return list(keys.T.copy())


def _choose(contents: Sequence[bytes], groups: np.ndarray, sizes: np.ndarray, target: int) -> np.ndarray:
    """Whole groups in an order that only content decides, as many as fit into ``target`` images: n, bool."""
    _, first = np.unique(groups, return_index=True)
    ranks = [hashlib.blake2b(contents[row], digest_size=16, person=b"held out").digest() for row in first]
    chosen = np.zeros(len(sizes), dtype=bool)
    room = target
    for group in sorted(range(len(sizes)), key=ranks.__getitem__):
        if sizes[group] <= room:
            chosen[group] = True
            room -= int(sizes[group])
        if room == 0:
            break
    result: np.ndarray = chosen[groups]
    return result


def _root(parents: list[int], index: int) -> int:
    """The group's first member; the way there is shortened."""
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index
