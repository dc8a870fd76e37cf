import json

import pytest

from dcgan.evaluation.measurement import Measurement, Protocol, name_of

PROTOCOL = Protocol(
    detector="tiny",
    num_samples=10_000,
    reference="fashion-mnist",
    fingerprint="0123abcd",
    split="test",
    num_reference=9_000,
    resize="none",
    seconds=12.5,
)


def test_the_name_says_what_was_measured_with_what_and_on_how_many() -> None:
    assert name_of("fd", "tiny", 10_000) == "fd_tiny_10k"
    assert name_of("kid", "tiny", 1_000) == "kid_tiny_1k"
    assert name_of("kid", "tiny", 721) == "kid_tiny_721"
    assert name_of("kid", "tiny", 1_000, 5_000) == "kid_tiny_1k_vs_5k"
    assert name_of("fd", "tiny", 1_500) == "fd_tiny_1500"  # nothing is rounded: other counts are other measures


@pytest.mark.promise("Only the Fréchet distance of the Inception network is called FID.")
def test_only_the_frechet_distance_of_inception_is_called_fid() -> None:
    assert name_of("fd", "inception", 50_000) == "fid_inception_50k"
    assert "fid" not in name_of("fd", "second", 50_000)
    assert name_of("kid", "inception", 5_000) == "kid_inception_5k"


@pytest.mark.parametrize("interval", [None, (14.0, 15.5)])
@pytest.mark.parametrize("floor", [None, 2.25])
def test_a_measurement_survives_json(interval: tuple[float, float] | None, floor: float | None) -> None:
    measurement = Measurement("fd_tiny_10k", 14.5, PROTOCOL, interval, floor)
    written = json.loads(json.dumps(measurement.to_json()))
    assert Measurement.from_json(written) == measurement
    assert written["protocol"]["num_reference"] == 9_000
    assert written["excess"] == (None if floor is None else 12.25)


def test_json_of_something_else_is_refused() -> None:
    values = Measurement("fd_tiny_10k", 14.5, PROTOCOL).to_json()
    with pytest.raises(TypeError):
        Measurement.from_json({**values, "protocol": {**values["protocol"], "colour": "red"}})
    with pytest.raises(KeyError):
        Measurement.from_json({"name": "fd_tiny_10k"})


def test_in_one_line_it_says_value_interval_floor_and_protocol() -> None:
    assert str(Measurement("fd_tiny_10k", 14.52, PROTOCOL, (14.0, 15.0), 2.25)) == (
        "fd_tiny_10k 14.5 [14 … 15] (floor 2.25): 10,000 samples against 9,000 of fashion-mnist, test"
    )
    assert str(Measurement("fd_tiny_10k", 14.52, PROTOCOL)) == (
        "fd_tiny_10k 14.5: 10,000 samples against 9,000 of fashion-mnist, test"
    )
