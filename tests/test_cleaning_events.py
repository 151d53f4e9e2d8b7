"""Cleaning: splits and dividends, given as events or by a vendor's adjusted close."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from feeds.cleaning import CleaningRules, clean_table
from tests.cleaning_case import clean, ordinary, returns, scaled, sessions, told

NAN = float("nan")


def _day(row: int) -> str:
    return sessions(row + 1)[row]


def _set(bars: pd.DataFrame, row: int, **cells: float) -> pd.DataFrame:
    bars = bars.copy()
    for name, value in cells.items():
        bars.iloc[row, bars.columns.get_loc(name)] = value
    return bars


def _adjusted(bars: pd.DataFrame, events: dict[int, float]) -> pd.DataFrame:
    """With a vendor's adjusted close, whose steps over a bar are `events` times the close's.

    The level is that of the last close, as vendors have it: it depends on all later events.
    """
    steps = np.ones(len(bars))
    for row, paid in events.items():
        steps[row] = paid
    growth = np.cumprod(steps)
    # Vendors print closes in single precision and adjust what they had before.
    adjusted = bars["close"].astype("float32").astype("float64") * growth / growth[-1]
    return bars.assign(adjusted=adjusted)


def _events(cleaned) -> dict[str, tuple[float, float]]:
    bars = cleaned.table.frame("X")
    rows = bars[(bars["split_ratio"] != 1) | (bars["dividend"] != 0)]
    return {
        str(day)[:10]: (row["split_ratio"], row["dividend"]) for day, row in rows.iterrows()
    }  # fmt: skip


def test_a_dividend_is_the_step_of_the_adjusted_close():
    bars = ordinary()
    cleaned = clean(_adjusted(bars, {30: 1.02}))
    # (1.02 - 1) x close of the ex-date.
    expected = 0.02 * bars["close"].iloc[30]
    assert told(cleaned) == [] and "adjusted" not in cleaned.table.columns
    assert list(_events(cleaned)) == [_day(30)]
    assert _events(cleaned)[_day(30)] == (1.0, pytest.approx(expected, rel=1e-5))


def test_the_noise_of_single_precision_is_no_event():
    rng = np.random.default_rng(3)
    bars = _adjusted(ordinary(), {})
    bars["adjusted"] *= 1 + rng.uniform(-4e-5, 4e-5, 60)
    assert _events(clean(bars)) == {}


@pytest.mark.parametrize("ratio", [2.0, 1.5, 4.0, 7.0, 0.1, 1 / 3, 0.04, 6.5, 1.05, 1.25])
def test_a_fraction_that_the_price_shows_is_a_split(ratio):
    bars = _adjusted(scaled(ordinary(), slice(30, None), 1 / ratio), {30: ratio * (1 + 1e-6)})
    cleaned = clean(bars)
    assert _events(cleaned) == {_day(30): (pytest.approx(ratio, rel=1e-12), 0.0)}
    assert told(cleaned) == [] and returns(cleaned).abs().max() < 0.1


def test_a_dividend_on_the_day_of_a_split_is_kept():
    bars = scaled(ordinary(), slice(30, None), 0.5)
    cleaned = clean(_adjusted(bars, {30: 2 * 1.004}))
    expected = 0.004 * bars["close"].iloc[30]
    assert _events(cleaned) == {_day(30): (2.0, pytest.approx(expected, rel=1e-4))}


def test_a_spin_off_is_paid_and_told():
    """58 % of the price went with it: 1 - 1 / 2.376 of the close before, in cash's worth."""
    bars = scaled(ordinary(), slice(30, None), 1 / 2.376)
    cleaned = clean(_adjusted(bars, {30: 2.376}))
    expected = (1 - 1 / 2.376) * bars["close"].iloc[29]
    assert _events(cleaned) == {_day(30): (1.0, pytest.approx(expected, rel=1e-5))}
    assert ("odd_split", "flag", _day(30)) in told(cleaned)
    assert returns(cleaned).abs().max() < 0.1


def test_a_large_payment_is_no_split_for_being_near_some_fraction():
    """2.91 of 3.30 were paid: 3.30 / 0.39 = 110 / 13, and the holder made 19 %, not 159 %."""
    bars = scaled(ordinary(), slice(30, None), 0.306)
    bars.iloc[30, bars.columns.get_loc("volume")] *= 50
    cleaned = clean(_adjusted(bars, {30: 110 / 13}))
    expected = (1 - 13 / 110) * bars["close"].iloc[29]
    assert _events(cleaned) == {_day(30): (1.0, pytest.approx(expected, rel=1e-5))}
    assert returns(cleaned).iloc[29] == pytest.approx(0.306 + 1 - 13 / 110 - 1, abs=0.01)


