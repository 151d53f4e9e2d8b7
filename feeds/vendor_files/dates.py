"""Stamps as text: which way of writing a column uses, and its values as seconds."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["UNITS", "DateStyle", "Stamps", "find_styles", "time_of_day"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = {
    "ymd": r"(?P<y>\d{4})%s(?P<m>\d{1,2})%s(?P<d>\d{1,2})",
    "dmy": r"(?P<d>\d{1,2})%s(?P<m>\d{1,2})%s(?P<y>\d{4})",
    "mdy": r"(?P<m>\d{1,2})%s(?P<d>\d{1,2})%s(?P<y>\d{4})",
    "compact": r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)",
    "month d, y": r"(?P<b>[A-Za-z]{3,9})\.? (?P<d>\d{1,2}), ?(?P<y>\d{4})",
    "d month y": r"(?P<d>\d{1,2})[ -](?P<b>[A-Za-z]{3,9})[ -](?P<y>\d{4})",
}
_CLOCK = r"[T ](?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d)(?:\.\d+)?)?(?: ?(?P<p>[AaPp][Mm]))?"
_HOUR = r" (?P<H>\d{1,2})-(?P<p>[AaPp][Mm])"
_TIMES = {"": "", "clock": _CLOCK, "hour": _HOUR}
_ZONE = r" ?(?P<z>Z|UTC|GMT|[+-]\d\d:?\d\d)"
#: Digits of a count of units since 1970, for moments between 1973 and 2286.
_EPOCHS = {"s": range(9, 11), "ms": range(12, 14), "us": range(15, 17), "ns": range(18, 20)}
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
#: Most texts that are remembered: more than the days or hours of any market's history.
_MOST_KEPT = 400_000


@dataclass(frozen=True)
class DateStyle:
    """One way to write a stamp.

    Parameters
    ----------
    days : str
        A key of the known ways to write a day, ``s``, ``ms``, ``us`` or ``ns`` for a count
        since 1970, ``given`` for a format of ``time.strptime``, ``days`` or ``stamps`` for a
        typed column of Parquet.
    mark : str
        Between the parts of a day.
    time : str
        ``clock`` (09:30), ``hour`` (09-AM) or empty.
    zone : bool
        Whether each stamp tells its offset from UTC.
    format : str
        The given format.
    """

    days: str
    mark: str = ""
    time: str = ""
    zone: bool = False
    format: str = ""

    @property
    def epoch(self) -> int:
        """Units a second of a count since 1970; 0 for text."""
        return UNITS.get(self.days, 0)

    def __str__(self) -> str:
        if self.epoch:
            return f"{self.days} since 1970"
        if self.format or self.days in ("days", "stamps"):
            return self.format or f"column of {self.days}"
        day = self.mark.join({"y": "YYYY", "m": "MM", "d": "DD"}.get(c, c) for c in self.days)
        day = {"compact": "YYYYMMDD"}.get(self.days, day if len(self.days) == 3 else self.days)
        time = {"": "", "clock": " HH:MM:SS", "hour": " HH-AM"}[self.time]
        return day + time + (" with offset" if self.zone else "")

    @functools.lru_cache(maxsize=256)
    def pattern(self) -> re.Pattern[str]:
        """What a stamp must match, whole."""
        day = _DAYS[self.days]
        mark = re.escape(self.mark)
        day = day % (mark, mark) if "%s" in day else day
        return re.compile(day + _TIMES[self.time] + (_ZONE if self.zone else ""), re.ASCII)


class Stamps:
    """Reads the stamps of one style; what was read once is remembered."""

    def __init__(self, style: DateStyle) -> None:
        self.style = style
        self._pattern = style.pattern() if style.days in _DAYS else None
        self._known: dict[str, tuple[int, int]] = {}

    def seconds(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Seconds of the local clock since 1970, and the offset of the clock from UTC.

        Parameters
        ----------
        texts : sequence of K str
            Best each only once.

        Returns
        -------
        local, offset : (K,) int64 arrays

        Raises
        ------
        ValueError
            Where a text is no stamp of this style, saying why.
        """
        fast = self._plain_days(texts)
        if fast is not None:
            return fast, np.zeros(len(texts), dtype=np.int64)
        if len(self._known) > _MOST_KEPT:
            self._known.clear()
        known = self._known
        both = [known.get(text) or self.one(text) for text in texts]
        pairs = np.array(both, dtype=np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def one(self, text: str) -> tuple[int, int]:
        """Local seconds and offset of one text; ValueError as in :meth:`seconds`."""
        stripped = text.strip()
        if not stripped:
            raise ValueError("there is no date")
        if self.style.epoch:
            pair = _epoch(stripped, self.style), 0
        elif self.style.format:
            pair = _given(stripped, self.style.format)
        else:
            found = self._pattern.fullmatch(stripped) if self._pattern else None
            if found is None:
                raise ValueError(_mismatch(stripped, self.style))
            pair = _local(found)
        self._known[text] = pair
        return pair

    def _plain_days(self, texts: Sequence[str]) -> np.ndarray | None:
        """Days written YYYY-MM-DD, all at once; None where one is not, or is no day."""
        style = self.style
        if (style.days, style.mark, style.time, style.zone) != ("ymd", "-", "", False):
            return None
        joined = "".join(texts).encode()
        if len(joined) != 10 * len(texts) or {*map(len, texts)} != {10}:
            return None
        cells = np.frombuffer(joined, dtype=np.uint8).reshape(-1, 10) - 48
        digits = cells[:, [0, 1, 2, 3, 5, 6, 8, 9]].astype(np.int64)
        # A hyphen is 45: below the digits, so it wraps around.
        if (digits > 9).any() or (cells[:, [4, 7]] != 253).any():
            return None
        year = digits[:, 0] * 1000 + digits[:, 1] * 100 + digits[:, 2] * 10 + digits[:, 3]
        month, day = digits[:, 4] * 10 + digits[:, 5], digits[:, 6] * 10 + digits[:, 7]
        if ((month < 1) | (month > 12) | (day < 1) | (year < 1)).any():
            return None
        months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
        days = months.astype("datetime64[D]") + (day - 1)
        if (days.astype("datetime64[M]") != months).any():
            return None
        return days.astype("datetime64[s]").astype(np.int64)


def find_styles(texts: Sequence[str]) -> list[DateStyle]:
    """The styles in which most of some stamps can be read; several where it is open.

    Parameters
    ----------
    texts : sequence of str
        Stamps of one column, without spaces around them. A stamp that no style reads is left
        for whoever knows its line.
    """
    styles = next(filter(None, map(_candidates, texts)), [])
    if len(styles) < 2:
        return styles
    counts = [sum(_reads(Stamps(style), text) for text in texts) for style in styles]
    return [style for style, count in zip(styles, counts) if count == max(counts)]


def _reads(stamps: Stamps, text: str) -> bool:
    try:
        stamps.one(text)
    except ValueError:
        return False
    return True


def time_of_day(text: str) -> int:
    """Seconds of ``HHMMSS``, ``HHMM`` or ``HH:MM:SS``; ValueError where it is none."""
    digits = text.strip().replace(":", "")
    if not re.fullmatch(r"([01]\d|2[0-3])[0-5]\d([0-5]\d)?", digits):
        raise ValueError("it is no time of day such as 153000")
    return int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:] or 0)


