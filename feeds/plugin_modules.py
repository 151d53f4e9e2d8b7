"""Importing a user's own module by its dotted name or its path."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from feeds.errors import ConfigError, UserError

__all__ = ["import_plugin", "restore_on_failure"]

#: What plugins add to, and what was in it when it came to be known.
_ADDED_TO: list[tuple[Callable[[], dict], dict]] = []


def restore_on_failure(registry: Callable[[], dict]) -> None:
    """Let a module that fails while it is imported leave nothing behind in a registry.

    Parameters
    ----------
    registry : callable
        Gives the mapping that plugins add to.
    """
    _ADDED_TO.append((registry, dict(registry())))


def import_plugin(name: str, place: str) -> None:
    """Import a module once; one that fails leaves nothing behind.

    Parameters
    ----------
    name : str
        A dotted module name, or the path of a ``.py`` file from the current directory.
    place : str
        Where it is named, to begin messages with: ``plugins:``.

    Raises
    ------
    ConfigError
        If there is no such module or file, or it fails while it is imported.
    """
    before = [dict(registry()) for registry, _ in _ADDED_TO]
    try:
        _import_file(name, place) if name.endswith(".py") else _import_module(name, place)
    except BaseException:
        # One that the module itself was the first to need had its own entries then.
        before += [own for _, own in _ADDED_TO[len(before) :]]
        for (registry, _), entries in zip(_ADDED_TO, before, strict=True):
            registry().clear()
            registry().update(entries)
        raise


def _import_module(name: str, place: str) -> None:
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise ConfigError(
            f"{place} {name!r} is neither a module's dotted name nor a path of a .py file",
            "write my_package.my_module or path/to/my_module.py",
        )
    packages = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name in packages:
            raise ConfigError(
                f"{place} no module named {name}",
                "run from the folder that holds it, or give the path of its .py file",
            ) from None
        raise _failure(name, place, error) from None


def _import_file(name: str, place: str) -> None:
    path = Path(name)
    if not path.is_file():
        raise ConfigError(
            f"{place} {name}: no such file",
            "give a path from the current directory, or a module's dotted name",
        )
    # One name for one file, whoever asks: it may hold factors and sources.
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
            raise _failure(name, place, error) from None
        raise


def _failure(name: str, place: str, error: BaseException) -> ConfigError:
    if isinstance(error, UserError):
        return ConfigError(f"{place} {name}: {error.problem}", error.remedy)
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno}"
    else:
        where = f"line {traceback.extract_tb(error.__traceback__)[-1].lineno}"
    detail = " ".join(str(error).split())[:160]
    return ConfigError(
        f"{place} {name} failed to import: {type(error).__name__}: {detail} ({where})",
        f"mend it until python can run it, or remove it from {place.rstrip(':')}: {name}",
    )
