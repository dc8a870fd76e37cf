"""The commands as the command line has them: options in, words out, and an exit code."""

import json
import os
import re
import types
from collections.abc import Callable
from typing import TYPE_CHECKING

from dcgan.commands.chapter_options import ExerciseOptions
from dcgan.commands.inspect_options import InspectOptions
from dcgan.commands.measuring_options import CompareOptions, EvaluateOptions
from dcgan.commands.options import ExportOptions, TrainOptions
from dcgan.commands.sample import SampleOptions
from dcgan.errors import ExitCode, UserError
from dcgan.files import cache_root, user_path
from dcgan.interfaces.arguments import parse, require_unit
from dcgan.interfaces.console import Display, choose_display
from dcgan.interfaces.launch import launch
from dcgan.interfaces.signals import Stop
from dcgan.interfaces.training import are_many, train_alone, train_together
from dcgan.wording import number, plain

if TYPE_CHECKING:
    from dcgan.commands.compare import Comparison
    from dcgan.commands.explore import Result


def train(words: list[str]) -> int:
    """``dcgan train``: exit code 130 after Ctrl-C, 143 after SIGTERM, both with everything saved."""
    options = parse(TrainOptions, words, "dcgan train")
    options.check()
    require_unit(options.budget)
    if are_many():  # what they say of each other is told in one line
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from dcgan.hardware import keep_big_blocks

    keep_big_blocks()
    for variable, name in (("TORCHINDUCTOR_CACHE_DIR", "torch"), ("MPLCONFIGDIR", "matplotlib")):
        os.environ.setdefault(variable, str(cache_root() / name))  # else they make folders of their own elsewhere
    if options.dry_run:
        return _dry_run(options)
    if are_many():
        return train_together(options)
    if options.processes > 1:
        return launch(words, options.processes)
    return train_alone(options)


def _dry_run(options: TrainOptions) -> int:
    from dcgan.commands.train import rehearse

    with choose_display() as display:
        config, lines = rehearse(options, display)
        for line in lines:
            display.say(line)
    print(config, end="")
    return ExitCode.OK


def sample(words: list[str]) -> int:
    """``dcgan sample``."""
    options = parse(SampleOptions, words, "dcgan sample")
    from dcgan.commands.sample import sample as draw

    done = draw(options)
    print(f"{done.count} images in {plain(done.folder)}, all of them on {plain(done.folder / 'sheet.png')}")
    for remark in done.remarks:
        print(remark)
    return ExitCode.OK


def export(words: list[str]) -> int:
    """``dcgan export``."""
    options = parse(ExportOptions, words, "dcgan export")
    from dcgan.commands.export import export as write

    done = write(options)
    levels = f"{done.difference:.2g} of 255 grey levels" if done.difference else "none"
    print(f"{plain(done.path)}: {done.num_bytes / 1e6:,.2f} MB. Largest difference to the run, seeds 0-63: {levels}.")
    for remark in done.remarks:
        print(plain(remark))
    return ExitCode.OK


def evaluate(words: list[str]) -> int:
    """``dcgan evaluate``: a table, or the measurements as JSON."""
    options = parse(EvaluateOptions, words, "dcgan evaluate")
    from dcgan.commands.evaluate import evaluate as measure
    from dcgan.hardware import keep_big_blocks
    from dcgan.reporting.measures import classes_of, rows_of, table

    keep_big_blocks()
    with choose_display() as display:
        evaluation = measure(options, display)
    numbers = [measurement.to_json() for measurement in evaluation.measurements]
    if options.as_json:
        print(json.dumps(numbers, ensure_ascii=False, indent=1))
        return ExitCode.OK
    for line in (*table(rows_of(numbers)), "", *evaluation.remarks):
        print(plain(line))
    for detector, classes in classes_of(numbers).items():
        ordered = ", ".join(f"{name} {number(value)}" for name, value, _, _ in sorted(classes, key=lambda one: one[1]))
        print(plain(f"By class, best first, seen by {detector} (0: as real ones, 1: as other classes): {ordered}"))
    if evaluation.folder is not None:
        print(f"Pictures and evaluation.json are in {plain(evaluation.folder)}.")
    return ExitCode.OK


def data(words: list[str]) -> int:
    """``dcgan data``."""
    options = parse(InspectOptions, words, "dcgan data")
    from dcgan.commands.data import Inspection, clear_cache, inspect_data, prepare_part
    from dcgan.commands.plan import request

    if options.clear_cache:
        count, num_bytes = clear_cache()
        print(f"{count} files of prepared images removed, {num_bytes / 1e6:,.0f} MB.")
        return ExitCode.OK
    if options.part is not None and (options.merge or options.out is not None):
        other = "--merge" if options.merge else "--out"
        raise UserError(f"--part and {other}: give one of them; {other} is for all parts together.")
    config = request(options).data
    with choose_display() as display:
        if options.part is not None:
            found = Inspection(prepare_part(config, options.part, display.prepare), None)
        else:
            out = None if options.out is None else user_path(options.out)
            found = inspect_data(config, out, display.prepare, merge=options.merge)
    for line in found.lines:
        print(plain(line))
    if found.sheet:
        print(f"Some of them as training sees them: {plain(found.sheet)}")
    return ExitCode.OK


