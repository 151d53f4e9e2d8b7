"""A small study of costs, for the tests of the command and its page."""

from __future__ import annotations

from pathlib import Path

CONFIG = "configs/large_caps_bitcoin.yaml"
#: A year of it.
DATES = ("data.start=2016-06-01", "data.end=2017-06-30")
GRID = """\
commission:
  free: {}
  dear: {equity: {scheme: percent, bps: 30}, crypto: {scheme: percent, bps: 60}}
  by the share: {equity: {scheme: per_share, rate: 0.005}}
slippage:
  wide: {equity: {scheme: bps, bps: 40}, crypto: {scheme: bps, bps: 40}}
"""


def small_arguments(folder: Path, *, paths: int = 60) -> list[str]:
    """Arguments of a study of a few seconds, its grid file written into `folder`."""
    grid = folder / "grid.yaml"
    grid.write_text(GRID, encoding="utf-8")
    dates = [word for date in DATES for word in ("--set", date)]
    size = ["--paths", str(paths), "--quick", "--quiet"]
    return ["--config", CONFIG, *dates, "--grid", str(grid), *size]