@pytest.mark.parametrize("paid", [2.0, 0.1, 1.4, 0.95, 15.5])
def test_an_adjustment_that_is_in_no_price_is_left_out(paid):
    bars = _adjusted(ordinary(), {30: paid})
    cleaned = clean(bars)
    assert _events(cleaned) == {}
    assert told(cleaned, "unexplained_adjustment") == [
        ("unexplained_adjustment", "repair", _day(30))
    ]
    row = cleaned.log.table().iloc[0]
    assert row["before"] == pytest.approx(paid, rel=1e-6) and row["after"] == 1.0
    assert told(cleaned, "adjustment_differs") == [("adjustment_differs", "flag", _day(30))]


def test_an_adjustment_far_beyond_the_price_leaves_the_return_unknown():
    """Half the price is gone and 3.9 is told: some event there was, and no return is made of it."""
    bars = _adjusted(scaled(ordinary(), slice(30, None), 0.55), {30: 3.9})
    cleaned = clean(bars)
    assert told(cleaned, "unexplained_adjustment") != []
    assert returns(cleaned).abs().max() < 0.1


def test_an_unexplained_adjustment_may_be_believed_or_refused():
    bars = _adjusted(ordinary(), {30: 0.95})
    kept = clean(bars, rules=CleaningRules(actions={"unexplained_adjustment": "flag"}))
    assert _events(kept) == {_day(30): (pytest.approx(0.95, rel=1e-6), 0.0)}
    rules = CleaningRules(actions={"unexplained_adjustment": "refuse"})
    assert "unexplained_adjustment" in clean(bars, rules=rules).refused["X"]


def test_what_was_paid_over_a_dropped_row_is_in_the_next():
    """A wrong print on the ex-date goes; the dividend is that of the row after it."""
    bars = _adjusted(ordinary(), {30: 1.02})
    factor = bars["adjusted"].iloc[30] / bars["close"].iloc[30]
    bars = scaled(bars, slice(30, 31), 100.0)
    bars.iloc[30, bars.columns.get_loc("adjusted")] = factor * bars["close"].iloc[30]
    cleaned = clean(bars)
    expected = 0.02 * bars["close"].iloc[31]
    assert _events(cleaned) == {_day(31): (1.0, pytest.approx(expected, rel=1e-5))}


def test_an_adjustment_broken_by_a_print_does_not_poison_the_rest():
    """The vendor took a print of 0.02 for two splits: 1 : 2000 out, and 2000 : 1 before it."""
    bars = ordinary()
    close = bars["close"].iloc[30]
    bars = scaled(bars, slice(30, 31), 0.02 / close)
    bars = _adjusted(bars, {31: 0.02 / close})
    cleaned = clean(bars)
    assert told(cleaned, "spike") == [("spike", "drop", _day(30))]
    assert _events(cleaned) == {} and returns(cleaned).abs().max() < 0.1


def test_a_split_that_the_vendor_missed_is_seen_beside_the_noise_of_its_adjusted_close():
    bars = scaled(ordinary(), slice(30, None), 0.5)
    bars.iloc[30:, bars.columns.get_loc("volume")] *= 2
    bars = _adjusted(bars, {30: 1 + 1e-7})
    cleaned = clean(bars)
    assert told(cleaned, "unadjusted_split") == [("unadjusted_split", "repair", _day(30))]
    assert _events(cleaned) == {_day(30): (2.0, 0.0)}


def test_a_row_without_an_adjusted_close_takes_the_factor_of_the_one_before():
    bars = _adjusted(ordinary(), {30: 1.02})
    bars = _set(_set(bars, 30, adjusted=NAN), 0, adjusted=NAN)
    expected = 0.02 * bars["close"].iloc[31]
    assert _events(clean(bars)) == {_day(31): (1.0, pytest.approx(expected, rel=1e-5))}


def test_the_level_of_the_adjusted_close_says_nothing():
    """It depends on later events; steps do not: cut before the last dividend, all is the same."""
    bars = ordinary()
    whole = clean(_adjusted(bars, {20: 1.01, 50: 1.03})).table.frame("X")
    cut = clean(_adjusted(bars.iloc[:40], {20: 1.01})).table.frame("X")
    expected = whole["dividend"].iloc[20]
    assert cut["dividend"].iloc[20] == pytest.approx(expected, rel=1e-5)


