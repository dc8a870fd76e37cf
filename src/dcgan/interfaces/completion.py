"""Shell completion: a script for bash, zsh or fish, made from the options that the commands have."""

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dcgan.commands.chapter_options import ExerciseOptions, ImportOptions
from dcgan.commands.explore import METHODS
from dcgan.commands.inspect_options import InspectOptions
from dcgan.commands.measuring_options import CompareOptions, EvaluateOptions
from dcgan.commands.options import FORMATS, ExportOptions, PlayOptions, TrainOptions
from dcgan.commands.sample import SampleOptions
from dcgan.commands.sharing_options import PushOptions, ServeOptions, TrackOptions
from dcgan.data.sources.catalog import names
from dcgan.errors import UserError
from dcgan.interfaces.arguments import arguments
from dcgan.settings.config import Config, flatten

OPTIONS: dict[str, Any] = {
    "train": TrainOptions,
    "sample": SampleOptions,
    "play": PlayOptions,
    "export": ExportOptions,
    "push": PushOptions,
    "serve": ServeOptions,
    "track": TrackOptions,
    "import": ImportOptions,
    "evaluate": EvaluateOptions,
    "compare": CompareOptions,
    "exercise": ExerciseOptions,
    "data": InspectOptions,
    **{f"explore {name}": method for name, method in METHODS.items()},
}


@dataclass(frozen=True)
class Place:
    """What may follow one command."""

    command: str
    """``""`` is the first word; ``explore walk`` a command of two words."""
    words: list[str]
    """Words without a name, besides files."""
    flags: list[str]
    """Options without a value."""
    valued: dict[str, list[str]]
    """Options with a value, and the values if they are known; else files are offered."""


def places() -> list[Place]:
    """Every command with what may follow it."""
    from dcgan.interfaces.cli import commands

    loose = {"train": [*names()], "data": [*names()], "exercise": ["1"]}
    first = Place("", [*commands()], ["--help", "--version"], {"--completion": [*SHELLS]})
    bare = [Place("doctor", [], ["--help"], {}), Place("explore", [*METHODS], ["--help"], {})]
    return [first, *bare, *(_place(name, kind, loose.get(name, [])) for name, kind in OPTIONS.items())]


def _place(command: str, kind: Callable[..., Any], words: list[str]) -> Place:
    flags, valued = ["--help"], dict[str, list[str]]()
    for argument in arguments(kind):
        if argument.positional:
            continue
        if argument.kind is bool:
            flags.append(argument.name)
        else:
            literal = typing.get_origin(argument.kind) is Literal
            valued[argument.name] = [str(value) for value in typing.get_args(argument.kind)] if literal else []
    if "--set" in valued:
        valued["--set"] = [f"{key}=" for key, _ in flatten(Config())]
    if command == "export":
        valued["--to"] = [*FORMATS]
    return Place(command, words, flags, valued)


def completion(shell: str) -> str:
    """The script that a shell reads.

    Raises:
        UserError: A shell that is not known.
    """
    if shell not in SHELLS:
        raise UserError(f"--completion {shell}: must be one of {', '.join(SHELLS)}.")
    return "\n".join(SHELLS[shell](places())) + "\n"


def _bash(all_places: list[Place]) -> Iterator[str]:
    yield '# bash completion for dcgan: eval "$(dcgan --completion bash)"'
    yield "_dcgan() {"
    yield '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"'
    yield '    local place="${COMP_WORDS[1]}" words='
    yield '    [ "$COMP_CWORD" -eq 1 ] && place='
    yield '    [ "$place" = explore ] && [ "$COMP_CWORD" -gt 2 ] && place="explore ${COMP_WORDS[2]}"'
    yield from _cases(all_places, words='words="{}"', values='words="{}"', files="COMPREPLY=(); return")
    yield "    # shellcheck disable=SC2207  # bash 3.2 has no mapfile, and no word here has a space"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$word"))'
    yield '    [[ "${COMPREPLY[0]}" == *= ]] && compopt -o nospace 2>/dev/null'
    yield "    return 0"
    yield "}"
    yield "complete -o default -F _dcgan dcgan"  # no match: files


def _zsh(all_places: list[Place]) -> Iterator[str]:
    yield "#compdef dcgan"
    yield '# zsh completion for dcgan: dcgan --completion zsh > "${fpath[1]}/_dcgan"'
    yield "_dcgan() {"
    yield '    local word="$words[CURRENT]" before="$words[CURRENT-1]" place="$words[2]" offered='
    yield "    (( CURRENT == 2 )) && place="
    yield '    [[ "$place" == explore ]] && (( CURRENT > 3 )) && place="explore $words[3]"'
    yield from _cases(all_places, words='offered="{}"', values='offered="{}" place=', files="_files; return")
    yield "    local -a plain=(${(z)offered:#*=}) settings=(${(M)${(z)offered}:#*=})"
    yield "    (( $#settings )) && compadd -S '' -a settings"
    yield "    compadd -a plain"
    yield '    [[ "$word" == -* || -z "$place" ]] || _files'
    yield "}"
    yield 'if [[ "$funcstack[1]" == _dcgan ]]; then _dcgan "$@"; else compdef _dcgan dcgan; fi'


def _cases(all_places: list[Place], *, words: str, values: str, files: str) -> Iterator[str]:
    """What both shells share: first by the option before the word, then by the command alone."""
    yield '    case "$place:$before" in'
    for place in all_places:
        for option, known in place.valued.items():
            yield f'        "{place.command}:{option}") {values.format(" ".join(known)) if known else files} ;;'
    yield "        *)"
    yield '            case "$place:$word" in'
    for place in all_places:
        options = words.format(" ".join([*place.flags, *place.valued]))
        yield f'                "{place.command}:-"*) {options} ;;'
        yield f'                "{place.command}:"*) {words.format(" ".join(place.words))} ;;'
    yield "            esac ;;"
    yield "    esac"


def _fish(all_places: list[Place]) -> Iterator[str]:
    yield "# fish completion for dcgan: dcgan --completion fish > ~/.config/fish/completions/dcgan.fish"
    yield "function __dcgan_at"
    yield "    set -l before (commandline -opc)"
    yield "    set -e before[1]"
    yield '    test "$before[1]" = explore; and test (count $before) -gt 1; and set before[1] "explore $before[2]"'
    yield '    test "$before[1]" = "$argv[1]"'
    yield "end"
    for place in all_places:
        here = f"complete -c dcgan -n '__dcgan_at \"{place.command}\"'"
        if place.command == "":
            yield f"{here} -f"  # no files where a command is expected
        if place.words:
            yield f"{here} -a '{' '.join(place.words)}'"
        for flag in place.flags:
            yield f"{here} -l {flag.removeprefix('--')}"
        for option, values in place.valued.items():
            offered = f"-x -a '{' '.join(values)}'" if values else "-r"
            yield f"{here} -l {option.removeprefix('--')} {offered}"


SHELLS: dict[str, Callable[[list[Place]], Iterator[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