def _candidates(text: str) -> list[DateStyle]:
    """The styles of one stamp, whatever its numbers mean."""
    if re.fullmatch(r"[0-9]+", text):
        for unit, lengths in _EPOCHS.items():
            if len(text) in lengths:
                return [DateStyle(unit)]
    marks = [mark for mark in "-/." if mark in text]
    styles = []
    for days in _DAYS:
        for mark in marks if days in ("ymd", "dmy", "mdy") else [""]:
            for time in _TIMES:
                styles += [DateStyle(days, mark, time, zone) for zone in (False, True)]
    return [style for style in styles if style.pattern().fullmatch(text)]


def _epoch(text: str, style: DateStyle) -> int:
    if not re.fullmatch(r"[0-9]+", text):
        raise ValueError(f"it is not a count of {style.days} since 1970")
    if len(text) not in _EPOCHS[style.days]:
        raise ValueError(f"the stamps before it are in {style.days} since 1970: two units of time")
    return int(text) // style.epoch


def _given(text: str, form: str) -> tuple[int, int]:
    try:
        moment = dt.datetime.strptime(text, form)
    except ValueError:
        raise ValueError(f"it is not written as {form}") from None
    offset = int(moment.utcoffset().total_seconds()) if moment.tzinfo else 0  # type: ignore
    return _seconds(moment.replace(tzinfo=None)), offset


def _local(found: re.Match[str]) -> tuple[int, int]:
    part = found.groupdict()
    month = int(part["m"]) if part.get("m") else _month(part["b"])
    hour = int(part.get("H") or 0)
    if part.get("p"):
        if not 1 <= hour <= 12:
            raise ValueError("there is no such hour")
        hour = hour % 12 + (12 if part["p"].lower() == "pm" else 0)
    try:
        moment = dt.datetime(
            int(part["y"]), month, int(part["d"]),
            hour, int(part.get("M") or 0), int(part.get("S") or 0),
        )  # fmt: skip
    except ValueError:
        raise ValueError("there is no such day or time") from None
    return _seconds(moment), _offset(part.get("z"))


def _month(name: str) -> int:
    short = name[:3].lower()
    if short not in _MONTHS:
        raise ValueError("there is no such month")
    return _MONTHS.index(short) + 1


def _offset(zone: str | None) -> int:
    if not zone or zone[0] not in "+-":
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _seconds(moment: dt.datetime) -> int:
    passed = moment - dt.datetime(1970, 1, 1)
    return passed.days * 86_400 + passed.seconds


def _mismatch(text: str, style: DateStyle) -> str:
    if re.fullmatch(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}( .*)?", text):
        return "its year has two digits"
    if any(found != style for found in _candidates(text)):
        return f"the dates before it are written as {style}: two ways in one column"
    return f"it is not written as {style}"
