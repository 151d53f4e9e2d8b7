"""Loading the user's own factors and schemes from modules named in the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from feeds.plugin_modules import import_plugin

__all__ = ["load_plugins"]


def load_plugins(names: Iterable[str]) -> None:
    """Import the user's modules, so that their factors and schemes of cost are registered.

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
        or scheme of its name exists already.
    """
    for name in names:
        import_plugin(name, "plugins:")
