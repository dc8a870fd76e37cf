import dcgan


def test_the_public_names_are_these() -> None:
    assert dcgan.__all__ == [
        "Config",
        "StepReport",
        "TrainedGenerator",
        "UserError",
        "explore",
        "load",
        "recipe",
        "show",
        "train",
    ]
    assert dir(dcgan) == dcgan.__all__
    for name in dcgan.__all__:
        assert getattr(dcgan, name).__doc__, name


def test_other_names_are_refused_as_any_module_does() -> None:
    import pytest

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        dcgan.nonsense  # noqa: B018
