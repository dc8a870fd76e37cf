"""NaN and infinity: never saved; the run goes back, tries otherwise, and gives up after so many times."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.torture.tiny_runs import Ears, differences, fingerprint, finish, train
from dcgan.commands.live import session
from dcgan.errors import ExitCode, UserError
from dcgan.runs import checkpoint, journal
from dcgan.runs.folder import RunFolder
from dcgan.training.state import TrainingState


@pytest.fixture
def break_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a NaN into a tensor in the step that begins at some image, in so many attempts, in every sitting alike."""
    advance_of = session.advance_of

    def install(name: str, images_seen: int, *, attempts: int = 1, value: float = torch.nan) -> None:
        def breaking(state: TrainingState, *rest: Any) -> Any:
            advance = advance_of(state, *rest)

            def step(*inputs: Any) -> Any:
                numbers = advance(*inputs)
                if state.images_seen == images_seen and state.attempt < attempts:
                    with torch.no_grad():
                        tensor = state.tensors()[name]
                        tensor[(0,) * tensor.ndim] = value
                return numbers

            return step

        monkeypatch.setattr(session, "advance_of", breaking)

    return install


NAME = "generator.to_image.weight"


def all_finite(run: RunFolder) -> bool:
    saved = [checkpoint.read(path) for path in checkpoint.paths(run)]
    return all(torch.isfinite(tensor).all() for found in saved for tensor in found.tensors.values())


@pytest.mark.promise("A NaN is never saved: the run goes back to an earlier state and tries other latents.")
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_broken_number_rolls_the_run_back(
    value: float, break_at: Callable[..., None], source: Path, untroubled: RunFolder, tmp_path: Path
) -> None:
    break_at(NAME, 192, value=value)
    ears = Ears()
    run = finish(source, tmp_path / "run", ears=ears)
    told = [text for text in ears.said if "Rolled back" in text]
    assert len(told) == 1
    # The next line of the journal, after 224 images, is the first to look; the last anchor is at 160.
    assert "is no longer a finite number after 224 images. Rolled back to image 160 (1 of 2" in told[0]
    entries = [entry for entry in journal.read(run.journal) if entry["event"] == "rollback"]
    assert [(e["images_seen"], e["came_from"], e["attempt"], e["text"]) for e in entries] == [(160, 224, 1, told[0])]
    saved = checkpoint.newest(run)
    assert (saved.facts["images_seen"], saved.facts["attempt"]) == (640, 1)
    assert all_finite(run)
    one, other = fingerprint(untroubled), fingerprint(run)
    same = [entry for entry in one["journal"] if entry["images_seen"] <= 160]
    assert other["journal"][: len(same)] == same
    assert one["tensors"][NAME] != other["tensors"][NAME]
    assert one["pictures"].keys() == other["pictures"].keys()


@pytest.mark.promise("A run that was rolled back, stopped and continued equals one that was only rolled back.")
@pytest.mark.parametrize("steps", [9, 22, 30, 45])
def test_a_rolled_back_run_is_resumed_to_the_bit(
    steps: int, break_at: Callable[..., None], source: Path, tmp_path: Path
) -> None:
    break_at(NAME, 192)
    whole = finish(source, tmp_path / "whole")
    parts = train(source, tmp_path / "parts")
    list(islice(parts, steps))
    parts.close()
    assert differences(fingerprint(whole), fingerprint(finish(source, tmp_path / "parts"))) == []


def test_killed_between_the_roll_back_and_its_checkpoint_it_happens_again_and_once_only(
    break_at: Callable[..., None], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_at(NAME, 192)
    whole = finish(source, tmp_path / "whole")
    save = session.Session.save

    class Killed(BaseException): ...

    def killing(self: session.Session, *role: Any) -> Any:
        if self.state.attempt:
            raise Killed
        return save(self, *role)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(session.Session, "save", killing)
        finish(source, tmp_path / "parts")
    assert differences(fingerprint(whole), fingerprint(finish(source, tmp_path / "parts"))) == []


@pytest.mark.promise("After training.rollbacks roll-backs a NaN ends the run with exit code 13 and the tensor's name.")
def test_in_the_end_it_gives_up(break_at: Callable[..., None], source: Path, tmp_path: Path) -> None:
    break_at(NAME, 192, attempts=99)
    run = RunFolder(tmp_path / "run")
    with pytest.raises(
        UserError, match=r"run: \S+\.\S+ is .* after 224 images, after 2 roll-backs; .* image 160 is good"
    ) as error:
        finish(source, run.root)
    assert error.value.exit_code == ExitCode.DIVERGED
    assert checkpoint.newest(run).facts["attempt"] == 2
    assert all_finite(run)
    with pytest.raises(UserError, match="after 2 roll-backs"):
        finish(source, run.root)
    more = Ears()
    with pytest.raises(UserError, match="after 3 roll-backs"):
        finish(source, run.root, ears=more, training__rollbacks=3)
    assert "(3 of 3 times)" in "".join(more.said)


def test_without_a_checkpoint_the_first_weights_are_drawn_again(
    break_at: Callable[..., None], source: Path, tmp_path: Path
) -> None:
    break_at(NAME, 16)
    ears = Ears()
    whole = finish(source, tmp_path / "whole", ears=ears)
    assert any("Rolled back to image 0" in text for text in ears.said)
    parts = train(source, tmp_path / "parts")
    list(islice(parts, 7))
    parts.close()
    assert differences(fingerprint(whole), fingerprint(finish(source, tmp_path / "parts"))) == []
    previews = [entry for entry in journal.read(whole.journal) if entry["event"] == "preview"]
    assert [entry["images_seen"] for entry in previews] == [0, 504, 640]


@pytest.mark.parametrize("part", ["average", "discriminator_optimizer", "generator_optimizer"])
def test_a_nan_that_no_loss_has_seen_is_found_at_the_save(
    part: str, break_at: Callable[..., None], source: Path, tmp_path: Path
) -> None:
    saved = checkpoint.newest(finish(source, tmp_path / "names", budget=8))
    name = next(name for name in saved.tensors if name.startswith(f"{part}.") and name.endswith(("weight", "exp_avg")))
    break_at(name, 632)  # the last step of all
    ears = Ears()
    run = finish(source, tmp_path / "run", ears=ears)
    assert any(f"{name} is no longer a finite number after 640 images" in text for text in ears.said)
    assert all_finite(run)
    saved = checkpoint.newest(run)
    assert (saved.facts["images_seen"], saved.facts["attempt"]) == (640, 1)


@pytest.mark.promise("A run stopped with a NaN in its state is saved as it was before the NaN.")
def test_a_stop_saves_no_nan(break_at: Callable[..., None], source: Path, tmp_path: Path) -> None:
    break_at(NAME, 192)
    run = RunFolder(tmp_path / "run")
    steps = train(source, run.root)
    list(islice(steps, 26))
    steps.close()
    saved = checkpoint.newest(run)
    assert (saved.facts["images_seen"], saved.facts["attempt"]) == (160, 1)
    assert all_finite(run)
