"""The chapter's recipes count in epochs: what is journalled and drawn at the end of each, and at the very end."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.commands.live.pictures import FRESH_COLUMNS
from dcgan.exploration.sheets import GAP, LINE, MARGIN, SMALLEST
from dcgan.reporting.story import read_story
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder

TINY = {
    "model.generator_width": 4, "model.discriminator_width": 4, "model.latent_size": 8, "training.batch_size": 32,
    "runs.journal_every_images": 1, "runs.preview_rows": 2, "runs.preview_columns": 3,
}  # fmt: skip


def finish(source: Path, out: Path, recipe: str = "d2l") -> RunFolder:
    for _ in dcgan.train(source, size=16, recipe=recipe, budget="3epochs", threads=1, settings=TINY, out=out):
        pass
    return RunFolder(out)


@pytest.fixture(scope="module")
def run(critters_npy: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return finish(critters_npy, tmp_path_factory.mktemp("epochs") / "run")


def test_the_chapters_recipe_journals_the_mean_losses_of_each_epoch(run: RunFolder) -> None:
    events = list(journal.read(run.journal))
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [event["epoch"] for event in epochs] == [1, 2, 3]
    size, before = epochs[0]["images_seen"], 0
    for event in epochs:
        steps = [
            one for one in events if one["event"] == "step" and before < one["images_seen"] <= event["images_seen"]
        ]
        before = event["images_seen"]
        counts = np.diff([before - size] + [one["images_seen"] for one in steps])
        for loss in ("discriminator_loss", "generator_loss", "real_score", "fake_score"):
            mean = np.average([one[loss] for one in steps], weights=counts)
            assert event[loss] == pytest.approx(mean, rel=1e-6), "weighted by images, the short last batch too"


def test_the_chapters_recipe_leaves_its_picture_beside_ours(run: RunFolder) -> None:
    with Image.open(run.fresh_previews()[-1]) as fresh, Image.open(run.both_ways) as both:
        scale = SMALLEST // (fresh.width // FRESH_COLUMNS)
        first = np.asarray(fresh.convert("RGB"))[: SMALLEST // scale, : SMALLEST // scale].repeat(scale, 0)
        corner = np.asarray(both.convert("RGB"))[MARGIN + LINE + GAP :, MARGIN:][:SMALLEST, :SMALLEST]
    assert (corner == first.repeat(scale, 1)).all(), "on the left is what the chapter draws"


def test_the_curves_of_the_chapters_recipe_run_over_epochs(run: RunFolder) -> None:
    story = read_story(run)
    assert story.epochs is not None
    assert story.course.unit == "epoch" and story.course.positions.tolist() == [1, 2, 3]
    assert "epoch" in run.report.read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", ["radford2015", "d2l-gluon"])
def test_a_recipe_that_draws_one_way_has_no_picture_of_both(recipe: str, critters_npy: Path, tmp_path: Path) -> None:
    other = finish(critters_npy, tmp_path / "run", recipe)
    assert other.latest.exists() and not other.both_ways.exists()
    assert (read_story(other).course.unit == "epoch") == (recipe == "d2l-gluon")
