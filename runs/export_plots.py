"""Every figure of a run, of a factor study or of a price file, as PNG and SVG.

``python -m runs.export_plots --input outputs/results.pkl --out outputs/plots``
"""

from __future__ import annotations

import argparse
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analyzers.factor_results import FactorResults
from analyzers.figures import build_figures, build_price_figures, save_figures
from analyzers.figures_study import build_study_figures
from analyzers.result import RunResult
from feeds.errors import DataError
from runs.command import CommandParser, add_common_arguments, configure_logging, main_guard

__all__ = ["load_prices", "main"]


def load_prices(path: Path) -> pd.DataFrame:
    """Read a CSV of closes: a column ``date``, then one column a symbol.

    An empty cell is NaN, a session without a price. Symbols are text: ``NA`` is a symbol.

    Raises
    ------
    DataError
        If the file is not such a table, its dates are doubled or out of order, or a price is
        not a positive number.
    """
    try:
        # Without a header pandas cannot rename a symbol that stands twice.
        cells = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: not a price CSV ({reason})", _FORM) from None
    frame = cells.iloc[1:].set_axis(cells.iloc[0].tolist(), axis=1).reset_index(drop=True)
    if len(frame.columns) < 2 or frame.columns[0] != "date":
        raise DataError(f"{path}: its first column is {frame.columns[0]!r}, not date", _FORM)
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DataError(f"{path}: {twice[0]} stands twice", _FORM)
    dates = pd.to_datetime(frame.pop("date"), format="%Y-%m-%d", errors="coerce")
    if dates.isna().any() or not dates.is_monotonic_increasing or dates.duplicated().any():
        wrong = np.array(dates.isna() | ~(dates.diff() > pd.Timedelta(0)))
        wrong[0] = bool(dates.isna().iloc[0])
        row = int(np.argmax(wrong))
        raise DataError(f"{path}: row {row + 1}: dates must be ISO and increasing", _FORM)
    prices = frame.apply(lambda column: pd.to_numeric(column.where(column != ""), errors="coerce"))
    bad = (frame != "") & ~((prices > 0) & np.isfinite(prices))
    if bad.to_numpy().any():
        row, column = np.argwhere(bad.to_numpy())[0]
        raise DataError(
            f"{path}: {frame.columns[column]} on {dates.iloc[row]:%Y-%m-%d} is "
            f"{frame.iloc[row, column]!r}, not a positive price",
            "correct the price, or leave the cell empty",
        )
    if len(frame) < 2:
        raise DataError(f"{path}: fewer than two rows of prices", _FORM)
    return prices.set_index(pd.DatetimeIndex(dates, name="date"))


_FORM = "give a CSV with a date column and one column of closes a symbol"


def load_input(path: Path) -> Any:
    """A RunResult, a factor study or a frame of prices, whichever `path` holds.

    A folder stands for the results.pkl in it.

    Raises
    ------
    DataError
        If `path` is missing or holds none of them.
    """
    path = path / "results.pkl" if path.is_dir() else path
    if not path.exists():
        raise DataError(f"{path}: no such file", "run python -m runs.backtest first")
    if path.suffix.lower() == ".csv":
        return load_prices(path)
    try:
        with open(path, "rb") as stream:
            return pickle.load(stream)
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, ValueError, IndexError):
        raise DataError(
            f"{path}: not a saved result", "give a results.pkl, a run's folder or a price CSV"
        ) from None


def _figures(path: Path) -> dict:
    found = load_input(path)
    if isinstance(found, pd.DataFrame):
        return build_price_figures(found, path.name)
    if isinstance(found, RunResult):
        return build_figures(found)
    if isinstance(found, FactorResults):
        found.check_complete(path)
        return build_study_figures(found)
    raise DataError(
        f"{path}: holds a {type(found).__name__}, which has no figures",
        "give a results.pkl, a run's folder or a price CSV",
    )


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m runs.export_plots", description=__doc__)
    parser.add_argument(
        "--input",
        type=Path,
        default=Path("outputs/results.pkl"),
        help="results.pkl, a run's folder, or a CSV of closes (default: %(default)s). "
        "A pickle runs code when read: give only files that you wrote.",
    )
    parser.add_argument("--out", type=Path, default=Path("outputs/plots"), help="folder of plots")
    add_common_arguments(parser)
    return parser


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Write the figures and print where they are."""
    arguments = _parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    paths = save_figures(_figures(arguments.input), arguments.out)
    if not arguments.quiet:
        sys.stdout.write(f"{len(paths)} files, PNG and SVG, in {arguments.out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
