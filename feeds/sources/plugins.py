"""Loading the user's own sources from modules named on the command line."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

from feeds.errors import ConfigError, UserError
from feeds.sources import registry

__all__ = ["load_sources"]


def load_sources(names: Iterable[str]) -> None:
    """Import the user's modules, so that their sources are registered.

    A module runs as part of the program: only the user names one. One that is loaded already
    is not loaded again; one that fails leaves nothing behind.

    Parameters
    ----------
    names : iterable of str
        Dotted module names, or paths of ``.py`` files, relative to the current directory.

    Raises
    ------
    ConfigError
        If there is no such module or file, if it fails while it is imported, or if a source of
        its name exists already.
    """
    for name in names:
        before = dict(registry._REGISTERED)
        try:
            _load_file(Path(name)) if name.endswith(".py") else _load_module(name)
        except BaseException:
            registry._REGISTERED.clear()
            registry._REGISTERED.update(before)
            registry.open_source.cache_clear()
            raise


def _load_module(name: str) -> None:
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise ConfigError(
            f"--plugin {name!r} is neither a module's dotted name nor a path of a .py file",
            "write my_package.my_vendor or path/to/my_vendor.py",
        )
    packages = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name in packages:
            raise ConfigError(
                f"--plugin {name}: no such module",
                "run from the folder that holds it, or give the path of its .py file",
            ) from None
        raise _failure(name, error) from None


def _load_file(path: Path) -> None:
    if not path.is_file():
        raise ConfigError(
            f"--plugin {path}: no such file",
            "give a path from the current directory, or a module's dotted name",
        )
    # The same name as a plugin of a configuration has: one file may hold factors and sources.
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"plugin_{digest}_{path.stem}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _failure(str(path), error) from None
    except BaseException:
        del sys.modules[name]
        raise


def _failure(name: str, error: BaseException) -> ConfigError:
    if isinstance(error, UserError):
        return ConfigError(f"--plugin {name}: {error.problem}", error.remedy)
    line = (
        error.lineno
        if isinstance(error, SyntaxError)
        else traceback.extract_tb(error.__traceback__)[-1].lineno
    )
    said = " ".join(str(error).split())[:160]
    return ConfigError(
        f"--plugin {name} fails in line {line}: {type(error).__name__}: {said}",
        "mend it until python can run it",
    )
