"""The service in words: a page made of its own OpenAPI description."""

from html import escape
from typing import Any

STYLE = (
    "body{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "code{background:#8882}dd{margin:0 0 1rem 1rem}"
)


def docs_page(openapi: dict[str, Any]) -> str:
    """One HTML page that loads nothing: every address, what it does and what it takes."""
    entries = []
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            names = ", ".join(
                f"<code>{escape(one['name'])}</code>" for one in operation.get("parameters", []) if one["in"] == "query"
            )
            takes = f" Takes {names}." if names else ""
            text = escape(str(operation.get("description", "")))
            entries.append(f"<dt><code>{method.upper()} {escape(path)}</code></dt><dd>{text}{takes}</dd>")
    more = '<p>Every field: <a href="openapi.json">openapi.json</a>.</p>'
    head = f'<meta charset="utf-8"><title>dcgan serve</title><style>{STYLE}</style>'
    body = f"<h1>dcgan serve</h1>{more}<dl>{''.join(entries)}</dl>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'
