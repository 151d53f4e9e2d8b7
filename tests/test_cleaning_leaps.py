"""Cleaning: prints against crashes, splits that nobody told, new levels, reused tickers."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.cleaning import CleaningRules, clean_table
from tests.cleaning_case import clean, ordinary, returns, scaled, sessions, told

NAN = float("nan")
CRYPTO = Path("../shared/data/crypto_daily.csv.gz")
CLASSES = pytest.mark.parametrize("asset_class", ["equity", "crypto"])


def _bars(asset_class: str, count: int = 60, **options) -> pd.DataFrame:
    return ordinary(count, coin=asset_class == "crypto", **options)


def _day(bars: pd.DataFrame, row: int) -> str:
    return str(bars.index[row])[:10]


def _set(bars: pd.DataFrame, row: int, **cells: float) -> pd.DataFrame:
    bars = bars.copy()
    for name, value in cells.items():
        bars.iloc[row, bars.columns.get_loc(name)] = value
    return bars


def _print(bars: pd.DataFrame, row: int, what: str, factor: float) -> pd.DataFrame:
    """A wrong print: in the close, in close and the end of the range, or in the whole bar."""
    if what == "bar":
        return scaled(bars, slice(row, row + 1), factor)
    bars = _set(bars, row, close=bars["close"].iloc[row] * factor)
    if what == "close":
        return bars
    if factor > 1:
        return _set(bars, row, high=bars["close"].iloc[row] * 1.01)
    return _set(bars, row, low=bars["close"].iloc[row] * 0.99)


@CLASSES
@pytest.mark.parametrize("what", ["close", "close and range", "bar"])
def test_a_hundredfold_print_does_not_survive(asset_class, what):
    bars = _bars(asset_class)
    cleaned = clean(_print(bars, 30, what, 100.0), asset_class)
    fault = "close_outside_range" if what == "close" else "spike"
    assert told(cleaned) == [(fault, "drop", _day(bars, 30))]
    assert returns(cleaned).abs().max() < 0.1


@CLASSES
@pytest.mark.parametrize("what", ["close", "bar"])
def test_a_print_at_a_hundredth_does_not_survive(asset_class, what):
    bars = _bars(asset_class)
    cleaned = clean(_print(bars, 30, what, 0.01), asset_class)
    fault = "close_outside_range" if what == "close" else "spike"
    assert told(cleaned) == [(fault, "drop", _day(bars, 30))]
    assert returns(cleaned).abs().max() < 0.1


@CLASSES
@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_a_print_in_closes_alone_does_not_survive(asset_class, factor):
    bars = _bars(asset_class).assign(open=NAN, high=NAN, low=NAN, volume=NAN)
    cleaned = clean(_print(bars, 30, "close", factor), asset_class)
    assert told(cleaned) == [("spike", "drop", _day(bars, 30))]


def test_a_row_without_volume_confirms_no_level():
    """A price nobody traded at, a print at the same level, and back: both are wrong."""
    bars = scaled(_bars("equity"), slice(30, 32), 100.0)
    level = bars["close"].iloc[30]
    bars = _set(bars, 30, open=level, high=level, low=level, volume=0.0)
    cleaned = clean(bars)
    assert told(cleaned) == [("spike", "drop", _day(bars, row)) for row in (30, 31)]


def test_a_decimal_that_slipped_for_a_day_does_not_survive():
    """Seen on 2015-09-04 and 2016-11-10 in real data: a tenth of the price, ordinary volume."""
    bars = _bars("equity")
    cleaned = clean(scaled(bars, slice(30, 31), 0.1))
    assert told(cleaned) == [("spike", "drop", _day(bars, 30))]


@CLASSES
def test_a_crash_that_was_traded_down_survives_at_once(asset_class):
    """From 100 to 1 within the day: the range leads from the close before to the close."""
    bars = scaled(_bars(asset_class), slice(30, None), 0.01)
    before = bars["close"].iloc[29]
    bars = _set(bars, 30, open=before, high=before * 1.02)
    cleaned = clean(bars, asset_class)
    assert told(cleaned) == [("real_move", "flag", _day(bars, 30))]
    assert len(cleaned.table) == 60
    assert returns(cleaned).iloc[29] == pytest.approx(-0.99, abs=0.002)


def test_a_fall_to_next_to_nothing_for_a_day_is_a_print():
    """Below a thousandth within the day, as VERI on 2017-06-11, and back the next day."""
    bars = _bars("crypto")
    bars = _set(bars, 30, close=bars["close"].iloc[30] / 5000, low=bars["close"].iloc[30] / 5100)
    assert told(clean(bars, "crypto")) == [("spike", "drop", _day(bars, 30))]


def test_a_stock_that_falls_over_night_on_many_times_its_volume_survives():
    """A failed trial: -80 % at the open, the whole bar below, twenty times the volume."""
    bars = scaled(_bars("equity"), slice(30, None), 0.2)
    bars.iloc[30, bars.columns.get_loc("volume")] *= 20
    cleaned = clean(bars)
    assert told(cleaned) == [("real_move", "flag", _day(bars, 30))]
    assert returns(cleaned).iloc[29] == pytest.approx(-0.8, abs=0.01)


def test_a_takeover_that_triples_a_stock_over_night_survives():
    bars = scaled(_bars("equity"), slice(30, None), 3.0)
    bars.iloc[30, bars.columns.get_loc("volume")] *= 50
    cleaned = clean(bars)
    assert told(cleaned) == [("real_move", "flag", _day(bars, 30))]
    assert len(cleaned.table) == 60


def test_a_rise_beyond_the_limit_is_held_back_a_day_and_loses_no_return():
    """Eight times over night: the next bar confirms it, with the whole return."""
    bars = scaled(_bars("equity"), slice(30, None), 8.0)
    bars.iloc[30:32, bars.columns.get_loc("volume")] *= 50
    cleaned = clean(bars)
    assert told(cleaned) == [
        ("spike", "drop", _day(bars, 30)), ("real_move", "flag", _day(bars, 31)),
    ]  # fmt: skip
    assert returns(cleaned).iloc[29] == pytest.approx(7.0, rel=0.05)
    assert cleaned.infos["X"].accepted == (_day(bars, 31),)


def test_another_security_under_the_name_makes_no_return():
    """A preferred share's price for 20 days, on a tenth of the traded value: in and out."""
    bars = scaled(_bars("equity"), slice(30, 50), 0.23)
    bars.iloc[30:50, bars.columns.get_loc("volume")] *= 0.4
    cleaned = clean(bars)
    # Back at the old level it trades 2.5 times the units of the days before, not 3.
    days = [_day(bars, 31), _day(bars, 51)]
    assert told(cleaned, "level_change") == [("level_change", "repair", day) for day in days]
    assert returns(cleaned).abs().max() < 0.1


