"""Whose features a method compares images by."""

from dcgan.evaluation.detectors.by_name import Detector, detector, protocol
from dcgan.runs.generator import TrainedGenerator


def eyes(name: str, generator: TrainedGenerator) -> Detector:
    """The detector of a name, in the form that reads this generator's images.

    Raises:
        UserError: No such detector.
    """
    channels = generator.config.model.image_channels or 0
    return detector(name if ":" in name else protocol(name, channels, generator.dtype))
