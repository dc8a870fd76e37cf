"""The experiments are what they declare, their tables are made of the results alone, and the opponent stands still."""

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.experiments import declared, tables
from benchmarks.experiments import run as runner
from dcgan.commands.comparing import trials
from dcgan.commands.comparing.results import Result, save
from dcgan.commands.comparing.variants import identity
from dcgan.evaluation.measurement import Measurement, Protocol
from dcgan.runs.comparison import ComparisonFolder
from dcgan.settings.config import Config, flatten, from_tables
from dcgan.settings.recipes import complete

DECLARED = declared.read()
MEASURED = {
    "training.budget", "training.images", "training.images_per_second", "model.image_channels", "model.num_classes",
    "training.replan", "training.planned_at", "training.planned_images",
}  # fmt: skip


def test_every_experiment_is_about_data_and_variants_that_are_declared(tmp_path: Path) -> None:
    for experiment in DECLARED.experiments:
        found = DECLARED.variants_of(experiment, tmp_path)
        assert [variant.name for variant in found] == list(experiment.variants)
        assert len({replace(variant.config.data, labels=False) for variant in found}) == 1
        assert {variant.config.training.budget for variant in found} == {experiment.budget}
        assert experiment.against in experiment.variants or experiment.group == "collapse"
    assert {one.name for one in runner.chosen(DECLARED, ["small"])} == {"small-fashion", "small-sprites"}
    with pytest.raises(SystemExit, match="no such experiment"):
        runner.chosen(DECLARED, ["medium"])


def test_a_variant_upon_another_differs_from_it_by_what_it_says_alone() -> None:
    experiment = replace(DECLARED.experiments[0], variants=("tuned", "narrow-discriminator", "half-fast"))
    tuned, half, fast = (dict(flatten(one.config)) for one in DECLARED.variants_of(experiment, Path("data")))
    assert {key for key in tuned if tuned[key] != half[key]} == {"model.discriminator_width"}
    rates = {"training.generator_learning_rate", "training.discriminator_learning_rate"}
    assert {key for key in tuned if half[key] != fast[key]} == rates


def test_the_opponent_says_a_word_on_every_knob_and_stands_still() -> None:
    said = {key for key in DECLARED.variants["tuned"] if key != "recipe"}
    knobs = {key for key, _ in flatten(Config()) if key.startswith(("model.", "training."))}
    assert said == knobs - MEASURED, "a knob is new: say in experiments.toml what it is when it does nothing"
    experiment = next(one for one in DECLARED.experiments if one.name == "fashion")
    (tuned,) = DECLARED.variants_of(replace(experiment, variants=("tuned",)), None)
    model, training = tuned.config.model, tuned.config.training
    assert (model.generator_width, model.discriminator_width, model.latent_size, model.prior) == (64, 64, 100, "normal")
    assert (training.batch_size, training.generator_learning_rate, training.discriminator_learning_rate) == (
        32,
        5e-4,
        5e-4,
    )
    assert (training.beta1, training.beta2, training.objective, training.average_half_life) == (
        0.5,
        0.999,
        "bce",
        10_000,
    )
    key = identity(tuned.config.asked({"training.images": 6400}), "images")
    assert key == "697d2b3663f9a13c", "every kept result has another key now: see ADDED in comparing/variants.py"
    assert model.discriminator_norm and not model.norm_first and not training.penalised and not training.uses_draws


def test_only_modern_and_changes_of_it_are_decided_by_rules() -> None:
    variants = [variant for one in DECLARED.experiments for variant in DECLARED.variants_of(one, None)]
    decided = {variant.name for variant in variants if variant.config.undecided}
    assert decided == {one.name for one in variants if DECLARED.settings_of(one.name)["recipe"] == "modern"}


def test_every_kept_result_and_plan_of_a_fixed_config_is_found_by_its_key_still() -> None:
    kept = [json.loads(path.read_bytes()) for path in (declared.RESULTS / "results").iterdir()]
    fingerprints = {result["key"]: result["fingerprint"] for result in kept}
    configs = {result["key"]: complete(from_tables(result["config"])).asked({"undecided": ""}) for result in kept}
    assert kept and {identity(config, fingerprints[key]) for key, config in configs.items()} == fingerprints.keys()
    for experiment in DECLARED.experiments:
        path = declared.RESULTS / "indexes" / f"{experiment.name}.json"
        keys = json.loads(path.read_bytes()) if path.exists() else {}
        for variant in DECLARED.variants_of(experiment, None):
            if (known := fingerprints.keys() & keys.get(variant.name, [])) and not variant.config.undecided:
                key = known.pop()
                requested = variant.config.asked({"hardware.threads": configs[key].hardware.threads})
                plan = identity(requested, fingerprints[key], before_planning=True)
                assert (declared.RESULTS / "plans" / f"{plan}.json").exists(), f"{experiment.name}: {variant.name}"


