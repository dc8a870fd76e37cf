"""page.png: an exported page as it looks after four images were kept.

    dcgan train critters --size 32 --budget 60k --out creatures
    dcgan export creatures --to page --with-discriminator
    python docs/pictures/page.py creatures.html

Needs playwright, and Chromium on this machine.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

KEPT = (9, 12, 16, 14)  # places in the grid


def main() -> None:
    """Open the page, keep four images, take the picture."""
    page_file = Path(sys.argv[1]).absolute()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 980}, locale="en")
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-ready]")
        for place in KEPT:
            page.click(f"#grid li:nth-child({place}) .tile")
            page.click("#keep")
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)  # the small pictures beside the sliders
        page.screenshot(path=Path(__file__).with_suffix(".png"))
        browser.close()


if __name__ == "__main__":
    main()