@pytest.mark.parametrize(("action", "fault"), [("flag", "level_change"), ("refuse", None)])
def test_a_new_level_may_be_kept_or_refused(action, fault):
    bars = scaled(_bars("equity"), slice(30, None), 0.06)
    rules = CleaningRules(actions={"level_change": action})
    cleaned = clean(bars, rules=rules)
    if fault is None:
        assert "level_change" in cleaned.refused["X"]
        return
    assert ("level_change", "flag", _day(bars, 31)) in told(cleaned)
    assert returns(cleaned).min() == pytest.approx(-0.94, abs=0.01)
    again = clean_table(cleaned.table, cleaned.infos, rules)
    assert len(again.table) == len(cleaned.table)


def test_a_leap_that_the_rules_accept_is_taken_as_it_is():
    bars = scaled(_bars("crypto"), slice(30, None), 0.0001)
    rules = CleaningRules(accept={"X": (_day(bars, 30),)})
    cleaned = clean(bars, "crypto", rules)
    assert told(cleaned) == [] and len(cleaned.table) == 60


SPLITS = [
    (2, 1),
    (3, 2),
    (3, 1),
    (4, 1),
    (7, 1),
    (10, 1),
    (20, 1),
    (1, 2),
    (1, 5),
    (1, 10),
    (1, 30),
]


@pytest.mark.parametrize(("new", "old"), SPLITS)
def test_a_split_that_nobody_told_is_repaired(new, old):
    ratio = new / old
    bars = scaled(_bars("equity"), slice(30, None), 1 / ratio)
    bars.iloc[30:, bars.columns.get_loc("volume")] *= ratio
    cleaned = clean(bars)
    assert told(cleaned) == [("unadjusted_split", "repair", _day(bars, 30))]
    assert cleaned.table.frame("X")["split_ratio"].iloc[30] == pytest.approx(ratio, rel=1e-12)
    assert returns(cleaned).abs().max() < 0.1


@pytest.mark.parametrize(("new", "old"), [(2, 1), (5, 1), (1, 5)])
def test_a_leap_of_the_size_of_a_split_on_heavy_volume_is_none(new, old):
    ratio = new / old
    bars = scaled(_bars("equity"), slice(30, None), 1 / ratio)
    bars.iloc[30, bars.columns.get_loc("volume")] *= 20 * max(ratio, 1)
    cleaned = clean(bars)
    assert told(cleaned, "unadjusted_split", "level_change") == []
    assert (cleaned.table["split_ratio"] == 1).all()


