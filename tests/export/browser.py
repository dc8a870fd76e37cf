"""A real browser for tests of the page: Chromium of this machine, driven by Playwright, without a network."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, or a skip that names what is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@contextmanager
def opened(browser: Any, file: Path, query: str = "", **context: Any) -> Iterator[Any]:
    """The page of a file, its first grid drawn. A request that leaves, or an error in the page, fails the test."""
    inside = browser.new_context(locale="en", **context)
    page = inside.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: _is_inside(request.url) or troubles.append(request.url))
    page.on("requestfailed", lambda request: request.failure == "csp" and troubles.remove(request.url))
    page.goto(file.as_uri() + query)
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    yield page
    assert not troubles, troubles
    inside.close()


def _is_inside(address: str) -> bool:
    return address.startswith(("file:", "blob:", "data:"))


def drawn(page: Any, seeds: list[int], label: int | None = None) -> list[list[int]]:
    """The pixels of these seeds, each image as h w c numbers in a row."""
    return page.evaluate(
        """async ([seeds, label]) => {
          const images = seeds.map((seed) => dcgan.images.ofSeed(BigInt(seed), label));
          const painted = await Promise.all(images.map((image) => dcgan.painter.paint(image, "test")));
          return painted.map(({ pixels }) => [...pixels]);
        }""",
        [[str(seed) for seed in seeds], label],
    )
