"""The options that the methods of explore share, for the command line and for Python alike; no torch here."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro


def shown(metavar: str, name: str | None = None, *, reads: Any = None) -> Any:
    """One option's look: its text says the default. ``reads``: the type on the command line, where Python has more."""
    more = {} if reads is None else {"constructor": reads}
    return tyro.conf.arg(metavar=metavar, name=name, help_behavior_hint="", **more)


Say = Callable[[str], object]
Which = Literal["best", "last"]
Run = Annotated[str | Path, tyro.conf.Positional, shown("RUN", reads=str)]
Seeds = Annotated[str | Sequence[int], shown("0-8,40", reads=str)]
Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")]
Label = Annotated[str | None, shown("CLASS")]
Checkpoint = Annotated[Which | None, shown("{best,last}")]
Out = Annotated[str | Path | None, shown("FILE.png", reads=str)]
Listener = Annotated[Say | None, tyro.conf.Suppress]
