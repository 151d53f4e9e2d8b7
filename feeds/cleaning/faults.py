"""The classes of faults that bars are looked through for, and what can be done about each."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ACTIONS", "FAULTS", "Fault", "fault_named"]

#: What an action does: the row goes; the cell is mended; the symbol goes; it is only said; it
#: is not looked for; of several rows of a time only the first stays, or none; the rows from
#: there on become a series of their own.
ACTIONS = ("drop", "repair", "refuse", "flag", "off", "drop_later", "drop_both", "new_series")


@dataclass(frozen=True)
class Fault:
    """One class: its name in rules and report, what it is, its actions, the default first."""

    name: str
    about: str
    actions: tuple[str, ...]

    @property
    def default(self) -> str:
        """What is done unless the rules say otherwise."""
        return self.actions[0]


FAULTS = (
    Fault("unsorted", "rows of a symbol are not in order of time; sorted", ("flag", "refuse")),
    Fault(
        "time_of_day", "daily stamps carry one and the same time of day; cut off",
        ("repair", "refuse"),
    ),
    Fault(
        "mixed_times", "daily stamps carry several times of day: mixed time zones",
        ("refuse", "repair"),
    ),
    Fault("empty_row", "neither prices nor volume", ("drop", "refuse")),
    Fault("no_close", "a row without a close", ("drop", "refuse")),
    Fault("infinite_price", "an infinite close", ("drop", "refuse")),
    Fault("non_positive_close", "a close of zero or less", ("drop", "refuse")),
    Fault("duplicate", "the same row again; the first stays", ("drop", "refuse")),
    Fault(
        "conflict", "different rows for one time",
        ("refuse", "drop_later", "drop_both"),
    ),
    Fault("future_bar", "a bar that begins after the data were fetched", ("drop", "refuse")),
    Fault("unclosed_bar", "a bar that was not complete when fetched", ("drop", "refuse")),
    Fault(
        "closed_day", "a listed series' row on a day without a session",
        ("drop", "flag", "refuse", "off"),
    ),
    Fault(
        "bad_range", "open, high, low contradict each other or the close; blanked",
        ("repair", "drop", "refuse"),
    ),
    Fault(
        "close_outside_range", "the close is off: the range agrees with the close before",
        ("drop", "repair", "refuse"),
    ),
    Fault("bad_volume", "negative or infinite volume; blanked", ("repair", "drop", "refuse")),
    Fault("zero_volume", "a volume of zero; repair blanks it", ("off", "repair", "drop", "flag")),
    Fault(
        "placeholder", "flat rows without volume before the first traded bar",
        ("drop", "flag", "off"),
    ),
    Fault("carried", "no volume, and the close before repeated", ("flag", "drop", "off")),
    Fault(
        "stale", "carried rows from the stale_after-th of a run on",
        ("drop", "flag", "refuse", "off"),
    ),
    Fault(
        "splice", "a block copied from earlier bars: from its second row on",
        ("drop", "flag", "refuse", "off"),
    ),
    Fault("spike", "a price that nothing before leads to", ("drop", "refuse", "off")),
    Fault("real_move", "a leap that its range or volume bears out; kept", ("flag", "off")),
    Fault(
        "level_change", "a new level that trading does not bear out; bridged by split_ratio, "
        "its return is unknown", ("repair", "flag", "refuse"),
    ),
    Fault(
        "unadjusted_split", "price and volume moved as in a split that no event tells",
        ("repair", "flag", "refuse", "off"),
    ),
    Fault(
        "redenomination",
        "a coin's price went up by a power of ten, or more than rise_most, and stayed",
        ("repair", "flag", "refuse"),
    ),
    Fault(
        "lost_zeros", "a coin's price fell by a power of ten and stayed: redenomination or crash",
        ("refuse", "repair", "flag"),
    ),
    Fault(
        "ticker_reuse", "another level after a long gap, or any after a longer one",
        ("new_series", "flag", "refuse"),
    ),
    Fault("gap", "more than max_gap sessions without a row", ("flag", "refuse", "off")),
    Fault("missing_day", "a session without a row", ("flag", "off")),
    Fault(
        "too_many_missing", "more than max_missing of the sessions have no row",
        ("flag", "refuse", "off"),
    ),
    Fault("bad_event", "an impossible split ratio or dividend; left out", ("repair", "refuse")),
    Fault("event_moved", "event of a dropped row, taken to the next row", ("repair", "refuse")),
    Fault(
        "unexplained_adjustment", "the vendor's adjustment is in no price; left out",
        ("repair", "flag", "refuse"),
    ),
    Fault("odd_split", "a split seen in the price whose ratio is no fraction", ("flag", "off")),
    Fault(
        "adjustment_differs", "total return differs from the vendor's adjusted close",
        ("flag", "refuse", "off"),
    ),
    Fault("constant", "one price throughout", ("refuse", "flag", "off")),
    Fault(
        "mixed_series", "more than max_leaps leaps: two securities under one name",
        ("refuse", "flag", "off"),
    ),
    Fault("loss", "more rows than max_loss are faulty", ("refuse", "flag")),
)  # fmt: skip

_BY_NAME = {fault.name: fault for fault in FAULTS}


def fault_named(name: str) -> Fault:
    """The class of this name."""
    return _BY_NAME[name]
