"""The nearest of the known words, for the remedy of an error."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest", "remedy_for"]

#: More options than this are not worth listing on one line.
_MOST_LISTED = 12


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that `word` most likely misspells, or None where none is close.

    One slip (a letter left out, added, exchanged, or two neighbours swapped) always counts
    as close; longer words may hold more. An option that begins with the word, or the other
    way round, is the second choice (``vol`` for ``volatility``).

    Parameters
    ----------
    word : str
        What was written. Case does not matter.
    options : iterable of str
        What could have been meant; among equally close ones the first wins.

    Returns
    -------
    str or None
    """
    known = list(options)
    written = word.casefold()
    allowed = max(1, min(3, len(written) // 3))
    ranked = [
        (_slips(written, option.casefold(), allowed), at)
        for at, option in enumerate(known)
        if abs(len(option) - len(written)) <= allowed
    ]
    if ranked and min(ranked)[0] <= allowed:
        return known[min(ranked)[1]]
    for option in known:
        short, long = sorted((written, option.casefold()), key=len)
        if len(short) >= 3 and long.startswith(short):
            return option
    return None


def remedy_for(word: str, options: Iterable[str]) -> str:
    """One line: the nearest option to `word`, otherwise what there is to choose from."""
    known = list(options)
    suggestion = nearest(word, known)
    if suggestion is not None:
        return f"did you mean {suggestion}?"
    if not known:
        return "none is allowed here; remove it"
    listed = ", ".join(known[:_MOST_LISTED])
    return f"known: {listed}{', ...' if len(known) > _MOST_LISTED else ''}"


def _slips(first: str, second: str, allowed: int) -> int:
    """Optimal string alignment distance (Damerau 1964): swapped neighbours are one slip.

    Once it must exceed `allowed` the count stops, at some number above it.
    """
    before: list[int] = []
    above = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        row = [i]
        for j, b in enumerate(second, start=1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        if min(row) > allowed:
            return allowed + 1
        before, above = above, row
    return above[-1]
