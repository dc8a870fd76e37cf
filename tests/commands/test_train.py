"""A run as its owner sees it: trained, stopped, continued, extended, refused."""

import json
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

import dcgan
from dcgan.commands.live.pictures import preview_is_due
from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training
from dcgan.errors import ExitCode, UserError
from dcgan.interfaces.run import Silence
from dcgan.runs import checkpoint, journal
from dcgan.runs.folder import RunFolder
from dcgan.settings import rules
from dcgan.settings.config import flatten, read_toml
from dcgan.settings.recipes import RECIPES, complete
from dcgan.settings.rules import Rule
from dcgan.training.state import TrainingState

TINY = {
    "model.generator_width": 4, "model.discriminator_width": 4, "model.latent_size": 8, "training.batch_size": 8,
    "runs.journal_every_images": 48, "runs.preview_rows": 2, "runs.preview_columns": 3, "hardware.precision": "fp32",
}  # fmt: skip
OPTIONS = {"size": 16, "threads": 1}


def start(source: Path, out: Path, budget: str = "320", **options: object) -> Iterator[dcgan.StepReport]:
    settings = TINY | options.pop("settings", {})
    return dcgan.train(source, out=out, budget=budget, settings=settings, **OPTIONS, **options)


def finish(source: Path, out: Path, budget: str = "320", **options: object) -> RunFolder:
    for _ in start(source, out, budget, **options):
        pass
    return RunFolder(out)


def stop_after(steps: int, source: Path, out: Path, budget: str = "320", **options: object) -> RunFolder:
    run = start(source, out, budget, **options)
    list(islice(run, steps))
    run.close()
    return RunFolder(out)


@pytest.fixture(scope="session")
def whole(critters_npy: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The run that never stopped; no test changes it."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DCGAN_CACHE", str(folder / "cache"))
        return finish(critters_npy, folder / "run")


@pytest.fixture(scope="session")
def stopped(critters_npy: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The same, stopped after 7 of its 40 steps; to be copied."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DCGAN_CACHE", str(folder / "cache"))
        return stop_after(7, critters_npy, folder / "run")


def copied(run: RunFolder, place: Path) -> RunFolder:
    shutil.copytree(run.root, place)
    return RunFolder(place)


def untimed_journal(run: RunFolder) -> list[dict]:
    timed = {"seconds", "images_per_second", "time", "images"}
    entries = [entry for entry in journal.read(run.journal) if entry["event"] not in ("start", "end")]
    return [{key: value for key, value in entry.items() if key not in timed} for entry in entries]


def assert_equal_runs(one: RunFolder, other: RunFolder) -> None:
    first, second = checkpoint.newest(one), checkpoint.newest(other)
    assert first is not None
    assert second is not None
    assert first.tensors.keys() == second.tensors.keys()
    different = [name for name in first.tensors if not torch.equal(first.tensors[name], second.tensors[name])]
    assert different == []
    assert first.facts["images_seen"] == second.facts["images_seen"]
    assert untimed_journal(one) == untimed_journal(other)
    pictures = [{path.name: path.read_bytes() for path in run.samples.iterdir()} for run in (one, other)]
    assert pictures[0] == pictures[1]


@pytest.mark.promise(
    "A run that was stopped and continued ends with the very weights, journal and pictures of one that never stopped."
)
@pytest.mark.parametrize("steps", [1, 7, 39])
def test_a_stopped_and_continued_run_equals_one_never_stopped(
    steps: int, whole: RunFolder, critters_npy: Path, tmp_path: Path
) -> None:
    parts = stop_after(steps, critters_npy, tmp_path / "parts")
    finish(critters_npy, tmp_path / "parts")
    assert_equal_runs(whole, parts)


def test_a_run_that_reads_from_disk_in_blocks_is_continued_to_the_bit(tmp_path: Path) -> None:
    source = tmp_path / "images.npy"
    np.save(source, np.random.default_rng(0).integers(0, 256, (400, 16, 16, 1), dtype=np.uint8))
    settings = {"settings": {"training.shuffle_window": 128}}
    whole = finish(source, tmp_path / "whole", "480", **settings)
    stop_after(3, source, tmp_path / "stopped", "480", **settings)
    stop_after(30, source, tmp_path / "stopped", "480", **settings)
    assert_equal_runs(whole, finish(source, tmp_path / "stopped", "480", **settings))
    mixed = finish(source, tmp_path / "mixed", "480")
    assert dict(flatten(complete(read_toml(mixed.config))))["training.shuffle_window"] == 0
    with pytest.raises(AssertionError):
        assert_equal_runs(whole, mixed)


