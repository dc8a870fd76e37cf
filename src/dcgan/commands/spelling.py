"""How an option looks on the command line, and what is below its least value; no torch here."""

from typing import Annotated, Any

import tyro

from dcgan.errors import UserError


def spelled(metavar: str | None = None, name: str | None = None) -> Any:
    """One option's look: the docstring says the default, since None stands for "as the recipe has it"."""
    return tyro.conf.arg(metavar=metavar, name=name, help_behavior_hint="")


def shown(metavar: str) -> Any:
    """The look of an option whose default is shown as it is."""
    return tyro.conf.arg(metavar=metavar)


Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff, spelled()]
Json = Annotated[bool, tyro.conf.FlagCreatePairsOff, spelled(name="json")]
Settings = Annotated[tuple[str, ...], tyro.conf.UseAppendAction, spelled("SECTION.KEY=VALUE", name="set")]


def require_least(options: object, **least: int) -> None:
    """Refuse options that are below their least value."""
    for name, bound in least.items():
        value = getattr(options, name)
        if value is not None and value < bound:
            raise UserError(f"--{name} {value}: must be a whole number from {bound} on.")
