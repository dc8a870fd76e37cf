"""Noisy curves made readable, and the round numbers beside them: shared by the page and the plot."""

import math

import numpy as np


def thin(steps: np.ndarray, values: np.ndarray, most: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Means over neighbours until at most ``most`` points are left; one NaN among them makes a NaN, hence a gap."""
    size = -(-len(steps) // most)
    if size <= 1:
        return steps, values
    bounds = np.arange(0, len(steps), size)
    counts = np.diff(np.append(bounds, len(steps)))
    return np.add.reduceat(steps, bounds) / counts, np.add.reduceat(values, bounds) / counts


def segments(values: np.ndarray) -> list[slice]:
    """The stretches without NaN."""
    finite = np.isfinite(values)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], finite, [False])).astype(int)))
    return [slice(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def smooth(values: np.ndarray) -> np.ndarray:
    """The course without its noise: medians of five, then means weighted like a bell; gaps stay gaps."""
    reach = len(values) // 16
    if reach == 0:
        return values
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / reach * 2.5) ** 2)
    result = np.full_like(values, np.nan)
    for piece in segments(values):
        part = np.pad(values[piece], 2, mode="edge")
        part = np.median(np.lib.stride_tricks.sliding_window_view(part, 5), axis=1)
        weight = np.convolve(np.ones_like(part), bell)[reach : reach + len(part)]
        result[piece] = np.convolve(part, bell)[reach : reach + len(part)] / weight
    return result


def limits(curves: list[np.ndarray], *, floor: float | None = None) -> tuple[float, float]:
    """The range worth showing: peaks that are rare and far off lie outside of it. ``floor`` is included if given."""
    known = [curve[np.isfinite(curve)] for curve in curves]
    known = [curve for curve in known if len(curve)]
    if not known:
        return 0.0, 1.0
    low = min(min(np.percentile(curve, 1), np.nanmin(smooth(curve))) for curve in known)
    high = max(max(np.percentile(curve, 98), np.nanmax(smooth(curve))) for curve in known)
    most, least = max(float(curve.max()) for curve in known), min(float(curve.min()) for curve in known)
    reach = 0.5 * (high - low)
    low, high = float(least if low - least <= reach else low), float(most if most - high <= reach else high)
    if floor is not None:
        low = min(low, floor)
    margin = 0.06 * (high - low) or max(abs(high), 1.0) * 0.5
    return low if low == floor else low - margin, high + margin


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most ``most`` + 1 round numbers from ``low`` to ``high``."""
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return [low]
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.9999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]
