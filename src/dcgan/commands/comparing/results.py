"""What one run came to, as a file: its config, what it took, how it was measured, or how it failed."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dcgan.commands.comparing.variants import without_address
from dcgan.evaluation.measurement import Measurement
from dcgan.files import write_atomically
from dcgan.hardware import describe
from dcgan.reporting.story import Story
from dcgan.settings.config import Config
from dcgan.wording import last_name


@dataclass(frozen=True)
class Procedure:
    """How every run of a comparison is measured."""

    detectors: tuple[str, ...]
    samples: int
    """0: not at all."""
    reference: str | None
    """None: what evaluating chooses for each run by itself."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; of a reference only its name."""
        name = None if self.reference is None else Path(self.reference).name
        return {**asdict(self), "detectors": list(self.detectors), "reference": name}


@dataclass(frozen=True)
class Result:
    """One run's end."""

    key: str
    config: Mapping[str, Any]
    """Tables, the source's name only."""
    fingerprint: str
    protocol: Mapping[str, Any]
    images_seen: int
    seconds: float
    """Of training."""
    failure: str | None
    """Why training ended before its time: the weights were no longer finite numbers. None: it did not."""
    measurements: tuple[Measurement, ...]
    made_by: Mapping[str, Any]
    """Versions, machine and commit."""
    earlier: tuple[Mapping[str, Any], ...] = ()
    """Other protocols by which the same run was measured before: those measurements are here too."""

    @property
    def seed(self) -> int:
        """Of every draw."""
        return int(self.config["seed"])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "measurements": [measurement.to_json() for measurement in self.measurements]}


def make_result(
    key: str,
    config: Config,
    story: Story,
    *,
    protocol: Procedure,
    measurements: tuple[Measurement, ...] = (),
    failure: str | None = None,
) -> Result:
    """The result of a run that has just been trained and measured here, or has failed."""
    return Result(
        key=key,
        config=without_address(config),
        fingerprint=str(story.about.get("fingerprint", "")),
        protocol=protocol.to_json(),
        images_seen=story.images_seen,
        seconds=story.seconds,
        failure=failure,
        measurements=tuple(map(_without_address, measurements)),
        made_by={
            "dcgan": version("dcgan"), **describe(), "threads": config.hardware.threads,
            "commit": os.environ.get("DCGAN_COMMIT", "unknown"),
        },
    )  # fmt: skip


def _without_address(measured: Measurement) -> Measurement:
    name = last_name(measured.protocol.reference)
    return replace(measured, protocol=replace(measured.protocol, reference=name))


def beside(result: Result, kept: Result | None) -> Result:
    """The result with what the same run was measured by other protocols before."""
    if kept is None or kept.failure or result.failure or kept.images_seen != result.images_seen:
        return result
    known = {(one.name, one.protocol.split) for one in result.measurements}
    others = [one for one in kept.measurements if (one.name, one.protocol.split) not in known]
    earlier = [protocol for protocol in (*kept.earlier, kept.protocol) if protocol != result.protocol]
    return replace(result, measurements=(*result.measurements, *others), earlier=tuple(earlier))


def save(path: Path, result: Result) -> None:
    """Keep a result, whole or not at all: each protocol once, and with every number its place among them."""
    values, protocols = result.to_json(), list[Any]()
    for taken in values["measurements"]:
        if taken["protocol"] not in protocols:
            protocols.append(taken["protocol"])
        taken["protocol"] = protocols.index(taken["protocol"])
    values["protocols"] = protocols
    write_atomically(path, (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode())


def load(path: Path) -> Result | None:
    """A kept result; None when there is none, or none of this version."""
    try:
        values = json.loads(path.read_bytes())
        taken, protocols = values.pop("measurements"), values.pop("protocols", None)
        if protocols is not None:  # files of earlier versions have the protocol itself with every number
            taken = [one | {"protocol": protocols[one["protocol"]]} for one in taken]
        measurements = tuple(map(Measurement.from_json, taken))
        return Result(**values, measurements=measurements)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def load_measured(path: Path, protocol: Procedure) -> Result | None:
    """A kept result that needs no more work: measured by this protocol, or failed."""
    result = load(path)
    if result is None or (result.failure is None and protocol.to_json() not in (result.protocol, *result.earlier)):
        return None
    return result