def test_a_coin_that_halves_on_an_ordinary_day_is_told_and_kept():
    bars = scaled(_bars("crypto"), slice(30, None), 0.5)
    bars.iloc[30:, bars.columns.get_loc("volume")] *= 2
    cleaned = clean(bars, "crypto")
    assert told(cleaned) == [("unadjusted_split", "flag", _day(bars, 30))]
    assert len(cleaned.table) == 60 and (cleaned.table["split_ratio"] == 1).all()


def test_a_leap_between_two_split_ratios_is_none():
    bars = scaled(_bars("equity"), slice(30, None), 1 / 1.75)
    bars.iloc[30:, bars.columns.get_loc("volume")] *= 1.75
    assert told(clean(bars), "unadjusted_split") == []


def test_what_moves_by_half_of_itself_often_is_not_split():
    """A warrant with moves of a tenth a day that halves."""
    rng = np.random.default_rng(5)
    bars = _bars("equity")
    closes = 1.0 * np.exp(np.cumsum(rng.choice([-0.1, 0.1], 60)))
    closes[30:] *= 0.5 * closes[29] / closes[30]
    for name in ("open", "high", "low", "close"):
        bars[name] = closes
    bars.iloc[30:, bars.columns.get_loc("volume")] *= 2
    assert told(clean(bars), "unadjusted_split") == []


@pytest.mark.parametrize("closes_only", [False, True])
def test_without_volume_a_split_is_told_and_not_repaired(closes_only):
    bars = scaled(_bars("equity").assign(volume=NAN), slice(30, None), 2 / 3)
    if closes_only:
        bars = bars.assign(open=NAN, high=NAN, low=NAN)
    cleaned = clean(bars)
    assert told(cleaned) == [("unadjusted_split", "flag", _day(bars, 30))]
    assert (cleaned.table["split_ratio"] == 1).all() and len(cleaned.table) == 60


def test_a_split_that_the_source_tells_is_no_leap():
    bars = scaled(_bars("equity"), slice(30, None), 0.1)
    bars = _set(bars, 30, split_ratio=10.0)
    cleaned = clean(bars)
    assert told(cleaned) == []
    assert returns(cleaned).abs().max() < 0.1


@pytest.mark.parametrize("factor", [10.0, 1000.0, 1e6])
def test_a_coin_whose_price_gains_zeros_was_redenominated(factor):
    bars = scaled(_bars("crypto"), slice(30, None), factor)
    bars.iloc[30:, bars.columns.get_loc("volume")] /= factor
    cleaned = clean(bars, "crypto")
    assert told(cleaned, "redenomination") == [("redenomination", "repair", _day(bars, 31))]
    assert cleaned.table.frame("X")["split_ratio"].iloc[30] == 1 / factor
    assert returns(cleaned).abs().max() < 0.1


def test_a_coin_that_comes_back_as_another_makes_no_fortune():
    # A token was relaunched under its name: 17 days without a bar, 43,000 times the price.
    bars = scaled(_bars("crypto"), slice(40, None), 43_000.0).drop(_bars("crypto").index[23:40])
    cleaned = clean(bars, "crypto")
    assert [fault for fault, _, _ in told(cleaned, "redenomination")] == ["redenomination"]
    assert returns(cleaned).abs().max() < 0.2


@pytest.mark.parametrize("factor", [0.001, 1e-6])
def test_a_coin_whose_price_loses_zeros_is_refused_unless_its_cap_goes_on(factor):
    bars = scaled(_bars("crypto"), slice(30, None), factor)
    bars.iloc[30:, bars.columns.get_loc("volume")] *= 0.5
    assert "lost_zeros" in clean(bars, "crypto").refused["X"]
    with_cap = bars.assign(market_cap=1e9)
    cleaned = clean(with_cap, "crypto")
    assert told(cleaned, "redenomination") == [("redenomination", "repair", _day(bars, 31))]
    assert returns(cleaned).abs().max() < 0.1
    fallen = bars.assign(market_cap=np.where(np.arange(60) < 30, 1e9, 1e9 * factor))
    assert "lost_zeros" in clean(fallen, "crypto").refused["X"]


def _with_gap(level: float, gap: int, asset_class: str = "equity") -> pd.DataFrame:
    """30 bars, `gap` sessions without one, 30 bars at `level` times the price."""
    bars = _bars(asset_class, 60 + gap)
    return scaled(bars, slice(30 + gap, None), level).drop(bars.index[30 : 30 + gap])