def doctor(words: list[str]) -> int:
    """``dcgan doctor``: exit code 1 when something keeps the program from working."""
    if words:
        print("usage: dcgan doctor\n\nWhat this machine can do, and how to mend what it cannot.")
        return ExitCode.OK if words[0] in ("-h", "--help") else ExitCode.USAGE
    from dcgan.commands.doctor import examine

    findings = examine()
    for finding in findings:
        print(f"{finding.state:>5}  {plain(finding.name)}: {plain(finding.text)}")
        if finding.mend:
            print(f"       → {finding.mend}")
    return int(any(finding.state == "bad" for finding in findings))


def compare(words: list[str]) -> int:
    """``dcgan compare``: exit code 1 when some run has no result, 130 and 143 when it was stopped."""
    options = parse(CompareOptions, words, "dcgan compare")
    options.check()
    require_unit(options.budget)
    from dcgan.commands.compare import compare as planned
    from dcgan.hardware import keep_big_blocks

    keep_big_blocks()
    with choose_display() as display, Stop() as stop:
        comparison = planned(options, display)
        _finish(comparison, options.jobs, display, stop)
    if options.as_json:
        print(comparison.to_json(), end="")
    else:
        print("\n".join(line for table in comparison.tables()[:2] for line in [*table.lines(), ""]))
        print(f"All of it in pictures: {plain(comparison.folder.report)}")
    return stop.asked or int(bool(comparison.troubles))


def _finish(comparison: "Comparison", jobs: int, display: Display, stop: Stop) -> None:
    """Do what is missing of a comparison, and say what became of each run, until somebody stops it."""
    from dcgan.commands.compare import describe

    outcomes = comparison.outcomes(jobs)
    for outcome in outcomes:
        if outcome is not None:
            display.say(describe(outcome))
        if stop.asked:
            outcomes.close()
            break


def exercise(words: list[str]) -> int:
    """``dcgan exercise``: exit code 1 when some run has no result, 130 and 143 when it was stopped."""
    options = parse(ExerciseOptions, words, "dcgan exercise")
    from dcgan.commands import categories
    from dcgan.commands import exercise as activations
    from dcgan.hardware import keep_big_blocks

    keep_big_blocks()
    planned = {1: activations.planned, 2: categories.planned}[options.number]
    with choose_display() as display, Stop() as stop:
        comparison = planned(options, display)
        _finish(comparison, options.jobs, display, stop)
    if stop.asked:
        return stop.asked
    by_category = options.number == 2
    for line in categories.answer(comparison, options.samples) if by_category else activations.answer(comparison):
        print(plain(line))
    if by_category:
        print(f"A row of images for each category: {plain(comparison.folder.categories)}")
    print(f"Curves and grids side by side: {plain(comparison.folder.report)}")
    return int(bool(comparison.troubles))


EXPLORE = """\
usage: dcgan explore METHOD RUN [OPTIONS]

What has a generator learned? Each method leaves a picture and a JSON file with
its latents in RUN/explore; dcgan sample RUN --latents FILE draws them again.

  walk        a film from image to image
  arithmetic  concepts added and subtracted: crab - fish + red fish
  directions  what can be changed about an image, with a strip each
  find        the latent whose image is nearest to yours
  neighbours  the training images nearest to samples
  failures    samples like no real image, real images like no sample
  units       what each feature map draws
  forget      the feature maps that draw a thing, left out
  probe       what the discriminator knows of classes

dcgan explore METHOD --help tells the rest.
"""


def explore(words: list[str]) -> int:
    """``dcgan explore``: the method's words, and where its picture is."""
    if not words or words[0] in ("-h", "--help"):
        print(EXPLORE, end="")
        return ExitCode.OK if words else ExitCode.USAGE
    from dcgan.commands.explore import METHODS

    if words[0] not in METHODS:
        raise UserError(f"dcgan explore {words[0]}: no such method. Known: {', '.join(METHODS)}.")
    result = parse(_with_whole_lines(METHODS[words[0]]), words[1:], f"dcgan explore {words[0]}")
    for line in result.words:
        print(plain(line))
    print(f"Picture: {plain(result.picture)}. Latents and numbers: {plain(result.facts)}.")
    return ExitCode.OK


def _with_whole_lines(function: Callable[..., "Result"]) -> Callable[..., "Result"]:
    """The same function, each of its arguments described in one line: tyro breaks lines itself, and keeps ours."""

    assert isinstance(function, types.FunctionType), function
    same = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    same.__kwdefaults__, same.__annotations__ = function.__kwdefaults__, function.__annotations__
    same.__doc__ = re.sub(r"\n {12,}(?=\S)", " ", function.__doc__ or "")
    return same
