"""Modules under the names that the chapter imports, for those libraries that are not installed."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MODULES = {
    "d2l": None,
    "d2l.torch": "dcgan.textbook.torch",
    "d2l.mxnet": "dcgan.textbook.mxnet",
    "torchvision": "dcgan.textbook.vision",
    "torchvision.datasets": "dcgan.textbook.vision.datasets",
    "torchvision.transforms": "dcgan.textbook.vision.transforms",
    "mxnet": "dcgan.textbook.gluon",
    "mxnet.autograd": "dcgan.textbook.gluon.autograd",
    "mxnet.gluon": "dcgan.textbook.gluon.gluon",
    "mxnet.gluon.nn": "dcgan.textbook.gluon.nn",
    "mxnet.init": "dcgan.textbook.gluon.init",
    "mxnet.np": "dcgan.textbook.gluon.np",
    "mxnet.npx": "dcgan.textbook.gluon.npx",
}
"""Each name that is supplied, and the module that stands in for it."""


class Supplier(MetaPathFinder, Loader):
    """The last finder that Python asks: what any other finds is never replaced."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the names of ``MODULES`` and for no other; one line for each library."""
        library = fullname.partition(".")[0]
        if fullname not in MODULES or (library != fullname and not is_supplied(library)):
            return None
        if library == fullname:
            self._say(f"{library} is not installed: dcgan.textbook supplies what this chapter uses of it.")
        return ModuleSpec(fullname, self, is_package=any(name.startswith(f"{fullname}.") for name in MODULES))

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module with the names of the one that stands in for it."""
        spec = module.__spec__
        assert spec is not None, module
        home = MODULES[spec.name]
        if home is not None:
            names = vars(importlib.import_module(home))
            module.__dict__.update({key: value for key, value in names.items() if not key.startswith("__")})
            module.__dict__["__getattr__"] = names["__getattr__"]


def supply_missing(say: Callable[[str], object]) -> None:
    """From now on, supply d2l, torchvision and mxnet where they are not installed; ``say`` hears of each once."""
    if not any(isinstance(finder, Supplier) for finder in sys.meta_path):
        sys.meta_path.append(Supplier(say))


def stop_supplying() -> None:
    """Supply no more modules; those that are imported stay with those who have them."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Supplier)]
    for name in MODULES:
        if is_supplied(name):
            del sys.modules[name]


def is_supplied(name: str) -> bool:
    """Whether a module was imported and is one of ours, not the library itself."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and isinstance(spec.loader, Supplier)
