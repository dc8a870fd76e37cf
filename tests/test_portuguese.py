"""The Portuguese pages have the code of the English ones, which is executed: only words and comments differ."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def code(page: str) -> list[tuple[str, str]]:
    """Every block of a page, its comments cut off."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [(kind, re.sub(r" +# .*$", "", block, flags=re.MULTILINE)) for kind, block in BLOCK.findall(text)]


@pytest.mark.parametrize(
    ("english", "portuguese"), [("README.md", "README.pt.md"), ("docs/tutorial.md", "docs/pt/tutorial.md")]
)
def test_a_portuguese_page_has_the_code_of_the_english_one(english: str, portuguese: str) -> None:
    assert code(portuguese) == code(english)


@pytest.mark.parametrize(("english", "portuguese"), [("docs/tutorial.md", "docs/pt/tutorial.md")])
def test_a_portuguese_page_has_as_many_sections(english: str, portuguese: str) -> None:
    levels = [
        re.findall(r"^(#+) ", re.sub(BLOCK, "", (ROOT / page).read_text(encoding="utf-8")), re.MULTILINE)
        for page in (english, portuguese)
    ]
    assert levels[0] == levels[1]
