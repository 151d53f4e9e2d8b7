"""The folder of a strategy's signals: the latest, and one file a bar; old or new, never mixed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feeds.atomic import check_replaceable, recover_folder, replacing_folder

__all__ = ["check_signal_folder", "write_signals"]

#: Everything such a folder may hold.
_FILES = ("history", "manifest.json", "signals.csv", "signals.json", "status.json")
_COLUMNS = (
    "symbol", "asset_class", "eligible", "why", "score", "rank", "weight", "held_weight", "change",
    "price", "price_date", "age_sessions",
)  # fmt: skip


def check_signal_folder(folder: Path) -> None:
    """Refuse a place for signals that cannot be written or holds anything else.

    Raises
    ------
    OutputError
        Naming what is in the way.
    """
    recover_folder(folder)
    check_replaceable(folder, _FILES, "signals")


def write_signals(record: Mapping[str, Any], folder: Path) -> None:
    """Write ``signals.json``, ``signals.csv`` and ``history/<as_of>.json`` at once.

    Files of earlier bars stay. That of a bar is written anew when it is asked for again.

    Raises
    ------
    OutputError
        If anything cannot be written; the folder is then as it was.
    """
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    files = {"signals.json": text, "signals.csv": _table(record)}
    with replacing_folder(folder) as building:
        for name, content in files.items():
            (building / name).write_text(content, encoding="utf-8")
        (building / "history").mkdir()
        for path in sorted((folder / "history").glob("*.json")):
            if path.name != _of_bar(record):
                _keep(path, building / "history" / path.name)
        (building / "history" / _of_bar(record)).write_text(text, encoding="utf-8")
        if (folder / "status.json").is_file():
            _keep(folder / "status.json", building / "status.json")
        (building / "manifest.json").write_text(_manifest(record, files), encoding="utf-8")


def _of_bar(record: Mapping[str, Any]) -> str:
    """Name of the file of a bar; hours without a colon, which not every system takes."""
    return f"{record['as_of'].replace(':', '')}.json"


def _table(record: Mapping[str, Any]) -> str:
    """A row an asset; factors last."""
    stream = io.StringIO()
    assets = record["assets"]
    factors = list(assets[0]["factors"]) if assets else []
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_COLUMNS, *factors])
    for asset in assets:
        values = [asset[name] for name in _COLUMNS] + [asset["factors"][name] for name in factors]
        writer.writerow([_cell(value) for value in values])
    return stream.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _manifest(record: Mapping[str, Any], files: Mapping[str, str]) -> str:
    kept = ("schema", "name", "as_of", "data_hash", "config_hash", "ledger_head")
    told = {name: record[name] for name in kept}
    told["files"] = {
        name: hashlib.sha256(content.encode("utf-8")).hexdigest()
        for name, content in sorted(files.items())
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _keep(path: Path, place: Path) -> None:
    """The same file in the new folder, without a copy where the file system can."""
    try:
        os.link(path, place)
    except OSError:
        shutil.copyfile(path, place)
