"""The measurements taken so far, and the measures that could not be taken, each with its reason."""

import math
import time

from dcgan.evaluation.measurement import Measurement, Protocol, name_of
from dcgan.evaluation.measures.distances import Estimate
from dcgan.evaluation.real_images import RealImages, Reals


class Ledger:
    """All numbers of one detector; it knows what their protocols have in common."""

    def __init__(self, reals: Reals, detector: str, resize: str) -> None:
        self.measurements: list[Measurement] = []
        self.remarks: list[str] = []
        """One sentence for each measure that these images do not allow, or only in part."""
        self._reals, self._detector, self._resize = reals, detector, resize
        self._start = time.perf_counter()

    def leave_out(self, measures: str, reason: str) -> None:
        """Say why there is no number; ``reason`` is a whole sentence."""
        self.remarks.append(f"{measures}: not measured. {reason}")

    def allows(self, measures: str, reference: RealImages, fewest: int) -> bool:
        """Whether there are enough real images; where there are not, that is written down."""
        if len(reference) >= fewest:
            return True
        self.leave_out(measures, f"At least {fewest} real images are needed, here are {len(reference)}.")
        return False

    def add(
        self,
        measure: str,
        value: float | Estimate,
        num_samples: int,
        reference: RealImages,
        *,
        num_reference: int | None = None,
        floor_: float | None = None,
        of: tuple[str, int] | None = None,
    ) -> None:
        """Write down one more number.

        Args:
            measure: Its name without the protocol.
            value: A finite number; another one is left out, since no reader of JSON could take it.
            num_samples: Samples that it is about.
            reference: The part of the real images.
            num_reference: How many images of the part, where the measure itself takes no more than so many.
            floor_: The same measure of real images.
            of: The class it is about, and how many samples there are of all classes.
        """
        number = value.value if isinstance(value, Estimate) else value
        if not math.isfinite(number):
            self.leave_out(measure, "These images give no finite number.")
            return
        now = time.perf_counter()
        protocol = Protocol(
            detector=self._detector,
            num_samples=num_samples,
            reference=self._reals.name,
            fingerprint=self._reals.fingerprint,
            split=reference.split,
            num_reference=num_reference or len(reference),
            resize=self._resize,
            seconds=round(now - self._start, 3),
        )
        self._start = now
        sampled = len(reference) if reference.is_sample and (num_reference is None or of is not None) else None
        name = name_of(measure, self._detector, num_samples if of is None else of[1], sampled)
        if of is not None:  # the same name in every run, however many samples a class gets there
            name = f"{name}[{of[0]}]"
        interval = (value.low, value.high) if isinstance(value, Estimate) else None
        floor_ = floor_ if floor_ is not None and math.isfinite(floor_) else None
        self.measurements.append(Measurement(name, number, protocol, interval, floor_))
