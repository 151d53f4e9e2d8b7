"""Loading the user's own sources from modules named on the command line."""

from __future__ import annotations

from collections.abc import Iterable

from feeds.plugin_modules import import_plugin
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
            import_plugin(name, "--plugin")
        except BaseException:
            registry._REGISTERED.clear()
            registry._REGISTERED.update(before)
            registry.open_source.cache_clear()
            raise
