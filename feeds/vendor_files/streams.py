"""The bytes of a text file: opened, unpacked, decoded, and parted at ends of lines."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from feeds.errors import DataError
from feeds.names import path_name

__all__ = ["LineBlocks", "detect_encoding", "digest"]

#: Far longer than a row of 10,000 symbols.
_LONGEST_LINE = 16 * 1024 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: What may stand beside a quote outside of its cell: an end of a cell, or a doubled quote.
_BESIDE = np.frombuffer(b',;\t|\r\n"', dtype=np.uint8)
_AGAIN = "fetch the file again"
_TEXT = "save it as text in UTF-8, or give its encoding, such as encoding=latin-1"


class _Hashed(io.RawIOBase):
    """A raw file that remembers the sha256 of what was read from it."""

    def __init__(self, raw: io.FileIO) -> None:
        self.raw, self.sha = raw, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = self.raw.readinto(buffer) or 0
        self.sha.update(memoryview(buffer)[:count])
        return count


class LineBlocks:
    """A text file as blocks of whole lines in UTF-8.

    Iterating yields each block with the number of its first line, counted from 1 as an editor
    does, and the count of its lines; a block ends with a newline.

    Parameters
    ----------
    path : Path
    encoding : str
        ``utf-8``, ``utf-8-sig``, ``utf-16``, or another codec that was asked for.
    size : int
        Bytes of a block, about.
    last_line : {"refuse", "keep", "drop"}
        What becomes of a last line without its newline.

    Attributes
    ----------
    sha256 : str
        Of the file as it lies on disk, once all of it was read.
    unfinished : bool
        Whether there was a last line without its newline.
    """

    def __init__(self, path: Path, encoding: str, size: int, last_line: str = "refuse") -> None:
        self.path, self.encoding, self.size = path, encoding, size
        self.last_line = last_line
        self.name = path_name(path)
        self.sha256 = ""
        self.unfinished = False

    def __iter__(self) -> Iterator[tuple[bytes, int, int]]:
        kept, line = b"", 1
        for chunk in self._chunks():
            end = chunk.rfind(b"\n") + 1
            if not end:
                kept += chunk
                if len(kept) > _LONGEST_LINE:
                    raise self._fault(line, "a line longer than 16 MB", "is it a table at all?")
                continue
            block = kept + chunk[:end]
            self._check(block, line)
            count = block.count(b"\n")
            yield block, line, count
            line += count
            kept = chunk[end:]
        yield from self._rest(kept, line)

    def _rest(self, kept: bytes, line: int) -> Iterator[tuple[bytes, int, int]]:
        if not kept.strip(b" \t\r\x1a"):
            return
        self._check(kept + b"\n", line)
        self.unfinished = True
        if self.last_line == "refuse":
            raise self._fault(
                line,
                "the last line has no newline: the file may be cut off",
                f"{_AGAIN}; if it is whole, give last_line=keep",
            )
        if self.last_line == "keep":
            yield kept + b"\n", line, 1

    def _chunks(self) -> Iterator[bytes]:
        """The text in UTF-8 without its mark."""
        decoder = None
        if self.encoding not in ("utf-8", "utf-8-sig"):
            decoder = codecs.getincrementaldecoder(self.encoding)()
        first, line = True, 1
        for chunk in self.raw_chunks():
            if first and self.encoding == "utf-8-sig":
                chunk = chunk.removeprefix(codecs.BOM_UTF8)
            first = False
            if decoder is not None:
                chunk = self._decoded(decoder, chunk, line)
                line += chunk.count(b"\n")
            yield chunk
        if decoder is not None:
            self._decoded(decoder, b"", line, final=True)

    def _decoded(
        self, decoder: codecs.IncrementalDecoder, chunk: bytes, line: int, final: bool = False
    ) -> bytes:
        try:
            return decoder.decode(chunk, final).encode()
        except UnicodeError:
            raise self._fault(line, f"not text in {self.encoding}, here or below", _TEXT) from None

    def raw_chunks(self) -> Iterator[bytes]:
        """The bytes of the file, unpacked, not yet decoded."""
        try:
            with open(self.path, "rb", buffering=0) as raw:
                # A buffer no larger than the file: thousands of small files are common.
                size = min(self.size, os.fstat(raw.fileno()).st_size + 1)
                hashed = _Hashed(raw)  # type: ignore[arg-type]
                stream: io.BufferedIOBase = io.BufferedReader(hashed, size)
                if self.path.name.lower().endswith(".gz"):
                    stream, size = gzip.GzipFile(fileobj=stream), self.size
                while chunk := stream.read(size):
                    yield chunk
                self.sha256 = hashed.sha.hexdigest()
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(
                f"{self.name}: damaged or cut off: {error}".splitlines()[0], _AGAIN
            ) from None
        except OSError as error:
            raise DataError(
                f"{self.name}: cannot be read: {error.strerror or error}", "name a plain file"
            ) from None

    def _check(self, block: bytes, line: int) -> None:
        """Refuse bytes that are no text of a table."""
        if b"\x00" in block:
            raise self._fault(
                line + block.count(b"\n", 0, block.index(0)),
                "a NUL byte: UTF-16 without its mark, or a damaged file", _TEXT,
            )  # fmt: skip
        # To find none is many times faster than to count them.
        if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
            at = re.search(rb"\r(?!\n)", block)
            raise self._fault(
                line + block.count(b"\n", 0, at.start() if at else 0),
                "a carriage return without a newline", "save it with newlines between the lines",
            )  # fmt: skip
        if not block.isascii():
            self._check_utf8(block, line)
        if b'"' in block:
            self._check_quotes(block, line)

    def _check_utf8(self, block: bytes, line: int) -> None:
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._fault(
                line + block.count(b"\n", 0, error.start), "not text in UTF-8", _TEXT
            ) from None

    def _check_quotes(self, block: bytes, line: int) -> None:
        """Quotes stand around whole cells, and each line closes what it opens.

        No cell of a bar has a newline in it. What stands before an opening quote or after a
        closing one would become a part of the cell, and two numbers one.
        """
        marks = np.frombuffer(block, dtype=np.uint8)
        quote = marks == ord('"')
        inside = np.bitwise_xor.accumulate(quote)
        places = np.flatnonzero(quote)
        opens = inside[places]
        beside = np.where(opens, marks[places - 1], marks[places + 1])
        stray = places[~np.isin(beside, _BESIDE) & ~(opens & (places == 0))]
        open_ends = np.flatnonzero((marks == ord("\n")) & inside)
        first = min((*stray[:1], *open_ends[:1]), default=-1)
        if first < 0:
            return
        problem = "a quote within a cell" if first in stray[:1] else "a quote that is not closed"
        raise self._fault(
            line + block.count(b"\n", 0, int(first)), problem,
            "put quotes around whole cells, and write a quote inside a cell twice",
        )  # fmt: skip

    def _fault(self, line: int, problem: str, remedy: str) -> DataError:
        return DataError(f"{self.name}, line {line}: {problem}", remedy)


def detect_encoding(head: bytes) -> str:
    """The encoding that the first bytes of a file tell; UTF-8 where they tell nothing."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    return "utf-8"


def digest(path: Path) -> str:
    """The sha256 of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