def test_the_same_holds_for_the_chapters_recipe(critters_npy: Path, tmp_path: Path) -> None:
    whole = finish(critters_npy, tmp_path / "whole", "3epochs", recipe="d2l")
    parts = stop_after(17, critters_npy, tmp_path / "parts", "3epochs", recipe="d2l")
    finish(critters_npy, tmp_path / "parts", "3epochs", recipe="d2l")
    assert_equal_runs(whole, parts)
    assert len(list(whole.samples.glob("fresh-*.png"))) == 3


@pytest.mark.parametrize("dropped", ["generator", "discriminator", "average", "_optimizer", "sums", "images_seen"])
def test_nothing_on_the_list_of_state_is_there_in_vain(
    *,
    dropped: str,
    whole: RunFolder,
    stopped: RunFolder,
    critters_npy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Forget one item at the restart: the equality above must then fail."""
    parts = copied(stopped, tmp_path / "parts")
    restore = TrainingState.restore

    def forgetful(state: TrainingState, tensors: dict, facts: dict) -> None:
        own = {name: tensor.clone() for name, tensor in state.tensors().items()}
        restore(state, {n: own[n] if dropped in n.partition(".")[0] else t for n, t in tensors.items()}, facts)
        if dropped == "images_seen":
            state.images_seen -= 8

    monkeypatch.setattr(TrainingState, "restore", forgetful)
    finish(critters_npy, tmp_path / "parts")
    with pytest.raises(AssertionError):
        assert_equal_runs(whole, parts)


@pytest.mark.promise("How often you look, save or log changes no weight while no alarm rings.")
def test_looking_changes_nothing(critters_npy: Path, tmp_path: Path) -> None:
    often = {"runs.journal_every_images": 8, "runs.save_every_images": 16, "runs.preview_rows": 1}
    one = checkpoint.newest(finish(critters_npy, tmp_path / "seldom"))
    other = checkpoint.newest(finish(critters_npy, tmp_path / "often", settings=often))
    assert one is not None
    assert other is not None
    names = [name for name in one.tensors if not name.startswith("sums")]
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in names)


@pytest.mark.promise(
    "A larger budget extends a run as if it had been asked for from the start, or says that something falls or rises "
    "towards the end and has begun to."
)
def test_a_larger_budget_extends_a_finished_run(critters_npy: Path, tmp_path: Path) -> None:
    constant = {"training.learning_rate_schedule": "constant"}
    whole = checkpoint.newest(finish(critters_npy, tmp_path / "whole", "480", settings=constant))
    finish(critters_npy, tmp_path / "parts", "240", settings=constant)
    longer = checkpoint.newest(finish(critters_npy, tmp_path / "parts", "480", settings=constant))
    assert whole is not None
    assert longer is not None
    assert all(torch.equal(whole.tensors[name], longer.tensors[name]) for name in whole.tensors)


@pytest.mark.promise(
    "A larger budget extends a run as if it had been asked for from the start, or says that something falls or rises "
    "towards the end and has begun to."
)
@pytest.mark.parametrize(("budget", "told"), [("240", True), ("80", False)])
def test_a_larger_budget_says_if_it_changes_the_plan(
    critters_npy: Path, tmp_path: Path, budget: str, told: bool
) -> None:
    falling = {"training.learning_rate_schedule": "linear", "training.learning_rate_decay": 0.5}
    whole = checkpoint.newest(finish(critters_npy, tmp_path / "whole", "480", settings=falling))
    if told:
        parts = finish(critters_npy, tmp_path / "parts", budget, settings=falling)
    else:
        parts = stop_after(int(budget) // 8, critters_npy, tmp_path / "parts", settings=falling)
    longer = checkpoint.newest(finish(critters_npy, tmp_path / "parts", "480", settings=falling))
    assert whole is not None
    assert longer is not None
    assert all(torch.equal(whole.tensors[name], longer.tensors[name]) for name in whole.tensors) is not told
    warnings = [event["text"] for event in journal.read(parts.journal) if event["event"] == "warning"]
    assert any("towards image 480 now, not 240" in text for text in warnings) is told


def test_a_finished_run_has_nothing_left_to_do(whole: RunFolder, critters_npy: Path, tmp_path: Path) -> None:
    run = copied(whole, tmp_path / "run")
    before = checkpoint.paths(run)
    assert list(start(critters_npy, tmp_path / "run")) == []
    assert checkpoint.paths(run) == before


@pytest.mark.promise("A run never goes on with other settings than it began with unless they may change.")
def test_another_setting_is_refused_with_the_difference(critters_npy: Path, tmp_path: Path) -> None:
    stop_after(2, critters_npy, tmp_path / "run")
    with pytest.raises(UserError, match=r"training\.batch_size was 8, is 16"):
        start(critters_npy, tmp_path / "run", settings={"training.batch_size": 16})


@pytest.mark.promise("A run that is continued decides nothing anew, even if the rules have changed by then.")
def test_a_continued_run_decides_nothing_anew(
    whole: RunFolder, stopped: RunFolder, critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = copied(stopped, tmp_path / "parts")
    always = Rule({}, {"training.augmentation": (), "training.flip": "on", "training.beta1": 0.9}, "", "")
    monkeypatch.setattr(rules, "RULES", (always,))
    monkeypatch.setitem(RECIPES, "modern", {"undecided": rules.settings_of_rules()})
    finish(critters_npy, tmp_path / "parts")
    assert_equal_runs(whole, parts)
    assert whole.config.read_text() == parts.config.read_text()
    other = dict(flatten(complete(read_toml(finish(critters_npy, tmp_path / "other", "8").config))))
    assert (other["training.beta1"], other["training.flip"], other["training.augmentation"]) == (0.9, "on", ())


def test_a_setting_taken_away_is_a_difference_too(critters_npy: Path, tmp_path: Path) -> None:
    stop_after(2, critters_npy, tmp_path / "run")
    with pytest.raises(UserError, match=r"training\.average_half_life was 10000, is None"):
        start(critters_npy, tmp_path / "run", settings={"training.average_half_life": "none"})


def test_a_config_file_with_another_budget_means_that_budget(whole: RunFolder, tmp_path: Path) -> None:
    assert sum(1 for _ in dcgan.train(config=str(whole.config), budget="2epochs", out=tmp_path / "other")) == 25


def test_the_folder_alone_is_enough_to_go_on(critters_npy: Path, tmp_path: Path) -> None:
    stop_after(2, critters_npy, tmp_path / "run")
    assert sum(1 for _ in dcgan.train(out=tmp_path / "run")) == 38


@pytest.mark.promise("A run never goes on with other images than it began with.")
def test_other_images_are_refused(critters_npy: Path, tmp_path: Path) -> None:
    import numpy as np

    copy = tmp_path / "copy.npy"
    shutil.copy(critters_npy, copy)
    stop_after(2, copy, tmp_path / "run")
    changed = np.load(copy)
    changed[0] = 7
    np.save(copy, changed)
    with pytest.raises(UserError, match="not the images") as error:
        start(copy, tmp_path / "run")
    assert error.value.exit_code == ExitCode.DATA


@pytest.mark.promise("Two trainers never share a run: the second one is refused and told who holds it.")
def test_a_run_in_use_is_refused_and_free_again_afterwards(
    critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(critters_npy, tmp_path / "run")
    next(run)
    with monkeypatch.context() as patch, pytest.raises(UserError, match=r"in use by process .* or stop it") as error:
        patch.setattr("dcgan.runs.lock.platform.node", lambda: "another machine")
        Training(TrainOptions(out=str(tmp_path / "run")), Silence())
    assert error.value.exit_code == ExitCode.BUSY
    run.close()
    next(start(critters_npy, tmp_path / "run"))


@pytest.mark.promise("A damaged checkpoint is noticed, named and passed over for the one before it.")
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(critters_npy: Path, tmp_path: Path) -> None:
    run = finish(critters_npy, tmp_path / "run", settings={"runs.save_every_images": 80})
    newest, older = checkpoint.paths(run)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    assert checkpoint.read(newest) is None
    found = checkpoint.newest(run)
    assert found is not None
    assert found.damaged == (newest,)
    assert found.path == older


@pytest.mark.promise("A run that had to go back behind a damaged checkpoint never loses a newer one.")
def test_going_back_behind_a_damaged_checkpoint_never_loses_the_new_ones(critters_npy: Path, tmp_path: Path) -> None:
    saving = {"runs.save_every_images": 80, "runs.keep": 2}
    whole = finish(critters_npy, tmp_path / "whole", settings=saving)
    run = stop_after(27, critters_npy, tmp_path / "run", settings=saving)
    damaged, _ = checkpoint.paths(run)
    damaged.write_bytes(b"damaged")
    continued = start(critters_npy, tmp_path / "run", settings=saving | {"runs.keep": 1, "runs.save_every_images": 8})
    next(continued)
    found = checkpoint.newest(run)
    assert found is not None
    assert found.facts["images_seen"] == 200
    continued.close()
    assert damaged.with_suffix(".bad").exists()
    finish(critters_npy, tmp_path / "run", settings=saving)
    assert_equal_runs(whole, run)


@pytest.mark.promise("A run whose checkpoints are all damaged is never silently started over.")
def test_no_good_checkpoint_is_no_new_start(critters_npy: Path, tmp_path: Path) -> None:
    run = stop_after(2, critters_npy, tmp_path / "run")
    for path in checkpoint.paths(run):
        path.write_bytes(b"")
    with pytest.raises(UserError, match="damaged") as error:
        start(critters_npy, tmp_path / "run")
    assert error.value.exit_code == ExitCode.CHECKPOINT


@pytest.mark.promise("Weights that are no longer finite numbers are told and never saved.")
def test_divergence_is_told_and_never_saved(critters_npy: Path, tmp_path: Path) -> None:
    settings = {"runs.save_every_images": 8, "training.rollbacks": 0}
    run = start(critters_npy, tmp_path / "run", settings=settings)
    list(islice(run, 3))
    session = run._training.session
    with torch.no_grad():
        session.state.generator.to_image.weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(UserError, match="no longer a finite number") as error:
        list(run)
    assert error.value.exit_code == ExitCode.DIVERGED
    saved = checkpoint.newest(RunFolder(tmp_path / "run"))
    assert saved is not None
    assert all(torch.isfinite(tensor).all() for tensor in saved.tensors.values())


def test_a_run_says_what_it_depends_on(whole: RunFolder, critters_npy: Path, tmp_path: Path) -> None:
    about = json.loads(whole.about.read_text())
    assert {"dcgan", "torch", "python", "processor", "threads", "command", "fingerprint"} <= about.keys()
    assert whole.report.stat().st_size < 5_000_000
    repeated = [dcgan.train(config=str(whole.config), out=tmp_path / "again"), start(critters_npy, tmp_path / "same")]
    for again in repeated:
        list(again)
    assert_equal_runs(whole, RunFolder(tmp_path / "again"))


def test_classes_can_be_learned_and_asked_for(critters_npy: Path, tmp_path: Path) -> None:
    import numpy as np

    source = tmp_path / "classes.npz"
    np.savez(source, x_train=np.load(critters_npy)[..., :3], y_train=np.arange(100) % 8)
    run = finish(source, tmp_path / "run", labels=True)
    generator = dcgan.load(run.root)
    assert generator.config.model.num_classes == 8
    zeros, ones = (generator.sample([1, 2], [label, label]) for label in (0, 1))
    assert not torch.equal(zeros, ones)


def test_labels_need_classes(critters_npy: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--labels: these images have no classes"):
        start(critters_npy, tmp_path / "run", labels=True)


def test_previews_are_few_and_early_ones_close() -> None:
    due = [seen for seen in range(32, 500_000, 32) if preview_is_due(seen - 32, seen)]
    assert len(due) == 20
    assert due[:4] == [512, 736, 1024, 1440]


@pytest.mark.promise("A seed is the same image every time, whichever others are drawn with it.")
def test_a_seed_is_the_same_image_in_any_company(whole: RunFolder) -> None:
    generator = dcgan.load(whole.root)
    alone = generator.sample([7])
    assert alone.dtype == torch.uint8
    assert alone.shape == (1, 3, 16, 16)
    among = generator.sample(range(40))
    assert torch.equal(alone[0], among[7])
    assert generator.sample([]).shape == (0, 3, 16, 16)


def test_a_profile_says_where_the_time_goes_and_changes_nothing(
    whole: RunFolder, critters_npy: Path, tmp_path: Path
) -> None:
    settings = tuple(f"{key}={value}" for key, value in TINY.items())
    options = TrainOptions(
        source=str(critters_npy), size="16", threads=1, budget="320", settings=settings, profile=True,
        out=str(tmp_path / "watched"),
    )  # fmt: skip
    with Training(options, Silence()) as training:
        list(training.steps())
    watched = training.run
    assert_equal_runs(whole, watched)
    table = watched.time_table.read_text()
    assert "convolution" in table
    assert "batch normalisation" in table
    assert json.loads(watched.trace.read_text())["traceEvents"]


def test_a_program_that_ends_with_an_open_run_saves_it(critters_npy: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    settings = {**TINY, "runs.save_every_seconds": 1000}
    program = (
        f"import dcgan; steps = dcgan.train({str(critters_npy)!r}, size=16, budget='320', threads=1, out='run', "
        f"settings={settings!r}); [next(steps) for _ in range(5)]"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    saved = checkpoint.newest(RunFolder(tmp_path / "run"))
    assert saved is not None
    assert saved.facts["images_seen"] == 40


@pytest.mark.promise("Training from Python neither uses nor disturbs your own random numbers.")
def test_nobody_elses_random_numbers_are_used(critters_npy: Path, tmp_path: Path) -> None:
    import random

    import numpy as np

    torch.manual_seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    finish(critters_npy, tmp_path / "run", "2epochs", recipe="d2l")
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
    assert before[2] == random.getstate()
