"""The web site of the documentation: its sources hold together, and its check finds what it is to find."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_site", DOCS / "make_site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files_of(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [file for entry in nav for file in files_of(entry.values() if isinstance(entry, dict) else entry)]


def test_every_page_of_the_documentation_is_in_the_menu_of_the_site(site: ModuleType) -> None:
    nav = tomllib.loads((DOCS / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    assert sorted(files_of(nav)) == sorted(site.site_name(page) for page in site.pages())


def test_links_between_pages_hold_in_the_site_and_no_link_leads_out_of_it(site: ModuleType, tmp_path: Path) -> None:
    site.write_sources(tmp_path / "source")
    for page in (tmp_path / "source").rglob("*.md"):
        for address in re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", address):
                target = (page.parent / address).resolve()
                assert target.is_relative_to(tmp_path / "source"), (page.name, address)
                assert target.exists(), (page.name, address)


def test_a_picture_that_is_a_link_stays_one(site: ModuleType) -> None:
    overview = site.with_links_of_the_site(DOCS.parent / "README.md")
    assert "](pictures/page.png)](page.md)" in overview


def test_the_check_finds_dead_links_missing_headings_and_what_comes_from_elsewhere(
    site: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "a.html").write_text(
        "<h2 id='here'>Here</h2><a href='b.html'>b</a><a href='#here'>up</a><a href='#away'>lost</a>"
        "<a href='https://example.org/'>a page elsewhere may be led to</a>"
        "<script src='https://example.org/x.js'></script><img src='gone.png'>"
    )
    (tmp_path / "b.html").write_text("<a href='a.html#here'>a</a>")
    (tmp_path / "style.css").write_text("@font-face { src: url(//example.org/font.woff2) }")
    assert site.faults(tmp_path) == [
        "a.html loads https://example.org/x.js",
        "a.html leads to #away, which has no such heading",
        "a.html leads to gone.png, which is not there",
        "style.css loads from another host",
    ]
