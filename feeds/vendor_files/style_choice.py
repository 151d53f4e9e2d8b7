"""Which way of writing stamps a column uses; what could only be guessed is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from feeds.errors import DataError
from feeds.names import shown
from feeds.vendor_files.dates import DateStyle, find_styles
from feeds.vendor_files.options import FileOptions

__all__ = ["choose_style"]


def choose_style(
    place: str, texts: Sequence[str], options: FileOptions, *, complete: bool
) -> DateStyle | None:
    """The way in which a column's stamps are written.

    Parameters
    ----------
    place : str
        Of the first stamp, for messages.
    texts : sequence of str
        The first stamps, or all of them.
    complete : bool
        Whether they are all there are.

    Returns
    -------
    DateStyle or None
        None where the first stamps leave it open.

    Raises
    ------
    DataError
        If no style reads them, or all of them leave the order of day and month open.
    """
    first = texts[0] if texts else ""
    if options.date_format:
        zone = "%z" in options.date_format
        time = "clock" if "%H" in options.date_format or "%I" in options.date_format else ""
        return DateStyle("given", time=time, zone=zone, format=options.date_format)
    styles = find_styles([text for text in dict.fromkeys(texts) if text])
    if options.date_order:
        styles = [s for s in styles if s.days == options.date_order or len(s.days) != 3]
    if not styles:
        problem = "its year has two digits" if _two_digits(first) else "no known way to write it"
        raise DataError(
            f"{place}: date {shown(first)}: {problem}",
            "write 2020-01-31, or give date_format, such as date_format=%d.%m.%y",
        )
    if len(styles) == 1:
        return styles[0]
    if not complete:
        return None
    raise DataError(
        f"{place}: dates such as {shown(first)} may have the day or the month first, and none "
        "in the file tells",
        "give date_order=dmy or date_order=mdy",
    )


def _two_digits(text: str) -> bool:
    return bool(re.match(r"\d{1,2}[-/. ](\d{1,2}|[A-Za-z]{3,})[-/. ]\d{2}(?!\d)", text))
