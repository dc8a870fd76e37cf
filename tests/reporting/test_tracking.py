"""Trackers are told what the journal says, once each; the program is held to TensorBoard, W&B and MLflow themselves.

Trackio is heavy: a stand-in with the parameters of its functions (version 0.43.0) takes its place. W&B and MLflow are
tested where they are installed.
"""

import json
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import dcgan
from dcgan.errors import UserError
from dcgan.interfaces.cli import main
from dcgan.reporting import trackers
from dcgan.reporting.tracking import Following, Teller
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder

LOSSES = {1024: 0.5, 2048: 0.25, 3072: 0.125}


@pytest.fixture
def told(tmp_path: Path) -> RunFolder:
    """A run folder with a journal, a grid and some settings, none of it trained."""
    import numpy as np

    from dcgan.data.pixels import png

    run = RunFolder(tmp_path / "demo")
    run.samples.mkdir(parents=True)
    run.config.write_text('recipe = "modern"\nseed = 3\n[training]\nbatch_size = 32\n')
    run.preview(0).write_bytes(png(np.zeros((4, 4, 3), dtype=np.uint8)))
    journal.record(run.journal, "start", 0, images=3072)
    journal.record(run.journal, "preview", 0, file=run.preview(0).name)
    for seen, loss in LOSSES.items():
        step(run, seen, loss)
    journal.record(run.journal, "warning", 2048, text="The images are pale.")
    journal.record(run.journal, "evaluation", 3072, name="fd", distance=12.5, overfitting=None)
    journal.record(run.journal, "end", 3072, seconds=3.0, reason="budget")
    return run


def step(run: RunFolder, seen: int, loss: float) -> None:
    journal.record(run.journal, "step", seen, discriminator_loss=loss, generator_loss=float("nan"))


