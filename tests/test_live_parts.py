"""What live sessions are made of: names of bars, hours of trading, complete rows, bands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.live import check_live
from configs.load import load_config
from feeds.bar_labels import bar_day, bar_label, bar_stamp
from feeds.errors import ConfigError, DataError, OutputError
from feeds.panel import Panel
from feeds.session_hours import is_session_hour
from runs.decisions import fillable_row
from runs.live_bars import behind, complete_rows, universe
from runs.live_book import Drift
from runs.live_status import write_status
from strategies.execution.account import Account
from strategies.execution.account_state import row_of
from strategies.execution.basket import Basket, Limits
from strategies.execution.costs import make_carry, make_trading_costs
from strategies.execution.plan import Plan
from strategies.execution.rules import AccountRules
from tests.hours_case import panel_of_hours
from tests.live_case import CONFIG


def hours(bars: np.ndarray, classes: tuple[str, ...], began: str = "2026-01-05T00") -> Panel:
    """A panel of hours with a price of 100 where `bars` is True."""
    return panel_of_hours(np.where(bars, 100.0, np.nan), classes, began)


def test_a_bar_is_named_by_its_day_or_by_its_hour_in_utc():
    assert bar_label(np.datetime64("2026-01-05T14", "h")) == "2026-01-05T14:00Z"
    assert bar_label(np.datetime64("2026-01-05", "D")) == "2026-01-05"
    assert bar_stamp("2026-01-05T14:00Z") == np.datetime64("2026-01-05T14", "h")
    assert bar_stamp("2026-01-05").dtype == "datetime64[D]"
    assert bar_day("2026-01-05T23:00Z") == bar_day("2026-01-05")
    with pytest.raises(ValueError):
        bar_stamp("yesterday:00Z")


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(-400_000, 900_000), st.sampled_from(["h", "D"]))
def test_names_of_bars_go_there_and_back_and_sort_as_time_does(number, unit):
    stamp = np.datetime64(number if unit == "h" else number // 24, unit)
    back = bar_stamp(bar_label(stamp))
    assert back == stamp and back.dtype == stamp.dtype
    assert bar_label(stamp) < bar_label(stamp + 1)


def test_a_day_is_no_row_of_hours():
    panel = hours(np.ones((30, 1), dtype=bool), ("crypto",))
    assert row_of(panel, "2026-01-06T02:00Z") == 26
    with pytest.raises(DataError, match="booked 2026-01-05"):
        row_of(panel, "2026-01-05")


@pytest.mark.parametrize(
    ("hour", "trades"),
    [
        # New York is five hours behind in January: 9:30 to 16:00 are 14:30 to 21:00.
        ("2026-01-05T13", False),
        ("2026-01-05T14", True),
        ("2026-01-05T20", True),
        ("2026-01-05T21", False),
        # Four hours behind in July.
        ("2026-07-06T13", True),
        ("2026-07-06T20", False),
        # A Saturday, New Year's Day, and the Monday after the clocks changed.
        ("2026-01-03T15", False),
        ("2026-01-01T15", False),
        ("2026-03-09T13", True),
    ],
)
def test_stocks_trade_in_session_hours_alone(hour, trades):
    assert is_session_hour(np.array([hour], dtype="datetime64[h]")).tolist() == [trades]


def test_a_row_is_complete_once_nobody_has_to_be_waited_for():
    bars = np.ones((10, 2), dtype=bool)
    assert complete_rows(hours(bars, ("crypto", "crypto")), 2) == 10
    bars[9, 1] = False
    assert complete_rows(hours(bars, ("crypto", "crypto")), 2) == 9
    assert behind(hours(bars, ("crypto", "crypto")), 2) == ["A1"]
    # A gap inside stays one: what came after it is there.
    bars[9, 1], bars[8, 1] = True, False
    assert complete_rows(hours(bars, ("crypto", "crypto")), 2) == 10
    # Late by two: the first of them waits until two rows have followed it.
    bars[8:, 1] = False
    assert complete_rows(hours(bars, ("crypto", "crypto")), 2) == 8
    # Late by three: it is waited for no more, for the newest row either.
    bars[7:, 1] = False
    assert complete_rows(hours(bars, ("crypto", "crypto")), 2) == 8
    bars[6:, 1] = False
    assert complete_rows(hours(bars, ("crypto", "crypto")), 2) == 10
    assert behind(hours(bars, ("crypto", "crypto")), 2) == []


def test_a_stock_is_waited_for_in_session_hours_alone():
    bars = np.ones((10, 2), dtype=bool)
    bars[9, 1] = False
    # The last of the ten hours is 14:00 to 15:00 UTC of a Monday in January, or one later.
    assert complete_rows(hours(bars, ("crypto", "equity"), "2026-01-05T05"), 2) == 9
    assert complete_rows(hours(bars, ("crypto", "equity"), "2026-01-05T12"), 2) == 10


def test_a_book_with_stocks_is_ranked_in_hours_in_which_it_trades_and_will():
    """A Monday in January: New York trades from the hour of 14:00 UTC to that of 20:00."""
    bars = np.ones((24, 2), dtype=bool)
    mixed, coins = hours(bars, ("crypto", "equity")), hours(bars, ("crypto", "crypto"))
    assert [row for row in range(24) if fillable_row(mixed, row)] == list(range(14, 20))
    assert all(fillable_row(coins, row) for row in range(24))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(1, 4), st.lists(st.booleans(), min_size=12, max_size=12), st.data())
def test_complete_rows_never_go_back_as_bars_arrive(max_age, pattern, data):
    """Time goes on by a row, or a late bar arrives: what was complete stays complete."""
    bars = np.ones((12, 2), dtype=bool)
    bars[1:, 1] = pattern[1:]
    stop = data.draw(st.integers(2, 11))
    before = complete_rows(hours(bars[:stop], ("crypto", "crypto")), max_age)
    assert complete_rows(hours(bars[: stop + 1], ("crypto", "crypto")), max_age) >= before


def test_the_universe_of_a_configuration_is_what_is_waited_for():
    panel = hours(np.ones((4, 3), dtype=bool), ("crypto",) * 3)
    assert universe(panel, None) is panel
    assert universe(panel, ("A2", "A0")).assets.tolist() == ["A0", "A2"]


def test_a_drift_is_past_a_limit_on_either_side_and_beta_only_where_asked():
    assert Drift(-0.03, 0.0).past({"dollar": 0.02, "beta": None})
    assert Drift(0.0, -0.03).past({"dollar": 0.02, "beta": 0.02})
    assert not Drift(0.02, 0.02).past({"dollar": 0.02, "beta": 0.02})
    assert not Drift(0.0, None).past({"dollar": 0.02, "beta": 0.02})


def test_a_basket_that_belongs_together_waits_until_all_of_it_has_a_bar():
    """A pair of 100 each side; the short has no bar in row 1, so both fill in row 2."""
    bars = np.ones((4, 2), dtype=bool)
    bars[1, 1] = False
    panel = hours(bars, ("crypto", "crypto"))
    schemes = {"crypto": {"scheme": "none"}}
    costs = make_trading_costs(panel, schemes, schemes, "made up", 7)
    carry = make_carry(
        panel,
        borrow_annual={},
        funding_annual={},
        cash_annual=0.0,
        short_rebate_annual=0.0,
        day_count=365,
    )
    rules = AccountRules(1000.0, Limits(0.0, 0.25), 10, {}, None)
    filled = {}
    for together in (False, True):
        account = Account(panel, costs, carry, replace(rules, together=together))
        account.step(0)
        column, none, lot = np.array([0, 1]), np.zeros(2), np.full(2, 1e-8)
        account.submit(Plan(0, Basket(column, none, np.array([1.0, -1.0]), lot), "close"))
        filled[together] = []
        for row in (1, 2):
            account.step(row)
            filled[together].append(account.position.tolist())
    assert filled[False] == [[1.0, 0.0], [1.0, -1.0]]
    assert filled[True] == [[0.0, 0.0], [1.0, -1.0]]


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("dollar: 0.02, beta: 0.03", "dollar: 0.001, beta: 0.03", "not wider than"),
        ("dollar: 0.002, beta: 0.004", "dollar: 0.002", "asks for nothing"),
        ("calendar: 24/7", "calendar: XNYS", "do not fit data.calendar"),
        ("fill: next_close", "fill: next_close, spread_over: 3", "execution.spread_over"),
        ("gross: 1.0", "gross: 1.0\n  stagger: 3", "portfolio.stagger"),
        ("fill: next_close", "fill: next_close, participation_rate: 0.1", "fills a basket in"),
        ("max_age: 2", "max_age: 0", "max_age"),
        ("poll_seconds: 60", "poll_second: 60", "poll_seconds"),
    ],
)
def test_bands_that_cannot_be_kept_are_refused(tmp_path: Path, before, after, problem):
    path = tmp_path / "live.yaml"
    assert before in CONFIG
    path.write_text(CONFIG.replace(before, after).replace("DIR", "data/none"))
    with pytest.raises(ConfigError, match=problem) as told:
        check_live(load_config(path, []))
    assert len(str(told.value).splitlines()) <= 3


def test_the_status_is_replaced_as_a_whole(tmp_path: Path):
    folder = tmp_path / "signals"
    with pytest.raises(OutputError, match="cannot write"):
        write_status(folder, {"state": "waiting"})
    folder.mkdir()
    write_status(folder, {"state": "waiting"})
    write_status(folder, {"state": "stopped"})
    assert json.loads((folder / "status.json").read_text()) == {"state": "stopped"}
    assert [path.name for path in folder.iterdir()] == ["status.json"]
