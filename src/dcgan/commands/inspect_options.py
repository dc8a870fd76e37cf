"""What ``dcgan data`` can be told; no torch here."""

from dataclasses import dataclass
from typing import Annotated

from dcgan.commands.options import DataOptions
from dcgan.commands.spelling import Flag
from dcgan.commands.spelling import spelled as _arg


@dataclass(frozen=True, kw_only=True)
class InspectOptions(DataOptions):
    """What is in there, what is wrong with it, and what training would make of it."""

    out: Annotated[str | None, _arg("SHEET.png")] = None
    """Draw 20 of the images as training sees them, 4 x 5."""
    part: Annotated[str | None, _arg("I/N")] = None
    """Read only part I of N into the cache, as one of many processes that share it (see --merge)."""
    merge: Flag = False
    """Put all the parts together that --part prepared: the result is that of one process."""
    clear_cache: Flag = False
    """Forget all prepared images instead. Downloads stay."""
