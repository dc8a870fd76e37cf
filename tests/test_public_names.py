from importlib.metadata import version
from pathlib import Path

import dcgan


def test_the_public_names_are_these() -> None:
    assert dcgan.__all__ == [
        "Config",
        "StepReport",
        "TrainedGenerator",
        "UserError",
        "__version__",
        "compare",
        "evaluate",
        "explore",
        "inspect",
        "load",
        "recipe",
        "show",
        "train",
    ]
    assert dir(dcgan) == dcgan.__all__
    for name in dcgan.__all__:
        assert getattr(dcgan, name).__doc__, name


def test_the_package_tells_its_version_and_that_it_is_typed() -> None:
    assert dcgan.__version__ == version("dcgan")
    assert (Path(dcgan.__file__).parent / "py.typed").is_file()


def test_other_names_are_refused_as_any_module_does() -> None:
    import pytest

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        dcgan.nonsense  # noqa: B018
