"""All rows of a symbol together, in bounded memory, however a file is sorted."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from feeds.errors import OutputError
from feeds.vendor_files.blocks import Block, RowReader, join

__all__ = ["PART_ROWS", "whole_symbols"]

#: Rows of a part, about: whole symbols are never cut.
PART_ROWS = 262_144
#: Each part of an unsorted file is a temporary file.
_MOST_FILES = 200


def whole_symbols(reader: RowReader, memory: int, spill: Path | None) -> Iterator[Block]:
    """The rows of a file, symbol after symbol as each is first seen.

    A file of up to some hundred thousand rows, or of one symbol, is taken as a whole. Of a
    larger one the order of the symbols must be known first: of Parquet by a look at that one
    column, of text by reading all of it into a temporary file, once. Where each symbol stands
    together they are then passed on as they come; otherwise the rows go to temporary files,
    one a part. These files have no name, and so are gone with the process, however it ends.

    Parameters
    ----------
    reader : RowReader
    memory : int
        Bytes of rows that may be held.
    spill : Path, optional
        Folder of temporary files; the system's where not given.

    Yields
    ------
    Block
        Sorted by symbol; the rows of a symbol in the order of the file.

    Raises
    ------
    DataError
        If a row is not as the file's form.
    OutputError
        If there is no room for temporary files.
    """
    source = reader.blocks()
    single = bool(reader.layout.columns.symbol)
    blocks, rows = [], 0
    for block in source:
        blocks.append(block)
        rows += len(block)
        # Joining and sorting need each row three times.
        if not single and rows * _row_bytes(block) * 3 > memory:
            break
    else:
        if rows:
            yield _by_symbol(join(blocks))
        return
    everything = itertools.chain(_emptied(blocks), source)
    codes = reader.scan()
    with _Spool(spill) as spool:
        if codes is None:
            codes = spool.fill(everything)
            everything = spool.blocks()
        counts, together = _count(codes)
        if together:
            yield from _as_they_come(everything)
        else:
            yield from _through_files(everything, counts, spill)


def _row_bytes(block: Block) -> int:
    return 20 + 8 * len(block.columns)


def _emptied(blocks: list[Block]) -> Iterator[Block]:
    """The blocks, each let go once it is taken."""
    while blocks:
        yield blocks.pop(0)


def _by_symbol(block: Block) -> Block:
    if (np.diff(block.code) >= 0).all():
        return block
    return block.take(np.argsort(block.code, kind="stable"))


def _count(all_codes: Iterable[np.ndarray]) -> tuple[np.ndarray, bool]:
    """Rows of each symbol, and whether each symbol stands together.

    Symbols are numbered as they are first seen: each stands together where numbers never fall.
    """
    counts = np.zeros(0, dtype=np.int64)
    together, last = True, 0
    for codes in all_codes:
        if not len(codes):
            continue
        together = together and codes[0] >= last and bool((np.diff(codes) >= 0).all())
        last = int(codes[-1])
        more = np.bincount(codes, minlength=len(counts))
        more[: len(counts)] += counts
        counts = more
    return counts, together


def _as_they_come(blocks: Iterable[Block]) -> Iterator[Block]:
    pending: list[Block] = []
    rows = 0
    for block in blocks:
        pending.append(block)
        rows += len(block)
        if rows < PART_ROWS or block.code[-1] == pending[0].code[0]:
            continue
        part = join(pending)
        # The last symbol may go on in the next block.
        end = int(np.searchsorted(part.code, part.code[-1]))
        yield part.take(slice(0, end))
        pending, rows = [part.take(slice(end, None))], len(part) - end
    if rows:
        yield join(pending)


def _through_files(
    blocks: Iterable[Block], counts: np.ndarray, spill: Path | None
) -> Iterator[Block]:
    size = max(PART_ROWS, -(-int(counts.sum()) // _MOST_FILES))
    part_of = (np.cumsum(counts) - counts) // size
    with contextlib.ExitStack() as stack:
        spools: dict[int, _Spool] = {}
        for block in blocks:
            part = part_of[block.code]
            order = np.argsort(part, kind="stable")
            block, part = block.take(order), part[order]
            starts = np.flatnonzero(np.diff(part, prepend=-1))
            for start, end in zip(starts, [*starts[1:], len(part)]):
                key = int(part[start])
                if key not in spools:
                    spools[key] = stack.enter_context(_Spool(spill))
                spools[key].add(block.take(slice(start, end)))
        for key in sorted(spools):
            yield _by_symbol(join(list(spools[key].blocks())))
            spools[key].close()


class _Spool:
    """Blocks of rows in a temporary file without a name, read back once in their order."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._kinds: list[tuple[int, tuple[str, ...]]] = []

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file = None

    def fill(self, blocks: Iterable[Block]) -> Iterator[np.ndarray]:
        """Add blocks, and tell the codes of each."""
        for block in blocks:
            self.add(block)
            yield block.code

    def add(self, block: Block) -> None:
        """Write one more block."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder, prefix=".rows-")
            for values in (block.code, block.time, block.line, *block.columns.values()):
                self._file.write(np.ascontiguousarray(values).view(np.uint8).data)
        except OSError as error:
            raise self._no_room(error) from None
        self._kinds.append((len(block), tuple(block.columns)))

    def blocks(self) -> Iterator[Block]:
        """The blocks in the order in which they were added."""
        try:
            if self._file is not None:
                self._file.flush()
                self._file.seek(0)
        except OSError as error:
            raise self._no_room(error) from None
        for rows, names in self._kinds:
            code, time = self._back(rows, "int32"), self._back(rows, "datetime64[s]")
            line = self._back(rows, "int64")
            yield Block(code, time, line, {name: self._back(rows, "float64") for name in names})

    def _back(self, rows: int, kind: str) -> np.ndarray:
        values = np.empty(rows, dtype=kind)
        raw = values.view(np.uint8)
        if self._file is None or self._file.readinto(raw.data) != len(raw):  # type: ignore
            raise self._no_room(OSError("it is shorter than what was written"))
        return values

    def _no_room(self, error: OSError) -> OutputError:
        folder = self._folder or tempfile.gettempdir()
        return OutputError(
            f"no room for temporary files in {folder}: {error.strerror or error}",
            "make room for as much as the text, or give one file a symbol",
        )
