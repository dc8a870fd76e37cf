"""Results become tables: what belongs together stands together, and what must not be compared says so."""

from dataclasses import replace
from pathlib import Path

from dcgan.commands.comparing.results import Procedure as Wanted
from dcgan.commands.comparing.results import Result, beside, load_measured, save
from dcgan.commands.comparing.tally import Column, label, tables
from dcgan.commands.comparing.trials import Trial
from dcgan.evaluation.measurement import Measurement, Protocol
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config

PROTOCOL = Protocol("tiny", 1000, "clothes", "abc", "test", 500, "none", 1.0)


def measured(
    name: str, value: float, split: str = "test", floor: float | None = None, **protocol: object
) -> Measurement:
    return Measurement(name, value, replace(PROTOCOL, split=split, **protocol), floor=floor)


def column(name: str, *seeds: int) -> Column:
    trials = [Trial(name, f"{name}{seed}", Config().asked({"seed": seed}), RunFolder(Path(name))) for seed in seeds]
    return Column(name, trials)


def result(key: str, seed: int, *measurements: Measurement, failure: str | None = None) -> Result:
    return Result(key, {"seed": seed}, "abc", {}, 6400, 12.0, failure, measurements, {})


def test_a_run_measured_by_another_protocol_keeps_what_it_was_measured_by_before(tmp_path: Path) -> None:
    few, many, other = Wanted(("tiny",), 1000, None), Wanted(("tiny",), 5000, None), Wanted(("second",), 5000, None)
    before = replace(result("a0", 0, measured("fd_tiny_1k", 5.0)), protocol=few.to_json())
    after = replace(result("a0", 0, measured("fd_tiny_5k", 4.0)), protocol=many.to_json())
    both = beside(after, before)
    save(tmp_path / "a0.json", both)
    assert load_measured(tmp_path / "a0.json", few) == load_measured(tmp_path / "a0.json", many)
    assert load_measured(tmp_path / "a0.json", other) is None
    found = load_measured(tmp_path / "a0.json", few)
    assert found is not None and {one.name: one.value for one in found.measurements} == {
        "fd_tiny_5k": 4.0, "fd_tiny_1k": 5.0,
    }  # fmt: skip
    again = beside(replace(before, measurements=(measured("fd_tiny_1k", 5.5),)), found)
    assert {one.name: one.value for one in again.measurements} == {"fd_tiny_1k": 5.5, "fd_tiny_5k": 4.0}
    assert list(again.earlier) == [many.to_json()]
    assert beside(after, replace(before, images_seen=1)) == after, "not the same run"


def test_what_was_learned_from_and_the_classes_have_tables_of_their_own_behind_the_costs() -> None:
    taken = (
        measured("fd_tiny_1k", 5.0),
        measured("fd_tiny_1k", 4.0, "train"),
        measured("copies_ratio_tiny_1k", 1.0, "train"),
        measured("kid_tiny_1k[bag]", 0.5, num_samples=98),
    )
    found = tables([column("a", 0)], {"a0": result("a0", 0, *taken)})
    assert [table.title for table in found] == [
        "Measurements", "What it took", "Beside what was learned from", "By class",
    ]  # fmt: skip
    assert [[row[0] for row in table.rows] for table in found] == [
        ["fd_tiny_1k (test)"],
        ["a"],
        ["fd_tiny_1k (train)", "copies_ratio_tiny_1k (train)"],
        ["kid_tiny_1k[bag] (test)"],
    ]


def test_without_held_out_images_those_of_training_are_all_there_is() -> None:
    taken = measured("fd_tiny_1k", 4.0, "train"), measured("copies_ratio_tiny_1k", 1.0, "train")
    found = tables([column("a", 0)], {"a0": result("a0", 0, *taken)})
    assert [table.title for table in found] == ["Measurements", "What it took", "Beside what was learned from"]
    assert [row[0] for row in found[0].rows] == ["fd_tiny_1k (train)"]


def test_what_is_only_known_of_training_images_stands_with_the_rest() -> None:
    taken = measured("fd_tiny_1k", 4.0), measured("modes_digits_26k", 990.0, "train", floor=1000.0)
    (measurements, _) = tables([column("a", 0)], {"a0": result("a0", 0, *taken)})
    assert measurements.rows == [["fd_tiny_1k (test)", "4", "–"], ["modes_digits_26k (train)", "990", "1,000"]]


def test_a_class_may_be_compared_however_many_samples_it_has() -> None:
    few, many = (
        measured("kid_tiny_1k[ankle boot]", value, num_samples=count) for value, count in ((1.0, 9), (2.0, 200))
    )
    assert label(few) == label(many) == "kid_tiny_1k[ankle boot] (test)"
    found = tables([column("a", 0), column("b", 0)], {"a0": result("a0", 0, few), "b0": result("b0", 0, many)})
    assert found[0].rows == [["kid_tiny_1k[ankle boot] (test)", "1", "2", "–"]]
    assert not any("not the same question" in note for note in found[0].notes)


def test_numbers_that_must_not_be_compared_say_so() -> None:
    same = {
        "a0": result("a0", 0, measured("fd_tiny_1k", 4.0)),
        "b0": result("b0", 0, measured("fd_tiny_1k", 5.0, seconds=9)),
    }
    other = same | {"b0": result("b0", 0, measured("fd_tiny_1k", 5.0, fingerprint="of other images"))}
    columns = [column("a", 0), column("b", 0)]
    assert not any("not the same question" in note for note in tables(columns, same)[0].notes)
    assert any(note.startswith("fd_tiny_1k (test): not the same question") for note in tables(columns, other)[0].notes)


def test_a_diverged_run_has_no_value_and_no_share_in_the_costs() -> None:
    results = {
        "a0": result("a0", 0, measured("fd_tiny_1k", 4.0, floor=1.0)),
        "a1": replace(result("a1", 1, failure="generator_loss is no number"), images_seen=64),
    }
    measurements, costs = tables([column("a", 0, 1, 2)], results)
    assert measurements.rows == [["fd_tiny_1k (test)", "a", "4", "4", "4", "3", "–", "–", "1", "1"]]
    assert costs.rows == [["a", "3", "1", "1", "6,400", "12 s"]]
    assert "a: generator_loss is no number" in costs.notes


def test_seeds_are_paired_even_when_one_of_them_is_missing() -> None:
    values = {"a": {0: 10.0, 1: 20.0, 2: 30.0}, "b": {1: 15.0, 2: 28.0}}
    results = {
        f"{name}{seed}": result(f"{name}{seed}", seed, measured("fd_tiny_1k", value))
        for name, ours in values.items()
        for seed, value in ours.items()
    }
    table = tables([column("a", 0, 1, 2), column("b", 0, 1, 2)], results)[0]
    row = dict(zip(table.head, table.rows[1], strict=True))
    assert row["difference"] == "−3.5"  # -5 and -2, not the difference of the medians, which is 1.5
    assert row["A"] == "0.5"  # 15 > 10; 28 > 10, 20
