"""What a supplied library says of the names that the chapter does not use."""

from collections.abc import Callable
from typing import Any


def refuse_other_names(library: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module that stands in for a part of ``library``."""

    def refuse(name: str) -> Any:
        if name.startswith("__"):  # Python asks modules for names of its own
            raise AttributeError(name)
        raise AttributeError(
            f"{library}.{name}: not part of this chapter. dcgan.textbook supplies only what its cells use; "
            f"install {library.partition('.')[0]} itself for the rest."
        )

    return refuse


class Part:
    """A module inside a supplied library, with these names and no others."""

    def __init__(self, library: str, **names: Any) -> None:
        self.__dict__.update(names)
        self._refuse = refuse_other_names(library)

    def __getattr__(self, name: str) -> Any:
        if name == "_refuse":  # while it is copied there is nothing in it
            raise AttributeError(name)
        return self._refuse(name)
