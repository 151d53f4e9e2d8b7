"""Reading a run's configuration: YAML file and overrides in, frozen schema out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from configs.overrides import apply_overrides
from configs.problems import config_error
from configs.schema import BacktestConfig
from configs.yaml_reader import read_yaml, resolve_scalar
from feeds.errors import ConfigError

__all__ = ["dump_config", "load_config", "to_plain"]

Check = Callable[[BacktestConfig], None]


def load_config(
    path: str | Path, overrides: Sequence[str] = (), checks: Sequence[Check] = ()
) -> BacktestConfig:
    """Read and validate a configuration.

    Parameters
    ----------
    path : str or Path
        A YAML file. Paths within it are relative to the current directory.
    overrides : sequence of str
        ``dotted.key=value``, each in place of the file's value.
    checks : sequence of callables
        Further checks of the whole configuration, each raising ConfigError: those that need
        more than the schema, such as the parameters of a cost scheme.

    Returns
    -------
    BacktestConfig

    Raises
    ------
    ConfigError
        With the place (file and line, or override), the key and the remedy.
    """
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        found = "is empty" if document.data is None else "is not a mapping of keys"
        raise ConfigError(f"{path}: {found}", "begin with name:, data:, factors: and portfolio:")
    data, places = apply_overrides(document.data, overrides)
    try:
        config = BacktestConfig.model_validate(data)
    except ValidationError as error:
        raise config_error(error, data, str(path), document.lines, places) from None
    for check in checks:
        try:
            check(config)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error.problem}", error.remedy) from None
    return config


def to_plain(config: BacktestConfig) -> dict[str, Any]:
    """The configuration with every default filled in, as dicts, lists, text and numbers.

    Dates become ISO text, so that the result can be written as JSON; `BacktestConfig` accepts
    it back.
    """
    return config.model_dump(mode="json")


def dump_config(config: BacktestConfig) -> str:
    """The configuration as YAML that `load_config` reads back to an equal one.

    Keys stand in the schema's order; the text depends on the configuration alone.
    """
    plain = _lists(config.model_dump(mode="python"))
    return yaml.dump(
        plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000, line_break="\n"
    )


class _Dumper(yaml.SafeDumper):
    """Quotes text that any reader, ours or a YAML 1.1 one, would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        try:
            plain = isinstance(resolve_scalar(text), str)
        except ValueError:
            plain = False
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else "'")


_Dumper.add_representer(str, _Dumper.represent_text)


def _lists(value: Any) -> Any:
    """Tuples as lists, all the way down."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_lists(inner) for inner in value]
    return value