class Remembering:
    """A tracker that remembers what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, Any]] = []
        self.identity = "me"
        self.ended: list[bool] = []

    def numbers(self, images_seen: int, values: Mapping[str, float]) -> None:
        self.heard.append(("numbers", images_seen, dict(values)))

    def picture(self, images_seen: int, path: Path) -> None:
        self.heard.append(("picture", images_seen, path.name))

    def words(self, images_seen: int, text: str) -> None:
        self.heard.append(("words", images_seen, text))

    def close(self, finished: bool) -> None:
        self.ended.append(finished)


@pytest.fixture
def remembering(monkeypatch: pytest.MonkeyPatch) -> Remembering:
    tracker = Remembering()
    monkeypatch.setitem(trackers.TRACKERS, "tensorboard", lambda run, settings, identity: tracker)
    return tracker


def tell(run: RunFolder) -> list[str]:
    said: list[str] = []
    teller = Teller("tensorboard", run, said.append)
    teller.look()
    teller.close()
    return said


def test_each_line_is_told_once_with_its_images_and_only_finite_numbers(
    told: RunFolder, remembering: Remembering
) -> None:
    assert tell(told) == []
    assert remembering.heard == [
        ("picture", 0, "images-0000000000.png"),
        *(("numbers", seen, {"discriminator_loss": loss}) for seen, loss in LOSSES.items()),
        ("words", 2048, "The images are pale."),
        ("numbers", 3072, {"distance": 12.5}),
    ]
    assert remembering.ended == [True]
    tell(told)
    assert len(remembering.heard) == 6  # nothing new


def test_a_later_sitting_tells_only_what_is_new(told: RunFolder, remembering: Remembering) -> None:
    tell(told)
    remembering.heard.clear()
    journal.rewind(told.journal, 3072)
    step(told, 4096, 0.1)
    tell(told)
    assert remembering.heard == [("numbers", 4096, {"discriminator_loss": 0.1})]
    assert json.loads(told.tracked.read_text()) == {"tensorboard": {"images_seen": 4096, "identity": "me"}}


def test_what_is_trained_again_after_a_roll_back_is_told_again(told: RunFolder, remembering: Remembering) -> None:
    teller = Teller("tensorboard", told, print)
    teller.look()
    remembering.heard.clear()
    journal.rewind(told.journal, 1024)
    journal.record(told.journal, "rollback", 1024, attempt=1, came_from=3072, text="Rolled back.")
    step(told, 2048, 0.75)
    teller.look()
    assert remembering.heard == [("words", 1024, "Rolled back."), ("numbers", 2048, {"discriminator_loss": 0.75})]


def test_a_tracker_that_fails_is_said_once_and_the_rest_does_without_it(
    told: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Remembering):
        def numbers(self, images_seen: int, values: Mapping[str, float]) -> None:
            raise OSError("no space left")

        def close(self, finished: bool) -> None:
            raise OSError("no space left")

    monkeypatch.setitem(trackers.TRACKERS, "tensorboard", lambda run, settings, identity: Broken())
    (said,) = tell(told)
    assert said.startswith("tensorboard failed") and "no space left" in said and "Training goes on" in said
    assert not told.tracked.exists()


@pytest.mark.promise("A tracker that fails never stops training, and is said once.")
def test_a_run_whose_tracker_fails_is_trained_to_its_end(
    critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*given: object) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setitem(trackers.TRACKERS, "tensorboard", fail)
    small = ["--size", "16", "--width", "4", "--threads", "1", "--budget", "32images", "--set", "training.batch_size=8"]
    code = main(["train", str(critters_npy), *small, "--out", str(tmp_path / "run"), "--track", "tensorboard"])
    said = "".join(capsys.readouterr())
    assert code == 0 and said.count("tensorboard failed") == 1
    assert list(journal.read(RunFolder(tmp_path / "run").journal))[-1]["reason"] == "budget"


def test_python_refuses_a_tracker_that_is_not_known() -> None:
    with pytest.raises(UserError, match="track = 'tensorbord'"):
        dcgan.train("critters", track="tensorbord")  # type: ignore[arg-type]


def test_a_run_is_followed_while_it_trains(told: RunFolder, remembering: Remembering) -> None:
    told.journal.unlink()
    said: list[str] = []
    with Following(["tensorboard", "tensorboard"], told, said.append):
        step(told, 8, 0.5)
    assert remembering.heard == [("numbers", 8, {"discriminator_loss": 0.5})]
    assert len(said) == 1 and "tensorboard --logdir" in said[0]


def test_a_folder_without_a_journal_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorboard")
    assert main(["track", str(tmp_path), "--to", "tensorboard"]) == 2
    assert "has no journal" in capsys.readouterr().err


@pytest.mark.parametrize("name", trackers.MODULES)
def test_a_tracker_that_is_not_installed_names_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in trackers.MODULES[name]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=rf"--track {name}: is not installed .*pip install 'dcgan\[{name}\]'"):
        trackers.require(name, "--track")


def test_tensorboard_reads_what_the_journal_says(told: RunFolder) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra [tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trackers.require("tensorboard", "--track")
    assert tell(told) == []
    found = EventAccumulator(str(told.root / "tensorboard"))
    found.Reload()
    assert {event.step: event.value for event in found.Scalars("discriminator_loss")} == LOSSES
    assert [(event.step, event.value) for event in found.Scalars("distance")] == [(3072, 12.5)]
    (image,) = found.Images("images")
    assert (image.step, image.width, image.height) == (0, 4, 4)
    (settings,) = found.Tensors("settings/text_summary")
    assert b"| training.batch_size | 32 |" in settings.tensor_proto.string_val[0]


@pytest.mark.filterwarnings("ignore")  # MLflow's own use of what SQLAlchemy deprecates
def test_mlflow_reads_what_the_journal_says(told: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs the extra [mlflow]")
    monkeypatch.chdir(told.root.parent)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    said: list[str] = []
    for _ in range(2):  # the second finds nothing new, and makes no second run
        teller = Teller("mlflow", told, said.append)
        teller.look()
        teller.close()
    assert said == []
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("dcgan")
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "discriminator_loss")
    assert {one.step: one.value for one in history} == LOSSES
    assert run.data.params["training.batch_size"] == "32" and run.info.status == "FINISHED"
    assert run.data.tags["warning.2048"] == "The images are pale."
    assert [one.path for one in client.list_artifacts(run.info.run_id, "images")] == ["images/images-0000000000.png"]


def test_wandb_keeps_it_on_this_machine(told: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb", reason="needs the extra [wandb]")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    said: list[str] = []
    teller = Teller("wandb", told, said.append)
    teller.look()
    teller.close()
    wandb.teardown()  # it has a process of its own
    assert said == []
    (kept,) = (told.root / "wandb").glob("offline-run-*/run-*.wandb")
    assert b"discriminator_loss" in kept.read_bytes() and b"training.batch_size" in kept.read_bytes()


class FakeTrackio(types.ModuleType):
    """The parameters of Trackio 0.43.0 that are used."""

    def __init__(self) -> None:
        super().__init__("trackio")
        self.calls: list[tuple[str, Any]] = []

    def init(
        self,
        project: str,
        *,
        name: str | None = None,
        config: dict[str, Any] | None = None,
        resume: str = "never",
        embed: bool = True,
        auto_log_gpu: bool | None = None,
        auto_log_cpu: bool | None = None,
    ) -> None:
        self.calls.append(("init", (project, name, config, resume)))

    def log(self, metrics: dict[str, Any], step: int | None = None) -> None:
        self.calls.append(("log", (step, metrics)))

    def alert(self, title: str, text: str | None = None) -> None:
        self.calls.append(("alert", text))

    def finish(self) -> None:
        self.calls.append(("finish", None))

    class Image:
        def __init__(self, value: str, caption: str | None = None) -> None:
            self.value = value


def test_trackio_is_told_by_the_parameters_that_it_has(told: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeTrackio()
    monkeypatch.setitem(sys.modules, "trackio", fake)
    said: list[str] = []
    teller = Teller("trackio", told, said.append)
    teller.look()
    teller.close()
    assert said == []
    kind, (project, name, config, resume) = fake.calls[0]
    assert (kind, project, resume, config["seed"]) == ("init", "dcgan", "allow", 3) and name.startswith("demo-")
    logged = {step: values for kind, (step, values) in (call for call in fake.calls if call[0] == "log")}
    assert logged[2048] == {"discriminator_loss": 0.25} and logged[3072] == {"distance": 12.5}
    assert ("alert", "2,048 images: The images are pale.") in fake.calls and fake.calls[-1] == ("finish", None)
