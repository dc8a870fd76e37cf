"""Functions of the user's that a method may call."""

import importlib
from collections.abc import Callable

import numpy as np

from dcgan.errors import UserError


def own_function(name: str) -> Callable[[np.ndarray], object]:
    """A function of the user's, of one image h w c.

    Raises:
        UserError: No such module or function.
    """
    module_name, colon, function_name = name.partition(":")
    if not (colon and module_name and function_name):
        raise UserError(f"--by {name}: must be module:function, such as mymodule:is_round.")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UserError(f"--by {name}: {error}. Is its folder on PYTHONPATH?") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise UserError(f"--by {name}: {module_name} has no function {function_name}.")
    found: Callable[[np.ndarray], object] = function
    return found
