"""The part of the page that says what the generator has learned: what ``explore`` left in the run."""

from pathlib import Path
from typing import Any

from dcgan.foreign import read_bytes, strict_json
from dcgan.reporting.gallery import SHARE, embed
from dcgan.reporting.html import image, text
from dcgan.runs.folder import RunFolder

TITLES = {
    "walk": "A walk from image to image",
    "arithmetic": "Arithmetic",
    "directions": "Directions",
    "find": "Found again",
    "neighbours": "Nearest training images",
    "failures": "Where it fails",
    "units": "What its units draw",
    "forget": "Forgetting",
    "probe": "What the discriminator knows",
}
MOST_BYTES = 200_000_000


def explored(run: RunFolder) -> str:
    """A section with a card for each result, or nothing where nothing was explored."""
    cards = [card for method in TITLES if (card := _card(run, method))]
    return f"<section><h2>What it has learned</h2>{''.join(cards)}</section>" if cards else ""


def _card(run: RunFolder, method: str) -> str:
    facts = _facts(run.exploration / f"{method}.json")
    name = facts.get("picture")
    if not isinstance(name, str) or Path(name).name != name:
        return ""
    picture = embed(run.exploration / name, SHARE)
    if picture is None:
        return ""
    words = facts.get("words")
    sentences = [line for line in words if isinstance(line, str)] if isinstance(words, list) else []
    said = "".join(f"<p>{text(sentence)}</p>" for sentence in sentences[:10])
    return (
        f'<figure class="card grid"><figcaption><b>{TITLES[method]}</b><span>dcgan explore {method}</span></figcaption>'
        f'{image(picture, TITLES[method])}<div class="prose">{said}</div></figure>'
    )


def _facts(path: Path) -> dict[str, Any]:
    """What the file holds; nothing where it is missing or broken."""
    try:
        content = strict_json(read_bytes(path, MOST_BYTES, follow=False))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