def test_the_adjusted_series_reproduces_the_vendors():
    bars = _adjusted(scaled(ordinary(), slice(40, None), 0.5), {10: 1.012, 25: 1.03, 40: 2.0})
    cleaned = clean(bars)
    ours = (1 + returns(cleaned)).cumprod()
    theirs = bars["adjusted"].iloc[1:] / bars["adjusted"].iloc[0]
    assert ours.to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-5)
    assert told(cleaned) == []


def test_events_that_are_given_go_before_the_adjusted_close():
    bars = _adjusted(_set(ordinary(), 30, dividend=1.0), {})
    cleaned = clean(bars)
    assert _events(cleaned) == {_day(30): (1.0, 1.0)}
    assert told(cleaned) == [("adjustment_differs", "flag", _day(30))]


@pytest.mark.parametrize(
    ("cells", "left"),
    [
        ({"split_ratio": 0.0}, {}),
        ({"split_ratio": -2.0}, {}),
        ({"split_ratio": np.inf}, {}),
        ({"dividend": -1.0}, {}),
        ({"dividend": np.inf}, {}),
        # Twice the price was paid, and the price did not move.
        ({"dividend": 200.0}, {}),
        # Typed in cents.
        ({"dividend": 52.0}, {}),
    ],
)
def test_an_event_that_cannot_be_is_left_out(cells, left):
    cleaned = clean(_set(ordinary(), 30, **cells))
    assert told(cleaned) == [("bad_event", "repair", _day(30))]
    assert _events(cleaned) == left


@pytest.mark.parametrize("cells", [{"dividend": 4.0}, {"dividend": 0.01}])
def test_an_event_that_can_be_is_left(cells):
    cleaned = clean(_set(ordinary(), 30, **cells))
    assert told(cleaned) == [] and _events(cleaned) == {_day(30): (1.0, cells["dividend"])}


def test_a_liquidating_dividend_larger_than_the_close_is_real():
    """90 of 100 are paid out and the price falls to 10: the return is about nothing."""
    bars = scaled(ordinary(), slice(30, None), 0.1)
    paid = 9 * bars["close"].iloc[30]
    cleaned = clean(_set(bars, 30, dividend=paid))
    assert _events(cleaned) == {_day(30): (1.0, paid)} and told(cleaned) == []


def test_an_event_that_is_not_given_is_none():
    cleaned = clean(ordinary().assign(split_ratio=NAN, dividend=NAN))
    assert told(cleaned) == [] and _events(cleaned) == {}
    assert cleaned.table["split_ratio"].tolist() == [1.0] * 60


def test_events_of_a_dropped_row_go_to_the_next_row():
    """2 a share are paid, then each share becomes two: 1 for each of the new ones."""
    bars = scaled(ordinary(), slice(31, None), 0.5)
    bars = _set(_set(bars, 30, close=NAN, dividend=2.0), 31, split_ratio=2.0)
    cleaned = clean(bars)
    assert _events(cleaned) == {_day(31): (2.0, 1.0)}
    assert ("event_moved", "repair", _day(31)) in told(cleaned)


def test_a_split_on_a_dropped_row_goes_to_the_next_row():
    bars = scaled(ordinary(), slice(30, None), 0.25)
    cleaned = clean(_set(bars, 30, close=NAN, split_ratio=4.0))
    assert _events(cleaned) == {_day(31): (4.0, 0.0)}
    assert returns(cleaned).abs().max() < 0.1


def test_an_event_of_a_wrong_print_is_judged_beside_the_price_it_goes_to():
    """40 were paid on a row whose price of 0.01 bears it out; the next price does not."""
    bars = scaled(ordinary(), slice(30, 31), 0.0001)
    cleaned = clean(_set(bars, 30, dividend=40.0))
    assert told(cleaned) == [
        ("spike", "drop", _day(30)),
        ("event_moved", "repair", _day(31)),
        ("bad_event", "repair", _day(31)),
    ]
    assert _events(cleaned) == {} and returns(cleaned).abs().max() < 0.1


def test_cleaning_what_was_cleaned_leaves_events_alone():
    bars = _adjusted(scaled(ordinary(), slice(40, None), 0.5), {10: 1.012, 40: 2.0})
    cleaned = clean(bars)
    again = clean_table(cleaned.table, cleaned.infos)
    for name in cleaned.table.columns:
        assert again.table[name].tolist() == cleaned.table[name].tolist()
