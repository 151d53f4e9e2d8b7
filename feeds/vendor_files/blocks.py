"""A stretch of rows as it comes from a file, and the numbering of symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from feeds.names import check_symbol
from feeds.vendor_files.layout import Layout

__all__ = ["Block", "Codes", "RowReader", "Tally", "join", "melt", "symbol_of"]


@dataclass(frozen=True)
class Block:
    """M rows of one file.

    Parameters
    ----------
    code : (M,) int32 array
        Of the symbol, in the file's own numbering.
    time : (M,) datetime64[s] array
    line : (M,) int64 array
    columns : dict of str to (M,) float64 array
        By our names; NaN where a cell is empty.
    """

    code: np.ndarray
    time: np.ndarray
    line: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.code)

    def take(self, rows: np.ndarray | slice) -> Block:
        """Some rows, by position, mask or slice."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Block(self.code[rows], self.time[rows], self.line[rows], columns)


def join(blocks: Sequence[Block]) -> Block:
    """Blocks of one file one after the other."""
    if len(blocks) == 1:
        return blocks[0]
    return Block(
        np.concatenate([block.code for block in blocks]),
        np.concatenate([block.time for block in blocks]),
        np.concatenate([block.line for block in blocks]),
        {
            name: np.concatenate([block.columns[name] for block in blocks])
            for name in blocks[0].columns
        },
    )


def melt(cells: dict[str, np.ndarray], time: np.ndarray, lines: np.ndarray, tally: Tally) -> Block:
    """One row for each filled cell of a wide table, symbol after symbol.

    Parameters
    ----------
    cells : dict of str to (S, R) float64 array
        By our names of columns: symbols by lines.
    """
    filled = ~np.logical_and.reduce([np.isnan(values) for values in cells.values()])
    code, row = np.nonzero(filled)
    numbers = {name: values[filled] for name, values in cells.items()}
    tally.rows += len(row)
    tally.count(numbers)
    if "close" not in numbers:
        numbers["close"] = np.full(len(row), np.nan)
    return Block(code.astype(np.int32), time[row], lines[row], numbers)


class Codes:
    """Numbers of symbols, in the order in which they are first seen."""

    def __init__(self, symbols: Sequence[str] = ()) -> None:
        self.symbols = list(symbols)
        self._by_text = {symbol: code for code, symbol in enumerate(symbols)}

    def of(self, texts: Sequence[str], pair: bool = False) -> np.ndarray:
        """(K,) int32 codes of K texts; `pair` writes BTC/USD as BTC-USD.

        Raises
        ------
        DataError
            If one cannot be a symbol; it does not know the line.
        """
        return np.array([self._code(text, pair) for text in texts], dtype=np.int32)

    def of_rows(self, index: np.ndarray, dictionary: Any, pair: bool = False) -> np.ndarray:
        """(M,) int32 codes of M rows, numbered as the rows name them.

        Parameters
        ----------
        index : (M,) int array
            Position of each row's text in the dictionary.
        dictionary : pyarrow.Array
            Different texts; some may be in no row.

        Raises
        ------
        DataError
            As :meth:`of`.
        """
        begins = np.flatnonzero(np.diff(index, prepend=-1))
        used = list(dict.fromkeys(index[begins].tolist()))
        codes = np.zeros(len(dictionary), dtype=np.int32)
        codes[used] = self.of(dictionary.take(used).to_pylist(), pair)
        return codes[index]

    def grid(self, wide: Sequence[tuple[int, str, str]], rows: int) -> dict[str, np.ndarray]:
        """Unknown numbers for each column of a wide table, (S, rows) arrays."""
        names = dict.fromkeys(ours for _, _, ours in wide)
        return {name: np.full((len(self.symbols), rows), np.nan) for name in names}

    def _code(self, text: str, pair: bool) -> int:
        code = self._by_text.get(text)
        if code is None:
            symbol = symbol_of(text, pair)
            code = self._by_text.get(symbol)
            if code is None:
                check_symbol(symbol, "")
                code = len(self.symbols)
                self.symbols.append(symbol)
                self._by_text[symbol] = code
            self._by_text[text] = code
        return code


def symbol_of(text: str, pair: bool) -> str:
    """A cell as a symbol."""
    symbol = text.strip()
    return symbol.replace("/", "-") if pair and symbol.count("/") == 1 else symbol


@dataclass
class Tally:
    """What was counted while a file was read."""

    rows: int = 0
    empty: dict[str, int] = field(default_factory=dict)
    sha256: str = ""
    single_precision: bool = False
    notes: list[str] = field(default_factory=list)

    def count(self, columns: dict[str, np.ndarray]) -> None:
        """Add the empty cells of some rows."""
        for name, values in columns.items():
            missing = int(np.count_nonzero(np.isnan(values)))
            if missing:
                self.empty[name] = self.empty.get(name, 0) + missing


class RowReader(Protocol):
    """Reads the rows of one file in stretches."""

    layout: Layout
    codes: Codes
    tally: Tally

    def blocks(self) -> Iterator[Block]:
        """All rows, in the order of the file; counted into the tally, which starts anew."""

    def scan(self) -> Iterator[np.ndarray] | None:
        """The codes of all rows, in the order of the file; None where that is not cheap."""
