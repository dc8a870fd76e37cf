"""A source in memory, so that preparing can be tested without files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from dcgan.data import prepare as prepare_module
from dcgan.data.sources.items import Decoded, Item, Source, Unreadable


class FakeSource(Source):
    """Images by name: pixels, (pixels, mode), or the reason why there are none. Counts what is decoded."""

    def __init__(
        self,
        images: dict[str, object],
        *,
        labels: Sequence[int] | None = None,
        class_names: Sequence[str] = (),
        test: Sequence[bool] | None = None,
        stamp: str = "1",
    ) -> None:
        self.images = dict(sorted(images.items()))
        self.decoded: list[str] = []
        items = [
            Item(name, f"{stamp}:{name}", labels[index] if labels else None, bool(test and test[index]))
            for index, name in enumerate(self.images)
        ]
        super().__init__("fake", items, class_names=class_names, skipped=[("link", "a link, not followed")])

    def read(self, index: int) -> Decoded:
        name = self.items[index].name
        self.decoded.append(name)
        image = self.images[name]
        if isinstance(image, str):
            raise Unreadable(image)
        if isinstance(image, Exception):
            raise image
        if isinstance(image, tuple):
            return Decoded(*image)
        assert isinstance(image, np.ndarray)
        modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
        return Decoded(image, modes.get(image.shape[2], "array"))


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., FakeSource]:
    """``use(images, …)``: from now on every config's source is this one, and the cache is empty."""
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))

    def use_source(images: dict[str, object], **options: object) -> FakeSource:
        source = FakeSource(images, **options)  # type: ignore[arg-type]
        monkeypatch.setattr(prepare_module, "open_source", lambda _: source)
        return source

    return use_source


def noise(count: int, *shape: int, seed: int = 0) -> dict[str, object]:
    """``count`` different images."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (count, *(shape or (20, 24, 3))), dtype=np.uint8)
    return {f"{index:04}.png": picture for index, picture in enumerate(pixels)}


@pytest.fixture(name="noise")
def noise_fixture() -> Callable[..., dict[str, object]]:
    """``noise(count, height, width, channels, seed=0)``: so many different images by name."""
    return noise