@pytest.mark.parametrize(
    ("level", "gap", "asset_class", "reused"),
    [
        (0.4, 31, "equity", True),
        (3.0, 31, "equity", True),
        (0.4, 28, "equity", False),
        (1.2, 60, "equity", False),
        (1.2, 61, "equity", True),
        (3.0, 91, "crypto", True),
        (1.2, 91, "crypto", False),
        (1.2, 366, "crypto", True),
    ],
)
def test_another_company_under_an_old_ticker_is_another_series(level, gap, asset_class, reused):
    bars = _with_gap(level, gap, asset_class)
    cleaned = clean(bars, asset_class)
    assert cleaned.table.symbols == (("X", "X.2") if reused else ("X",))
    assert bool(told(cleaned, "ticker_reuse")) == reused
    assert bool(told(cleaned, "gap")) != reused
    assert len(told(cleaned, "missing_day")) == (0 if reused else gap)
    if reused:
        later = cleaned.infos["X.2"]
        assert (later.symbol, later.asset_class) == ("X.2", asset_class)
        assert _day(bars, 30) in later.notes[0]
        assert len(cleaned.table.frame("X")) == len(cleaned.table.frame("X.2")) == 30
        assert returns(cleaned, "X.2").abs().max() < 0.1
        assert cleaned.rows_out == {"X": 60}


def test_a_crash_after_a_long_halt_is_of_the_same_series():
    """80 sessions without a trade, each with its row, then a third of the price is left."""
    bars = _bars("equity", 160)
    prices = [bars.columns.get_loc(name) for name in ("open", "high", "low", "close")]
    bars.iloc[30:110, prices] = bars["close"].iloc[29]
    bars.iloc[30:110, bars.columns.get_loc("volume")] = 0.0
    bars = scaled(bars, slice(110, None), 0.33 * bars["close"].iloc[29] / bars["close"].iloc[110])
    bars.iloc[110, bars.columns.get_loc("volume")] *= 50
    cleaned = clean(bars)
    assert cleaned.table.symbols == ("X",)
    assert told(cleaned, "real_move", "ticker_reuse") == [("real_move", "flag", _day(bars, 110))]
    again = clean_table(cleaned.table, cleaned.infos)
    assert again.table.symbols == ("X",) and len(again.table) == len(cleaned.table)


def test_a_name_that_is_taken_is_not_given_to_the_later_series():
    from feeds.series_info import SeriesInfo
    from tests.cleaning_case import table_of

    table = table_of(**{"X": _with_gap(0.2, 40), "X.2": ordinary(60)})
    infos = {name: SeriesInfo(name, "equity") for name in table.symbols}
    cleaned = clean_table(table, infos)
    assert cleaned.table.symbols == ("X", "X.3", "X.2") and cleaned.table.is_sorted()


def test_a_reused_ticker_may_be_told_only():
    rules = CleaningRules(actions={"ticker_reuse": "flag"})
    cleaned = clean(_with_gap(0.4, 40), rules=rules)
    assert cleaned.table.symbols == ("X",) and len(told(cleaned, "ticker_reuse")) == 1


def test_a_placeholder_price_before_a_listing_makes_no_return():
    """Four odd trades at 0.70, then the first day of trading at 12: not a gain of 1600 %."""
    bars = _bars("equity")
    bars.iloc[:4, :4] = 0.7
    bars.iloc[:4, bars.columns.get_loc("volume")] = 3000.0
    cleaned = clean(bars)
    assert [row[0] for row in told(cleaned)] == ["spike", "level_change"]
    assert returns(cleaned).abs().max() < 0.1


def test_two_securities_that_take_turns_are_refused():
    bars = _bars("equity", 200)
    for row in range(20, 190, 14):
        bars = scaled(bars, slice(row, row + 7), 0.2)
        bars.iloc[row : row + 7, bars.columns.get_loc("volume")] *= 0.5
    cleaned = clean(bars, rules=CleaningRules(actions={"loss": "flag"}))
    assert "mixed_series" in cleaned.refused["X"] and "max_leaps" in cleaned.refused["X"]
    rules = CleaningRules(actions={"loss": "flag", "mixed_series": "flag"})
    assert len(told(clean(bars, rules=rules), "mixed_series")) == 1


def test_prints_may_be_left_or_refuse_the_symbol():
    bars = _print(_bars("equity"), 30, "bar", 100.0)
    assert told(clean(bars, rules=CleaningRules(actions={"spike": "off"})), "spike") == []
    assert len(clean(bars, rules=CleaningRules(actions={"spike": "off"})).table) == 60
    assert "spike" in clean(bars, rules=CleaningRules(actions={"spike": "refuse"})).refused["X"]


