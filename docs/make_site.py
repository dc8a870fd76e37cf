"""The documentation as a web site, in build/site: built by Zensical from the same Markdown, and checked.

The pages keep their names. README and the other pages of the top folder become pages of the site too.
A link to a file that is no page, such as a test, becomes the file's name: the site does not hold the sources.
The build fails where a link leads to no page or no heading, and where a page would load anything from elsewhere.
"""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
TOP_PAGES = ("README.md", "README.pt.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "detectors/README.md")
LINK = re.compile(r"(!?)\[((?:!\[[^\]\n]*\]\([^)\s]+\)|[^\]\n])*)\]\(([^)\s]+)\)")  # a picture may be a link
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


def site_name(page: Path) -> str:
    """The page's path in the site: pages of docs/ as they are, those of the top folder beside them."""
    path = page.relative_to(DOCS if page.is_relative_to(DOCS) else ROOT)
    return (
        "overview.md" if path.name == "README.md" and path.parent == Path() else path.as_posix().replace("/README", "")
    )


def pages() -> list[Path]:
    """Every page of the site, by its place in the project."""
    return [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in TOP_PAGES)]


def with_links_of_the_site(page: Path) -> str:
    """The page's text, where links between pages hold in the site and links to other files are names."""
    named = {source: site_name(source) for source in pages()}
    ups = "../" * site_name(page).count("/")

    def replaced(link: re.Match[str]) -> str:
        mark, text, address = link.groups()
        text = LINK.sub(replaced, text)
        path, hash_sign, heading = address.partition("#")
        if not path or urlsplit(address).scheme:
            return f"{mark}[{text}]({address})"
        target = (page.parent / path).resolve()
        if target in named:
            return f"{mark}[{text}]({ups}{named[target]}{hash_sign}{heading})"
        if mark or target.is_relative_to(DOCS / "pictures"):
            return f"{mark}[{text}]({ups}{target.relative_to(DOCS).as_posix()})"
        return f"{text} (`{target.relative_to(ROOT).as_posix()}`)" if target.name not in text else text

    return LINK.sub(replaced, page.read_text(encoding="utf-8"))


def write_sources(folder: Path) -> None:
    """Fill ``folder`` with the pages and pictures as Zensical is to read them."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS / "pictures", folder / "pictures", ignore=shutil.ignore_patterns("*.py"))
    for page in pages():
        path = folder / site_name(page)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(with_links_of_the_site(page), encoding="utf-8")


class Page(HTMLParser):
    """What a built page loads, where it leads, and the headings that can be led to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.ids: set[str] = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        values = {name: value or "" for name, value in attrs}
        self.ids.add(values.get("id", ""))
        if tag == "a" and "href" in values:
            self.leads.append(values["href"])
        if (address := values.get(LOADS.get(tag, ""))) and values.get("rel") not in ("canonical", "next", "prev"):
            self.loads.append(address)


def faults(site: Path) -> list[str]:
    """One line for each link that leads nowhere and each thing that would come from another host."""
    built = {path.resolve(): Page(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in built.items():
        name = path.relative_to(site.resolve())
        found += [f"{name} loads {address}" for address in page.loads if urlsplit(address).netloc]
        for address in [*page.leads, *page.loads]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                found.append(f"{name} leads to {address}, which is not there")
            elif target in built and unquote(parts.fragment) not in built[target].ids:
                found.append(f"{name} leads to {address}, which has no such heading")
    styles = [path for path in site.rglob("*.css") if re.search(r"url\(['\"]?(https?:)?//", path.read_text("utf-8"))]
    return [*found, *(f"{path.relative_to(site)} loads from another host" for path in styles)]


def main() -> int:
    """Build and check; 1 when anything is wrong."""
    build = ROOT / "build"
    write_sources(build / "site-source")
    shutil.copy(DOCS / "zensical.toml", build)
    zensical = Path(sys.executable).parent / "zensical"
    if subprocess.run([zensical, "build", "--clean"], check=False, cwd=build).returncode:
        return 1
    found = faults(build / "site")
    print("\n".join(found) or f"{build / 'site' / 'index.html'}: open it in a browser. All links hold.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
