"""Kernels: plain functions over flat sequences, which numba compiles where it is installed (the `fast` extra).

One source serves both ways, so both give the same results: without numba the functions run as they stand, on lists; with it
they run as machine code, on arrays.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from importlib.util import find_spec
from types import FunctionType, ModuleType
from typing import Any, Final

_PURE: Final = "pure"
_made: dict[tuple[str, ...], Kernels] = {}


class Kernels:
    """The functions of some modules, by name. `fast` says whether they are machine code."""

    def __init__(self, functions: dict[str, Callable[..., Any]], fast: bool) -> None:
        self._functions = functions
        self.fast = fast

    def __getattr__(self, name: str) -> Callable[..., Any]:
        try:
            return self._functions[name]
        except KeyError:
            raise AttributeError(name) from None


def available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


def kernels(*modules: ModuleType, fast: bool | None = None, allocate: bool = True) -> Kernels:
    """The functions of the modules, which may call one another. `fast` asks for machine code, by default where numba is.

    If they never `allocate` an array, references to arrays need not be counted, which costs more than short kernels do, as does
    handing arrays on, for which they are put into one another.
    """
    fast = available() if fast is None else fast
    key = (*(module.__name__ for module in modules), "" if fast else _PURE)
    if key not in _made:
        _made[key] = _compiled(modules, allocate) if fast else Kernels(_functions(modules), fast=False)
    return _made[key]


def _functions(modules: tuple[ModuleType, ...]) -> dict[str, Callable[..., Any]]:
    return {
        name: each
        for module in modules
        for name, each in vars(module).items()
        if isinstance(each, FunctionType) and each.__module__ == module.__name__
    }


def _compiled(modules: tuple[ModuleType, ...], allocate: bool) -> Kernels:
    """Each function anew, with globals in which those that it calls are compiled too.

    Machine code is kept on disk, where numba looks for it by the function's name and its own file. It has those that the
    function calls in it, so the name says what all of the modules' sources and the options are.
    """
    from numba import njit

    options: dict[str, Any] = {} if allocate else {"_nrt": False, "error_model": "numpy", "forceinline": True}
    scope: dict[str, Any] = {}
    for module in modules:
        scope.update(vars(module))
    functions, sources = _functions(modules), _digest(modules, options)
    for name, each in functions.items():
        again = FunctionType(each.__code__, scope, name, each.__defaults__)
        again.__module__ = each.__module__
        again.__qualname__ = f"{name}_{sources}"
        scope[name] = njit(cache=True, **options)(again)
    return Kernels({name: scope[name] for name in functions}, fast=True)


def _digest(modules: tuple[ModuleType, ...], options: dict[str, Any]) -> str:
    sources = [inspect.getsource(module).encode() for module in modules]
    return hashlib.sha256(b"".join([*sources, repr(options).encode()])).hexdigest()[:16]