def _coin(rows: list[tuple[str, float, float, float, float]]) -> pd.DataFrame:
    """30 days at the first open, then days as given (open, high, low, close)."""
    first = pd.Timestamp(rows[0][0])
    head = pd.date_range(first - pd.Timedelta(days=30), periods=30)
    level = rows[0][1]
    wiggle = np.where(np.arange(30) % 2, 1.01, 0.99) * level
    wiggle[-1] = level
    prices = [(close, close * 1.01, close * 0.99, close) for close in wiggle]
    prices += [row[1:] for row in rows]
    bars = pd.DataFrame(prices, columns=["open", "high", "low", "close"])
    bars.index = head.append(pd.DatetimeIndex([row[0] for row in rows])).rename("date")
    return bars.assign(volume=1e9 + np.arange(len(bars)), split_ratio=1.0, dividend=0.0)


#: LUNA (now LUNC) in dollars, rounded from public daily charts.
LUNA = [
    ("2022-05-08", 68.3, 69.0, 60.8, 64.1), ("2022-05-09", 64.1, 64.8, 30.0, 30.3),
    ("2022-05-10", 30.3, 39.0, 13.8, 17.5), ("2022-05-11", 17.5, 18.0, 0.73, 1.08),
    ("2022-05-12", 1.08, 1.26, 0.0042, 0.0051), ("2022-05-13", 0.0051, 0.0069, 0.0000016, 0.000046),
    ("2022-05-14", 0.000046, 0.00094, 0.000045, 0.00033),
    ("2022-05-15", 0.00033, 0.00035, 0.00017, 0.00022),
]  # fmt: skip
#: Bitcoin in dollars around 2020-03-12, rounded.
BITCOIN = [
    ("2020-03-10", 7920, 8150, 7740, 7910), ("2020-03-11", 7910, 7980, 7590, 7940),
    ("2020-03-12", 7910, 7970, 4860, 4970), ("2020-03-13", 5020, 5840, 4110, 5560),
    ("2020-03-14", 5540, 5550, 5080, 5200),
]  # fmt: skip


@pytest.mark.parametrize("days", [LUNA, BITCOIN], ids=["LUNA", "BTC"])
@pytest.mark.parametrize("scale", [1.0, NAN])
def test_real_crashes_survive(days, scale):
    bars = _coin(days)
    cleaned = clean(bars.assign(volume=bars["volume"] * scale), "crypto")
    assert cleaned.refused == {} and cleaned.rows_out == {"X": 30 + len(days)}
    assert {row[0] for row in told(cleaned)} <= {"real_move"}
    assert (cleaned.table["split_ratio"] == 1).all()


def test_a_crash_in_closes_alone_loses_a_day_and_no_return():
    """LUNA's closes only: nothing leads from 1.08 to 0.0051, until the next day falls further."""
    bars = _coin(LUNA).assign(open=NAN, high=NAN, low=NAN, volume=NAN)
    rules = CleaningRules(actions={"lost_zeros": "flag"})
    cleaned = clean(bars, "crypto", rules)
    assert cleaned.refused == {} and (cleaned.table["split_ratio"] == 1).all()
    assert np.prod(1 + returns(cleaned)) == pytest.approx(0.00022 / bars["close"].iloc[0], rel=1e-9)


@pytest.mark.skipif(not CRYPTO.exists(), reason="needs the shared data")
def test_bitconnect_survives_its_collapse():
    with gzip.open(CRYPTO, "rt") as stream:
        raw = pd.read_csv(stream, keep_default_na=False, na_values={"market_cap": [""]})
    own = raw[raw["symbol"] == "BCC"].set_index(
        pd.DatetimeIndex(raw.loc[raw["symbol"] == "BCC", "date"])
    )
    bars = own.rename_axis("date")[["open", "high", "low", "close", "volume"]].astype(float)
    bars = bars.assign(split_ratio=1.0, dividend=0.0)
    cleaned = clean(bars, "crypto", volume_unit="currency")
    after = cleaned.table.frame("X")
    # From 256 to 19.28 on 2018-01-16: within spike_down of 20, and traded there.
    assert len(after) == len(bars) == cleaned.rows_out["X"]
    assert after.loc["2018-01-16", "close"] == 19.28
    assert after.loc["2018-02-07", "close"] == 2.46
    assert told(cleaned, "spike", "level_change", "lost_zeros", "real_move") == []


def test_sessions_of_the_case_are_those_of_the_exchange():
    assert sessions(252)[-1] == "2016-12-30"
