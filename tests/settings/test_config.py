import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from dcgan.errors import UserError
from dcgan.notation import background_colour, parse_budget, parse_size, stages
from dcgan.settings.config import Config, flatten, from_tables, to_tables
from dcgan.settings.recipes import RECIPES, complete, recipe


@pytest.mark.parametrize("name", RECIPES)
def test_a_config_survives_its_file(name: str) -> None:
    config = recipe(name).asked({"data.classes": ("a", "b"), "training.average_half_life": None})
    assert complete(from_tables(tomllib.loads(tomli_w.dumps(to_tables(config))))) == config


def test_every_knob_is_explained() -> None:
    import ast
    import inspect

    import dcgan.settings.knobs

    for node in ast.parse(inspect.getsource(dcgan.settings.knobs)).body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
            for knob, after in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(knob, ast.AnnAssign) and not getattr(knob.target, "id", "").startswith("_"):
                    nested = isinstance(knob.value, ast.Call)
                    assert nested or isinstance(after, ast.Expr), ast.unparse(knob)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"training.batch_sise": 3}, "Did you mean training.batch_size?"),
        ({"training.batch_size": "many"}, "must be a whole number"),
        ({"training.batch_size": 1.5}, "must be a whole number"),
        ({"training.batch_size": True}, "must be a whole number"),
        ({"training.batch_size": 1}, "must be at least 2"),
        ({"training.generator_learning_rate": "nan"}, "must be a number"),
        ({"data.fit": "squeeze"}, "must be one of crop, pad, stretch"),
        ({"data.background": "#12345"}, "--background"),
        ({"model.negative_slope": 1.5}, "must be from 0 to 1"),
        ({"model.norm_first": "perhaps"}, "must be true or false"),
        ({"training.budget": "soon"}, "--budget soon"),
        ({"training.real_penalty": 1}, "model.discriminator_norm = True: must be false"),
        ({"training.fake_penalty": -1}, "must not be negative"),
        ({"training.objective": "wasserstein"}, "must be one of bce, hinge"),
        ({"training.penalty_every": 0}, "must be at least 1"),
        ({"training.learning_rate_decay": 0}, "must be above 0, up to 1"),
        ({"training.learning_rate_final": 2}, "must be from 0 to 1"),
        ({"training.learning_rate_warmup": -1}, "must not be negative"),
        ({"training.average_width": 0.3}, "must be between 0 and 0.28"),
        ({"training.augmentation": "colour,noise"}, "training.augmentation = noise: must be one of colour"),
        ({"training.augmentation_strength": 1.1}, "must be from 0 to 1"),
        ({"model.spectral_norm": True}, "it would undo the spectral norm"),
        ({"model.discriminator_bias": True, "model.norm_first": True}, "a first layer that is not normalised"),
        ({"model.discriminator_bias": True, "model.discriminator_norm": False}, "before others that are"),
        ({"model.family": "residual"}, "must be false: residual has none"),
        ({"data.height": 100, "data.width": 100}, "Nearest: 96 or 112"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_would_be_right(changes: dict[str, object], expected: str) -> None:
    with pytest.raises(UserError, match=r".") as error:
        Config().asked(changes)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("90s", 90, "seconds"), ("10min", 600, "seconds"), ("1.5h", 5400, "seconds"), ("6400", 6400, "images"),
        ("200k", 200_000, "images"), ("2M", 2e6, "images"), ("20epochs", 20, "epochs"), ("1 epoch", 1, "epochs"),
    ],
)  # fmt: skip
def test_budgets_are_read_in_their_units(text: str, amount: float, unit: str) -> None:
    assert (parse_budget(text).amount, parse_budget(text).unit) == (amount, unit)


@pytest.mark.parametrize("text", ["", "0", "-5", "10m", "ten", "1e3", "0epochs"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--budget"):
        parse_budget(text)


@given(base=st.sampled_from([4, 5, 6, 7]), exponent=st.integers(2, 6), times=st.integers(1, 30))
def test_the_allowed_sizes_are_allowed(base: int, exponent: int, times: int) -> None:
    shorter, longer = base << exponent, times << exponent
    if shorter <= min(256, longer):
        assert stages(shorter, longer) == stages(longer, shorter) == exponent


@given(size=st.integers(1, 600))
def test_all_other_square_sizes_are_refused(size: int) -> None:
    allowed = {base << exponent for base in (4, 5, 6, 7) for exponent in range(2, 7)}
    if size in allowed and size <= 256:
        stages(size, size)
    else:
        with pytest.raises(UserError, match="--size"):
            stages(size, size)


def test_sizes_are_height_times_width() -> None:
    assert parse_size("48x80") == (48, 80)
    assert parse_size("64") == (64, 64)
    for wrong in ("", "x", "64x", "64x64x3", "-64", "6.4"):
        with pytest.raises(UserError, match="--size"):
            parse_size(wrong)


def test_colours_are_read() -> None:
    assert background_colour("white") == (255, 255, 255)
    assert background_colour("#0aFf00") == (10, 255, 0)


def test_recipes_only_change_knobs_that_exist() -> None:
    known = dict(flatten(Config()))
    for changes in RECIPES.values():
        assert changes.keys() <= known.keys()
    with pytest.raises(UserError, match="Known: modern"):
        recipe("cyclegan")


def test_a_file_that_says_open_for_undecided_is_read() -> None:
    tables = {"recipe": "modern", "open": ["training.batch_size"], "training": {"beta1": 0.25}}
    found = complete(from_tables(tables))
    assert found.undecided == ("training.batch_size",)
    assert found.training.beta1 == 0.25


def test_what_is_decided_has_a_reason_until_it_is_asked_for() -> None:
    config = recipe("modern").decided({"training.batch_size": 16}, {"training.batch_size": "few images"})
    assert "training.batch_size" not in config.undecided
    assert config.reasons == ("training.batch_size: few images",)
    asked = config.asked({"training.batch_size": "32"})
    assert asked.training.batch_size == 32
    assert asked.reasons == ()


def test_a_change_that_changes_nothing_builds_no_config() -> None:
    config = recipe("d2l")
    assert config.asked({}) is config
    assert config.asked({"training.batch_size": "256"}) is config


def test_settings_that_contradict_what_was_asked_for_are_not_allowed() -> None:
    config = Config().asked({"model.discriminator_norm": True})
    assert config.allows({"training.beta1": 0.0})
    assert not config.allows({"training.real_penalty": 1.0})
    assert config.allows({"training.real_penalty": 1.0, "model.discriminator_norm": False})
    assert not config.allows({"training.batch_size": 1})
