import json
from pathlib import Path

import numpy as np
import pytest

from dcgan.data.pixels import png
from dcgan.reporting.explored import TITLES, explored
from dcgan.runs.folder import RunFolder


def leave(run: RunFolder, method: str, **changes: object) -> None:
    run.exploration.mkdir(parents=True, exist_ok=True)
    (run.exploration / f"{method}.png").write_bytes(png(np.zeros((8, 8, 3), dtype=np.uint8)))
    facts = {"picture": f"{method}.png", "words": [f"The {method} <b>says</b> so."]} | changes
    (run.exploration / f"{method}.json").write_text(json.dumps(facts))


def test_a_run_that_was_not_explored_has_no_section(tmp_path: Path) -> None:
    assert explored(RunFolder(tmp_path)) == ""


@pytest.mark.parametrize("method", TITLES)
def test_each_exploration_has_a_card_with_its_picture_and_its_words(tmp_path: Path, method: str) -> None:
    leave(RunFolder(tmp_path), method)
    page = explored(RunFolder(tmp_path))
    assert TITLES[method] in page
    assert "data:image/png;base64," in page
    assert f"The {method} &lt;b&gt;says&lt;/b&gt; so." in page


@pytest.mark.parametrize("picture", ["../secret.png", "/etc/passwd", "", 3, None, "missing.png"])
def test_a_picture_that_is_not_beside_its_file_is_not_shown(tmp_path: Path, picture: object) -> None:
    run = RunFolder(tmp_path / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "secret.png").write_bytes(png(np.zeros((8, 8, 3), dtype=np.uint8)))
    leave(run, "walk", picture=picture)
    assert explored(run) == ""


@pytest.mark.parametrize("content", ["", "[]", "{", '{"picture": "walk.png", "words": 3}', '{"words": []}'])
def test_a_broken_file_breaks_nothing(tmp_path: Path, content: str) -> None:
    run = RunFolder(tmp_path)
    leave(run, "walk")
    (run.exploration / "walk.json").write_text(content)
    assert isinstance(explored(run), str)
