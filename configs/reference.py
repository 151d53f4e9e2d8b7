"""The page `docs/configuration.md`, made from the schema.

``python -m configs.reference docs/configuration.md`` writes it anew.
"""

from __future__ import annotations

import datetime as dt
import sys
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from configs.describe import walk
from configs.values import AssetClass

__all__ = ["configuration_page", "main"]

_INTRODUCTION = """\
# Configuration

<!-- Made by `python -m configs.reference docs/configuration.md` from configs/schema.py. -->

A run is described by one YAML file: `python -m runs.backtest --config configs/backtest.yaml`.
The smallest one names a data set, a factor and a selection; everything else has a default.

```yaml
name: large and rising
data: {dir: data/sp500_crypto, start: 2010-01-01, end: 2016-12-30}
factors: {momentum: {weight: 1}}
portfolio: {select: {quantile: 0.2}}
```

## Overrides

`--set key=value` replaces one value, and may be given many times; the last one wins. The
key is the dotted path, the value is written as in the file. A list or a mapping goes into
quotes, for the shell's sake, and replaces the whole value.

```
--set portfolio.gross=1.5 --set data.start=2012-01-01
--set 'data.universe=[AAPL, ON, BTC]' --set 'portfolio.select={top: 20}'
```

## How the file is read

* `true`, `false` and `null` are lower case; `ON`, `NO`, `TRUE`, `NA` and `0700` are text, so
  that symbols need no quotes. Digits alone are a number: quote `'600519'`.
* `1e-3`, `.5` and `1_000_000` are numbers. Dates are written `2010-01-31`.
* An unknown or duplicate key, a wrong type, a value out of its range, an end before the start:
  the run is refused with the file, the line, the key and what to do. Nothing is guessed.
* Anchors, aliases, tags, a second document, more than 20 levels and files above 256 KB are
  refused.
* Paths (`data.dir`, `plugins`) are relative to the current directory.
* Rates are fractions (`0.01` is 1 %), `_annual` are per year, `_bps` are basis points, money is
  in the account's currency.

A factor takes its function's own parameters beside `weight`, `proxy` and `preprocess`, and
`preprocess.steps` is a list of what is done to the scores, in order: see
[factors](factors.md). The schemes under `costs.commission` and `costs.slippage` take theirs.
A run writes its whole configuration, defaults filled in, to `config.yaml` in its folder; that
file gives the same run again.
"""
#: Blocks whose keys are those of another one, which their row names.
_AS_ELSEWHERE = "factors.<name>.preprocess"
_HEADER = "| key | value | default | meaning |\n| --- | --- | --- | --- |\n"
_PLAIN = {
    bool: "true or false",
    dt.date: "date",
    float: "number",
    int: "whole number",
    str: "text",
    type(None): "null",
    Any: "anything",
}
_BOUNDS = {"gt": "> {}", "ge": ">= {}", "lt": "< {}", "le": "<= {}"}


def configuration_page() -> str:
    """The page's text: one table for the run, and one for each block of keys."""
    blocks: dict[str, list[str]] = {"The run": []}
    for parent, key, field in walk():
        if parent.startswith(_AS_ELSEWHERE):
            continue
        block = parent.split(".")[0]
        title = f"`{block}`" if block else "The run"
        dotted = f"{parent}.{key}" if parent else key
        blocks.setdefault(title, []).append(_row(dotted, field))
    tables = [f"## {title}\n\n{_HEADER}{''.join(rows)}" for title, rows in blocks.items()]
    return "\n".join([_INTRODUCTION, *tables])


def main(arguments: list[str]) -> int:
    """Write the page to the one path given."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m configs.reference docs/configuration.md\n")
        return 2
    Path(arguments[0]).write_text(configuration_page(), encoding="utf-8")
    return 0


def _row(dotted: str, field: FieldInfo) -> str:
    cells = (f"`{dotted}`", _kind(field), _default(field), field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _kind(field: FieldInfo) -> str:
    """The type in words, with its bounds."""
    bounds = [
        form.format(f"{getattr(mark, name):g}")
        for mark in field.metadata
        for name, form in _BOUNDS.items()
        if getattr(mark, name, None) is not None
    ]
    return ", ".join([_words(field.annotation), *bounds])


def _words(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(inner[0])
    if origin is Literal:
        return " or ".join(f"`{option}`" for option in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(option) for option in inner)
    if origin is tuple:
        return f"list of {_plural(_words(inner[0]))}"
    if origin is dict:
        keys = "asset class" if inner[0] is AssetClass else _words(inner[0]).replace("text", "name")
        return f"mapping of {keys} to {_words(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"mapping of {', '.join(f'`{key}`' for key in annotation.model_fields)}"
    return _PLAIN.get(annotation, str(annotation))


def _plural(words: str) -> str:
    """More of one kind: numbers, mappings of keys; text stays text, and choices choices."""
    kind, of, keys = words.partition(" of ")
    return words if kind == "text" or kind.startswith("`") else f"{kind}s{of}{keys}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "each key's own"
    if isinstance(value, dict):
        return f"`{{{', '.join(f'{key}: {item:g}' for key, item in value.items())}}}`"
    if value is None or isinstance(value, tuple):
        return "`null`" if value is None else f"`[{', '.join(value)}]`"
    return f"`{value:g}`" if isinstance(value, float) and value < 1e6 else f"`{value}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
