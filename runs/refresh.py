"""A data set brought up to date by what it was made from: its symbols and their vendors."""

from __future__ import annotations

import csv
import logging
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from feeds.errors import ConfigError
from feeds.store import read_manifest

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

__all__ = ["refresh_dataset"]

_LOG = logging.getLogger(__name__)
_REMEDY = "add --offline to use it as it is, or name its arguments of runs.ingest with --ingest"
#: Tables that were made from further files, which a data set does not remember.
_FURTHER = ("fundamentals.csv", "membership.csv", "figures.csv")


def refresh_dataset(folder: Path, ingest: str | None, console: Console | None) -> bool:
    """Fetch what is missing of a data set, as ``python -m runs.ingest`` would.

    Parameters
    ----------
    folder : Path
        The data set.
    ingest : str, optional
        Arguments of ``runs.ingest`` but for ``--out``; by default the symbols and vendors that
        the set itself remembers.
    console : Console, optional
        Where the report goes; None for none.

    Returns
    -------
    bool
        Whether every symbol is up to date.

    Raises
    ------
    ConfigError
        If the set does not say how it is made anew.
    UserError
        As ``runs.ingest`` does; the set is then as it was.
    """
    from runs.ingest import build_parser, ingest_as_asked

    out = ["--out", str(folder)]
    if ingest is not None:
        asked = build_parser().parse_args([*_split(ingest), *out])
        _warn_of_other_rules(folder, asked)
        return ingest_as_asked(asked, console) == 0
    _check_remembered(folder)
    with tempfile.TemporaryDirectory() as place:
        given = [*_remembered(folder, Path(place)), *out]
        return ingest_as_asked(build_parser().parse_args(given), console) == 0


def _split(ingest: str) -> list[str]:
    try:
        return shlex.split(ingest)
    except ValueError as error:
        raise ConfigError(
            f"--ingest {ingest!r} cannot be read: {str(error).lower()}",
            'write it as on a command line: --ingest "--symbols-file configs/symbols.csv"',
        ) from None


def _warn_of_other_rules(folder: Path, asked: argparse.Namespace) -> None:
    """Tell that rules which made the set are not among the arguments given in their place."""
    known = (folder / "manifest.json").is_file() and "cleaning" in read_manifest(folder)
    if known and asked.cleaning is None:
        _LOG.warning(
            "%s was made with cleaning rules of its own, and --ingest names none: all of its bars "
            "are cleaned by the defaults",
            folder,
        )


def _remembered(folder: Path, place: Path) -> list[str]:
    """The arguments that made a set, with the files that they name in `place`."""
    manifest = read_manifest(folder)
    symbols, rules = place / "symbols.csv", place / "cleaning.yaml"
    _write_symbols(folder, symbols)
    given = ["--symbols-file", str(symbols), "--interval", manifest["interval"]]
    if "cleaning" in manifest:
        rules.write_text(yaml.safe_dump(manifest["cleaning"]), encoding="utf-8")
        given += ["--cleaning", str(rules)]
    made_with = manifest.get("made_with", {})
    given += ["--format", made_with.get("format", "auto")]
    # In one word: a value may begin with a dash.
    return given + [f"--option={value}" for value in made_with.get("option", ())]


def _check_remembered(folder: Path) -> None:
    """Refuse a set that was made from more than symbols and vendors."""
    manifest = read_manifest(folder)
    if not (folder / "raw" / "index.json").is_file():
        raise ConfigError(
            f"{folder} cannot be refreshed: it was made from files, not from vendors by symbol",
            _REMEDY,
        )
    stems = {name.split(".")[0] for name in manifest["files"]}
    further = [name for name in _FURTHER if name.split(".")[0] in stems]
    if further:
        raise ConfigError(
            f"{folder} cannot be refreshed by itself: {further[0]} was made from a file that it "
            "does not remember",
            _REMEDY,
        )
    made_with = manifest.get("made_with", {}).get("further", ())
    if made_with:
        raise ConfigError(
            f"{folder} cannot be refreshed by itself: it was made with --{made_with[0]}, which it "
            "does not remember",
            _REMEDY,
        )


def _write_symbols(folder: Path, path: Path) -> None:
    """The symbols file that the raw bars of a set were fetched by."""
    from feeds.ingestion.raw_store import RawStore
    from feeds.symbols_file import SYMBOL_COLUMNS

    universe = _sectors(folder)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(SYMBOL_COLUMNS)
        for entry in RawStore(folder / "raw").entries.values():
            asked = entry.request
            row = {name: getattr(asked, name, None) for name in SYMBOL_COLUMNS}
            row["sector"] = universe.get(asked.symbol, "")
            writer.writerow("" if row[name] is None else row[name] for name in SYMBOL_COLUMNS)


def _sectors(folder: Path) -> dict[str, str]:
    from feeds.store import read_universe

    universe = read_universe(folder)
    if "sector" not in universe:
        return {}
    return dict(zip(universe["symbol"], universe["sector"].fillna(""), strict=True))
