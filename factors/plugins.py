"""Loading the user's own factors from modules named in the configuration."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

from factors import registry
from feeds.errors import ConfigError, UserError

__all__ = ["load_plugins"]


def load_plugins(names: Iterable[str]) -> None:
    """Import the user's modules, so that their factors are registered.

    A plugin runs as part of the program: only the user's own configuration names one. A
    module that is loaded already is not loaded again; one that fails leaves nothing behind.

    Parameters
    ----------
    names : iterable of str
        Dotted module names, or paths of ``.py`` files, relative to the current directory.

    Raises
    ------
    ConfigError
        If there is no such module or file, if it fails while it is imported, or if a factor
        of its name exists already.
    """
    for name in names:
        before = dict(registry._REGISTRY)
        try:
            _import_file(name) if name.endswith(".py") else _import_module(name)
        except BaseException:
            registry._REGISTRY.clear()
            registry._REGISTRY.update(before)
            raise


def _import_module(name: str) -> None:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(
            f"plugins: {name!r} is neither a module's dotted name nor a path of a .py file",
            "write my_package.my_factors or path/to/my_factors.py",
        )
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _failure(name, error) from None
        raise ConfigError(
            f"plugins: no module named {name}",
            "run from the folder that holds it, or give the path of its .py file",
        ) from None
    except (Exception, SystemExit) as error:
        raise _failure(name, error) from None


def _import_file(name: str) -> None:
    path = Path(name)
    if not path.is_file():
        raise ConfigError(
            f"plugins: {name}: no such file",
            "give a path from the current directory, or a module's dotted name",
        )
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    module_name = f"plugin_{digest}_{path.stem}"
    if module_name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[module_name]
        if isinstance(error, (Exception, SystemExit)):
            raise _failure(name, error) from None
        raise


def _failure(name: str, error: BaseException) -> ConfigError:
    if isinstance(error, UserError):
        return ConfigError(f"plugins: {name}: {error.problem}", error.remedy)
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno}"
    else:
        where = f"line {traceback.extract_tb(error.__traceback__)[-1].lineno}"
    detail = " ".join(str(error).split())[:160]
    return ConfigError(
        f"plugins: {name} failed to import: {type(error).__name__}: {detail} ({where})",
        f"mend it until python can run it, or remove it from plugins: {name}",
    )
