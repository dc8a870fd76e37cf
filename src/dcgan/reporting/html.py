"""What every page is made of: safe text, embedded pictures, and a frame that loads nothing."""

import base64
import hashlib
from html import escape
from pathlib import Path

from dcgan.reporting.gallery import Picture
from dcgan.wording import plain


def text(value: object) -> str:
    """Any value as text that is safe in a page, in an attribute too."""
    return escape(plain(value), quote=True)


def image(picture: Picture, said: str, more: str = "") -> str:
    """A picture with its words for those who do not see it; ``said`` and ``more`` are safe already."""
    tiny = ' class="tiny"' if picture.width < 320 else ""
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img src="{picture.address}" alt="{said}" {size}{tiny} {more}>'


def document(title: str, content: str, *, state: str, script: str = "", head: str = "") -> str:
    """A whole page. It loads nothing and runs nothing but its own script, which its content policy enforces."""
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return (
        f'<!doctype html>\n<html lang="en" data-state="{state}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n{head}<style>\n{style}</style>\n</head>\n<body>\n"
        f"{content}\n{f'<script>{script}</script>' if script else ''}\n</body>\n</html>\n"
    )