def test_every_kept_file_is_of_its_kind_and_every_result_is_named_by_an_experiment() -> None:
    kinds = {path.name for path in declared.RESULTS.iterdir()}
    assert kinds == {"results", "plans", "speeds", "indexes"}, "a result outside them is never found"
    assert tables.orphans() == [], "python -m benchmarks.experiments.tables --orphans lists them: delete them"
    for path in (declared.RESULTS / "results").iterdir():
        kept = json.loads(path.read_bytes())
        assert len({json.dumps(one) for one in kept["protocols"]}) == len(kept["protocols"])


def test_experiments_without_their_data_are_skipped_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("DCGAN_TEST_DATA", raising=False)
    assert runner.main(["small", "--results", str(tmp_path)]) == 0
    assert "small-sprites: skipped. DCGAN_TEST_DATA" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_experiments_for_a_gpu_are_skipped_by_name_without_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DCGAN_TEST_DATA", str(tmp_path))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert runner.main(["gpu", "gpu-rules", "--results", str(tmp_path / "kept")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        one.name for one in DECLARED.experiments if runner.needs_cuda(one)
    ]
    assert len(said) == 5 and not (tmp_path / "kept").exists()


def test_a_later_call_does_only_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, critters_npy: Path, tmp_path: Path
) -> None:
    fake = [sys.executable, str(Path(__file__).parents[1] / "commands" / "fake_program.py")]

    def train(folder: ComparisonFolder, trial: trials.Trial) -> list[str]:
        return [*fake, "train", str(folder.config(trial.key)), str(trial.run.root)]

    monkeypatch.setattr(trials, "training_command", train)
    monkeypatch.setattr(trials, "measuring_command", lambda trial, protocol: [*fake, "evaluate", str(trial.run.root)])
    monkeypatch.setattr(trials, "POLL_SECONDS", 0.01)
    monkeypatch.setenv("DCGAN_TEST_DATA", str(critters_npy.parent))
    tiny = {"model.generator_width": 4, "model.discriminator_width": 4, "hardware.precision": "fp32"}
    experiment = declared.Experiment("mine", "npy", ("modern", "d2l"), "640", against="d2l", seeds=2, changes=tiny)
    mine = replace(
        DECLARED, data={"npy": {"source": "{data}/" + critters_npy.name, "size": 16}}, experiments=(experiment,)
    )
    monkeypatch.setattr(runner, "read", lambda: mine)
    words = ["mine", "--results", str(tmp_path / "kept"), "--out"]
    assert runner.main([*words, str(tmp_path / "one")]) == 0
    assert runner.main([*words, str(tmp_path / "two")]) == 0  # with the results alone, the runs are gone
    assert len((tmp_path / "one" / "mine" / "starts").read_text().split()) == 4
    assert not (tmp_path / "two" / "mine" / "starts").exists()
    kept = sorted(path for path in (tmp_path / "kept").rglob("*") if path.is_file())
    assert Counter(path.parent.name for path in kept) == {"results": 4, "plans": 2, "indexes": 1}
    assert not any(str(critters_npy.parent) in path.read_text() for path in kept)
    found = tables.load(experiment, tmp_path / "kept")
    assert {name: [result.seed for result in results] for name, results in found.items()} == {
        "modern": [0, 1], "d2l": [0, 1],
    }  # fmt: skip
    rows = {row[0]: row for row in tables.table(experiment, found).rows}
    # The learning rate times 1000, plus the seed, less the floor of 0.25: 1.75, 2.75 of modern; 4.75, 5.75 of d2l.
    assert rows["modern"][5:7] == ["2.25 (1.75 … 2.75)", "0.429"]
    assert rows["d2l"][5:7] == ["5.25 (4.75 … 5.75)", "1"]


def index(folder: Path, name: str) -> Path:
    (folder / "indexes").mkdir(exist_ok=True)
    return folder / "indexes" / f"{name}.json"


def result(key: str, seed: int, diversity: float | None, failure: str | None = None) -> Result:
    protocol = Protocol("tiny", 1000, "x", "y", "held out", 1000, "none", 0.0)
    taken = () if diversity is None else (Measurement("diversity_tiny_1k", diversity, protocol, floor=1.0),)
    return Result(key, {"seed": seed}, "y", {}, 640, 1.0, failure, taken, {})


def test_collapse_and_divergence_are_counted_with_the_bound_of_their_share(tmp_path: Path) -> None:
    measures = ("diversity", "class_diversity")
    experiment = declared.Experiment("collapse-x", "x", ("modern",), "64", group="collapse", measures=measures)
    outcomes = [(0.9, None), (0.59, None), (0.6, None), (None, "no longer a finite number")]
    for seed, (diversity, failure) in enumerate(outcomes):
        save(tmp_path / "results" / f"k{seed}.json", result(f"k{seed}", seed, diversity, failure))
    index(tmp_path, "collapse-x").write_text(json.dumps({"modern": ["k0", "k1", "k2", "k3", "not done yet"]}))
    rows = tables.collapse_table([experiment], tmp_path).rows
    assert rows[0][:5] == ["x", "4", "1", "1", "0.59"]
    one = result("k0", 0, 0.9)
    within = replace(one.measurements[0], name="class_diversity_second_1k", value=0.04)
    save(tmp_path / "results" / "k0.json", replace(one, measurements=(*one.measurements, within)))
    assert tables.collapse_table([experiment], tmp_path).rows[0][:5] == ["x", "4", "1", "2", "0.04"]
    assert tables.bound(0, 50) == "5.8 %"  # 1 - 0.05^(1/50)
    assert tables.bound(4, 4) == "100.0 %" and tables.bound(0, 0) == "–"


