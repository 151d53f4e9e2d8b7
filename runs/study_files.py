"""The files of a factor study: written together, and known again by a manifest."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feeds.atomic import sync_path
from feeds.errors import OutputError

if TYPE_CHECKING:
    from analyzers.factor_results import FactorResults

__all__ = [
    "MANIFEST",
    "PAGE",
    "check_place",
    "earlier_files",
    "output_files",
    "remove_leftovers",
    "write_files",
]

MANIFEST = "factors_manifest.json"
PAGE = "factor_tearsheet.html"


def output_files(results: FactorResults, out: Path, page: str | None = None) -> dict[Path, bytes]:
    """Content by path: the tables, the page, the pickle, and last the manifest.

    Parameters
    ----------
    results : FactorResults
    out : Path
        Of the pickle; everything else stands beside it.
    page : str, optional
        The tear sheet.
    """
    files = {
        out.with_name(f"{name}.csv"): table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in results.tables().items()
    }
    if page is not None:
        files[out.with_name(PAGE)] = page.encode()
    files[out] = results.to_bytes()
    manifest = {
        "name": results.name,
        "command": results.command,
        "files": {path.name: _digest(content) for path, content in files.items()},
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    return files | {out.with_name(MANIFEST): f"{text}\n".encode()}


def check_place(out: Path) -> None:
    """Refuse a place that cannot be written, before anything is computed for it.

    Raises
    ------
    OutputError
        If `out` is a folder, or its folder cannot be made or written.
    """
    remedy = "name another file with --out"
    if out.is_dir():
        raise OutputError(f"cannot write {out}: it is a folder", remedy)
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise OutputError(f"cannot write {out}: {parent} is a file", remedy)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {out}: {parent} is not writable", remedy)


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write files so that each is the old one or the new one, whenever the process dies.

    All are on disk beside their places before the first is moved there.

    Raises
    ------
    OutputError
        If a folder cannot be made or written; earlier files are then untouched.
    """
    waiting: list[tuple[Path, Path]] = []
    place = next(iter(files), Path())
    try:
        for place, content in files.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                raise IsADirectoryError(21, "it is a folder")
            beside = place.with_name(f".{place.name}.writing-{os.getpid()}")
            waiting.append((beside, place))
            with open(beside, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for beside, place in waiting:
            os.replace(beside, place)
        for folder in sorted({place.parent for place in files}):
            sync_path(folder)
    except OSError as error:
        raise OutputError(
            f"cannot write {place}: {error.strerror}", "name another file with --out"
        ) from None
    finally:
        for beside, _ in waiting:
            beside.unlink(missing_ok=True)


def remove_leftovers(out: Path, files: Mapping[Path, bytes], before: Mapping[str, str]) -> None:
    """Remove what an earlier study wrote beside `out` and the new one did not write.

    Parameters
    ----------
    out : Path
    files : mapping
        What was just written.
    before : mapping of str to str
        Names and hashes by the earlier manifest, from `earlier_files`. A file that has changed
        since is the user's, and stays.
    """
    for name, digest in before.items():
        path = out.with_name(name)
        if path not in files and path.is_file() and _digest(path.read_bytes()) == digest:
            path.unlink(missing_ok=True)


def earlier_files(out: Path) -> dict[str, str]:
    """Names and hashes of the study that stands beside `out`; empty where there is none."""
    try:
        found: Any = json.loads(out.with_name(MANIFEST).read_text(encoding="utf-8"))
        files = found["files"]
        return {str(name): str(digest) for name, digest in files.items() if Path(name).name == name}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
