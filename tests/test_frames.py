"""A panel from DataFrames has their bars, and what cannot be bars is refused by name."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from feeds.errors import DataError
from feeds.frames import panel_from_frames
from strategies.execution.cerebro import PanelCerebro
from tests.ordinary.engines import adding, assert_same, bars, run_one
from tests.ordinary.scripts import Cross

NAN = np.nan


def frame(closes, start="2024-03-07", **columns):
    """Closes on consecutive days from a Thursday on."""
    index = pd.date_range(start, periods=len(closes))
    return pd.DataFrame({"close": closes, **columns}, index, dtype=float)


def test_each_bar_stands_on_its_own_day():
    one = frame([10.0, 11.0], open=[9.5, 10.5], high=[10, 12], low=[9, 10], volume=[5, 6])
    other = frame([1.0, NAN, 3.0], start="2024-03-08")
    panel = panel_from_frames({"ONE": one, "OTHER": other})
    # Thursday and Friday of ONE; Friday and Sunday of OTHER, whose Saturday is no bar.
    assert panel.dates.astype(str).tolist() == ["2024-03-07", "2024-03-08", "2024-03-10"]
    assert panel.assets.tolist() == ["ONE", "OTHER"]
    np.testing.assert_array_equal(panel.close, [[10, NAN], [11, 1], [NAN, 3]])
    np.testing.assert_array_equal(panel.open, [[9.5, NAN], [10.5, 1], [NAN, 3]])
    np.testing.assert_array_equal(panel.high, [[10, NAN], [12, 1], [NAN, 3]])
    np.testing.assert_array_equal(panel.low, [[9, NAN], [10, 1], [NAN, 3]])
    np.testing.assert_array_equal(panel.volume, [[5, NAN], [6, NAN], [NAN, NAN]])
    np.testing.assert_array_equal(panel.tradable, np.isfinite(panel.close))
    assert panel.close_only.tolist() == [False, True]
    assert panel.calendar == "24/7" and panel.next_session == np.datetime64("2024-03-11")


def test_weekdays_alone_are_the_exchanges_calendar():
    panel = panel_from_frames({"A": frame([1.0, 2.0])}, asset_class={"A": "crypto"})
    # The session after Friday the 8th is Monday the 11th.
    assert panel.calendar == "XNYS" and panel.next_session == np.datetime64("2024-03-11")
    assert panel.asset_class.tolist() == ["crypto"] and panel.price_kind.tolist() == ["adjusted"]
    given = panel_from_frames({"A": frame([1.0, 2.0])}, calendar="24/7", price_kind="traded")
    assert given.calendar == "24/7" and given.next_session == np.datetime64("2024-03-09")
    assert given.price_kind.tolist() == ["traded"] and given.available("split_factor")


def test_gaps_in_a_bar_give_way_to_what_is_known():
    given = frame([10.0, 10.0, 10.0], Open=[NAN, 12, 9], HIGH=[11, NAN, 10], low=[9, 8, NAN])
    panel = panel_from_frames({"A": given})
    assert panel.open[:, 0].tolist() == [10, 12, 9]
    assert panel.high[:, 0].tolist() == [11, 12, 10], "the open of the second day"
    assert panel.low[:, 0].tolist() == [9, 8, 9], "the open of the third day"


def test_the_frames_are_not_touched_and_not_kept():
    given = frame([1.0, 2.0])
    panel = panel_from_frames({"A": given})
    given.iloc[0, 0] = 99.0
    assert panel.close[0, 0] == 1.0 and not panel.close.flags.writeable


def test_a_script_sees_the_same_of_frames_as_of_feeds(make_panel):
    whole = bars(make_panel, (60, 3), late=[(1, 9)], ended=[(2, 40)], holed=[0])
    index = pd.DatetimeIndex(whole.dates.astype("datetime64[ns]"))
    frames = {}
    for column, name in enumerate(whole.assets.tolist()):
        fields = ("open", "high", "low", "close", "volume")
        table = {field: getattr(whole, field)[:, column] for field in fields}
        frames[name] = pd.DataFrame(table, index).dropna()
    vanilla = bt.Cerebro()
    for name, table in frames.items():
        vanilla.adddata(bt.feeds.PandasData(dataname=table), name=name)
    ours = PanelCerebro(panel_from_frames(frames))
    assert_same(run_one(vanilla, adding(Cross)).lines, run_one(ours, adding(Cross)).lines)


def indexed(index):
    return pd.DataFrame({"close": np.ones(len(index))}, index)


#: What is given, and what the refusal must name.
REFUSED = {
    "no frames": ({}, "no frame"),
    "no close": ({"A": frame([1.0]).rename(columns={"close": "Last"})}, "A: .* no column close"),
    "no bar": ({"A": frame([NAN, NAN])}, "A: the frame has no bar"),
    "no row": ({"A": frame([])}, "A: the frame has no bar"),
    "text": ({"A": frame([1.0, 2.0]).assign(open=["1,5", "x"])}, "A: column open does not hold"),
    "twice": (
        {"A": pd.concat([frame([1.0]), frame([1.0])], axis=1)},
        "A: the frame has the column close twice",
    ),
    "numbers for dates": ({"A": pd.DataFrame({"close": [1.0]})}, "A: the index holds int64"),
    "a time zone": (
        {"A": indexed(pd.date_range("2024-01-02", periods=2, tz="UTC"))},
        "A: the index has the time zone UTC",
    ),
    "a missing date": (
        {"A": indexed(pd.DatetimeIndex(["2024-01-02", None]))},
        "A: .* missing date",
    ),
    "hours": (
        {"A": indexed(pd.date_range("2024-01-02 09:30", periods=3, freq="h"))},
        "A: 2024-01-02 09:30:00 is not a day",
    ),
    "not in order": (
        {"A": indexed(pd.DatetimeIndex(["2024-01-03", "2024-01-02"]))},
        "A: 2024-01-02 comes after 2024-01-03",
    ),
    "a day twice": (
        {"A": indexed(pd.DatetimeIndex(["2024-01-02", "2024-01-02"]))},
        "A: 2024-01-02 comes after 2024-01-02",
    ),
    "a price of zero": ({"A": frame([1.0, 0.0])}, "A: close 0.0 on 2024-03-08 is not"),
    "an infinite price": ({"A": frame([1.0, np.inf])}, "A: close inf on 2024-03-08 is not"),
    "a negative low": ({"A": frame([1.0], low=[-1.0])}, "A: low -1.0 on 2024-03-07 is not"),
    "a high below the close": (
        {"A": frame([5.0], open=[4.0], high=[4.5], low=[4.0])},
        "A: high 4.5 and low 4.0 on 2024-03-07 do not hold its open 4.0 and close 5.0",
    ),
    "a negative volume": ({"A": frame([5.0], volume=[-2.0])}, "A: volume -2.0 on 2024-03-07"),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_what_is_no_daily_bar_is_refused_by_name(what):
    frames, words = REFUSED[what]
    with pytest.raises(DataError, match=words) as caught:
        panel_from_frames(frames)
    assert caught.value.remedy and str(caught.value).count("\n") <= 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"calendar": "LSE"}, "unknown calendar 'LSE'"),
        ({"price_kind": "raw"}, "unknown price_kind 'raw'"),
        ({"asset_class": {"B": "equity"}}, "A has no asset class"),
    ],
)
def test_what_is_said_of_the_frames_is_checked(given, words):
    with pytest.raises(DataError, match=words):
        panel_from_frames({"A": frame([1.0])}, **given)


def test_rounding_of_a_vendor_is_no_mistake():
    panel = panel_from_frames({"A": frame([10.0000001], open=[10.0], high=[10.0], low=[9.0])})
    assert panel.high[0, 0] == 10.0, "as given"