def test_a_measure_is_found_by_its_name_and_not_by_its_beginning() -> None:
    protocol = Protocol("digits", 26_000, "x", "y", "train", 1000, "none", 0.0)
    names = ("modes_digits_26k", "modes_hit_5_digits_26k", "modes_divergence_digits_26k")
    taken = tuple(Measurement(name, 900.0, protocol, floor=1000.0) for name in names)
    found = {"modern": [replace(result("k", 0, None), measurements=taken)]}
    experiment = declared.Experiment("x", "x", ("modern",), "64", measures=("modes", "modes_divergence"))
    measures = tables.measures_of(experiment, found)
    assert measures == ["modes_digits_26k (train)", "modes_divergence_digits_26k (train)"]
    head = tables.table(experiment, found).head
    assert head[5] == "modes_digits_26k (train), real images 1,000"


def test_of_two_counts_of_samples_the_one_that_most_runs_have_is_shown() -> None:
    protocol = Protocol("tiny", 1000, "x", "y", "test", 1000, "none", 0.0)
    few, many = (Measurement(name, 2.0, protocol, floor=1.0) for name in ("fd_tiny_5k", "fd_tiny_10k"))
    runs = [replace(result("k", 0, None), measurements=taken) for taken in ((few, many), (many,))]
    experiment = declared.Experiment("x", "x", ("a", "b"), "64", measures=("fd",))
    assert tables.measures_of(experiment, {"a": runs[:1], "b": runs[1:]}) == ["fd_tiny_10k (test)"]


def test_a_class_has_a_row_with_the_distances_of_every_variant() -> None:
    protocol = Protocol("tiny", 300, "x", "y", "test", 1000, "none", 0.0)

    def run(key: str, shirt: float, bag: float) -> Result:
        distances = {"kid_tiny_10k": 9.0, "kid_tiny_10k[T-shirt]": shirt, "kid_tiny_10k[bag (left)]": bag}
        taken = tuple(Measurement(name, value, protocol) for name, value in distances.items())
        return replace(result(key, 0, None), measurements=taken)

    found = {"a": [run("k0", 1.0, 5.0), run("k1", 2.0, 6.0), run("k2", 4.0, 7.0)], "b": [run("k3", 3.0, 8.0)]}
    made = tables.classes_table(declared.Experiment("x", "x", ("a", "b"), "64"), found)
    assert made.head == ["class", "a, kid_tiny_10k", "b, kid_tiny_10k"]
    assert made.rows == [["T-shirt", "2 (1 … 4)", "3 (3 … 3)"], ["bag (left)", "6 (5 … 7)", "8 (8 … 8)"]]


def test_at_a_glance_stand_floors_and_shares_of_both_opponents_where_they_are(tmp_path: Path) -> None:
    def keep(key: str, tiny: float, second: float, floor: float | None = 0.5) -> None:
        taken = tuple(
            Measurement(
                f"fd_{detector}_10k",
                value,
                Protocol(detector, 10_000, "x", "y", "test", 1000, "none", 0.0),
                floor=floor,
            )
            for detector, value in (("tiny", tiny), ("second", second))
        )
        save(tmp_path / "results" / f"{key}.json", replace(result(key, 0, None), measurements=taken))

    def experiment(name: str, **keys: list[str]) -> declared.Experiment:
        index(tmp_path, name).write_text(json.dumps(keys))
        return declared.Experiment(name, "x", tuple(keys), "10min")

    keep("m", 1.5, 2.5)
    keep("t", 4.5, 2.5)
    keep("d", 10.5, 8.5)
    keep("n", 3.0, 3.0, floor=None)
    made = tables.glance_table(
        [
            experiment("both", tuned=["t"], d2l=["d"], modern=["m"]),
            experiment("one", tuned=["n"], modern=["n"]),
            experiment("alone", modern=["m"]),
            experiment("not-yet", tuned=["t"], modern=["none"]),
        ],
        tmp_path,
    )
    assert made.rows == [
        ["both", "10min", "1", "1", "2", "0.25", "0.1", "2", "4", "1", "0.25"],
        ["one", "10min", "1", "3", "–", "1", "–", "3", "–", "1", "–"],
    ]


def test_the_tables_of_the_pages_are_those_of_the_results() -> None:
    assert len(tables.PAGES) > 10
    pages = [path.read_text(encoding="utf-8") for path in tables.PAGES]
    assert [tables.filled(page) for page in pages] == pages, "python -m benchmarks.experiments.tables writes them anew"
