"""A model card shows the measurements of the very file that is exported."""

import json
from pathlib import Path

from dcgan.commands.run_facts import run_facts
from dcgan.evaluation.measurement import Measurement, Protocol
from dcgan.models.build import build_generator
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator
from dcgan.settings.recipes import recipe

SIZES = {"data.height": 16, "data.width": 16, "model.generator_width": 2, "model.image_channels": 3}


def test_measurements_are_those_of_this_checkpoint_or_none(tmp_path: Path) -> None:
    config = recipe("radford2015").decided(SIZES | {"model.num_classes": 0})
    generator = TrainedGenerator(
        build_generator(config.model, 16, 16), config, path=tmp_path / f"checkpoint-000000000080-{'a' * 64}.safetensors"
    )
    assert generator.path is not None
    protocol = Protocol("tiny", 1000, "x", "y", "test", 1000, "none", 0.0)
    measured = [Measurement("fd_tiny_1k", 3.0, protocol).to_json()]
    for name, expected in ((generator.path.name, measured), (f"checkpoint-000000000080-{'b' * 64}.safetensors", [])):
        told = {"of": "run", "checkpoint": name, "remarks": ["after 80 images"], "measurements": measured}
        RunFolder(tmp_path).evaluation.write_text(json.dumps(told))
        facts = run_facts(tmp_path, generator)
        assert facts.measurements == expected
        assert facts.images_seen == 80
