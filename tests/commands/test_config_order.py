"""A config comes to be in few steps: recipe, request, decisions, length."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training
from dcgan.interfaces.run import Silence
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe
from dcgan.training import fastest

MOST = 5


@pytest.fixture
def constructions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Config]]:
    """Every config that is built from now on."""
    built: list[Config] = []
    check = Config.__post_init__

    def counted(config: Config) -> None:
        built.append(config)
        check(config)

    monkeypatch.setattr(Config, "__post_init__", counted)
    monkeypatch.setattr(fastest, "SPEED_SECONDS", 0.0)
    recipe.cache_clear()
    yield built
    recipe.cache_clear()


@pytest.fixture
def options(critters_npy: Path, tmp_path: Path) -> Callable[..., TrainOptions]:
    small = ("model.generator_width=4", "model.discriminator_width=4", "training.batch_size=8")

    def made(**more: object) -> TrainOptions:
        words = {"source": str(critters_npy), "size": "16", "out": str(tmp_path / "run"), "threads": 1}
        return TrainOptions(**words | {"settings": small, "device": "cpu"} | more)

    return made


@pytest.mark.parametrize("budget", ["1min", "160", "2epochs"])
@pytest.mark.parametrize("name", ["modern", "radford2015", "d2l"])
def test_a_start_builds_its_config_at_most_five_times(
    name: str, budget: str, options: Callable[..., TrainOptions], constructions: list[Config]
) -> None:
    with Training(options(recipe=name, budget=budget), Silence()) as training:
        assert training.config.undecided == ()
        assert training.images_total > 0
    assert 3 <= len(constructions) <= MOST, len(constructions)


def test_a_run_that_goes_on_builds_its_config_at_most_five_times(
    options: Callable[..., TrainOptions], constructions: list[Config]
) -> None:
    with Training(options(budget="160"), Silence()) as training:
        steps = training.steps()
        next(steps)
        steps.close()
        decided = training.config
    constructions.clear()
    recipe.cache_clear()
    with Training(options(budget="160"), Silence()) as training:
        assert training.images_seen == 8
        assert training.config == decided
    assert len(constructions) <= MOST, len(constructions)
