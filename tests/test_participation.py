"""The participation cap: how much of a ticket a session's volume lets through, and the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.recorder import journal_tables
from feeds.errors import ConfigError
from strategies.execution.account import Account, AccountRules
from strategies.execution.basket import Basket, Limits
from strategies.execution.capacity import ParticipationCap, check_participation, cut_basket
from strategies.execution.commission import FixedCommission, PercentCommission
from strategies.execution.costs import Carry
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import (
    RETURNS,
    events_of,
    fills_of,
    make_costs,
    make_plan,
    rebuilt_values,
    run_account,
)

NAN = np.nan


def capped(panel, rate=0.1, *, cash=1000.0, commission=None, slippage=None, **rules):
    columns = panel.shape[1]
    zeros = np.zeros(columns)
    limits = Limits(rules.pop("buffer", 0.0), rules.pop("margin", 0.25))
    given_rules = AccountRules(cash, limits, rules.pop("stale_after", 10), RETURNS, rate)
    carry = rules.pop("carry", None) or Carry(zeros, zeros)
    return Account(panel, make_costs(columns, commission, slippage), carry, given_rules)


def volumes(make_panel, volume, price=10.0, **fields):
    """Assets at one price throughout, with the volume (T,) or (T, N) given."""
    volume = np.array(volume, dtype=float)
    volume = volume[:, None] if volume.ndim == 1 else volume
    return make_panel(np.full(volume.shape, price), volume=volume, **fields)


def sizes(account):
    return [(row, name, size) for row, name, _, size, _, _ in fills_of(account)]


# The ticket and what is left of it


def test_a_ticket_fills_its_share_of_each_sessions_volume_until_it_is_done(make_panel):
    # 10 % of 300, 200, 0 and 1,000: 30, 20, nothing, and the 30 that are left of 80.
    panel = volumes(make_panel, [500, 300, 200, 0, 1000, 1000])
    account = run_account(capped(panel), {0: [80.0]})
    assert sizes(account) == [(1, "A00", 30.0), (2, "A00", 20.0), (4, "A00", 30.0)]
    table = journal_tables(account.journal, panel)["fills"]
    assert set(table["decision_date"]) == {panel.dates[0].astype("datetime64[ns]")}
    assert events_of(account, "participation") == [(1, 0)], "once a ticket"
    assert account.waiting.tolist() == []


def test_without_a_rate_there_is_no_cap(make_panel):
    account = run_account(capped(volumes(make_panel, [1, 1, 1]), None), {0: [80.0]})
    assert sizes(account) == [(1, "A00", 80.0)]


def test_the_next_plan_cancels_what_is_left(make_panel):
    account = run_account(capped(volumes(make_panel, [300] * 6)), {0: [80.0], 2: [45.0]})
    # 30 and 30 of the first plan; its last 20 are cancelled, and 60 held become 45.
    assert sizes(account) == [(1, "A00", 30.0), (2, "A00", 30.0), (3, "A00", -15.0)]
    assert events_of(account, "cancelled") == [(2, 0)]


def test_the_reduction_has_the_first_claim_and_the_increase_the_rest(make_panel):
    panel = volumes(make_panel, [1000, 1000, 300, 300, 300])
    account = run_account(capped(panel), {0: [50.0], 1: [-20.0]})
    # A flip of -70 at 30 a session: -30 and -20 close the 50, of which 10 of the second session
    # are left for the short; the third has room for the other 10.
    assert sizes(account)[1:] == [(2, "A00", -30.0), (3, "A00", -30.0), (4, "A00", -10.0)]
    assert account.position.tolist() == [-20.0]


def test_what_the_scale_factor_leaves_out_is_not_carried_on(make_panel):
    # 150 units of 10 for a cash of 1,000, at most 120 a session: on row 1 the 120 are scaled to
    # 100. The 30 beyond the cap wait, find no cash on row 2, and are gone.
    panel = volumes(make_panel, [1200] * 4)
    account = run_account(capped(panel), {0: [150.0]}, lot=0.5)
    assert sizes(account) == [(1, "A00", 100.0)]
    assert events_of(account, "scaled") == [(1, -1)]
    assert events_of(account, "rejected") == [(2, -1)]
    assert account.waiting.tolist() == []


def test_later_parts_fill_under_the_cash_of_their_own_session(make_panel):
    # 60 of the first asset and 20 of the 40 of the second spend 800 on row 1; at 20 the 20 that
    # wait would cost 400 of the 200 that are left: half of them.
    close = np.array([[10.0, 10.0], [10.0, 10.0], [10.0, 20.0], [10.0, 20.0]])
    panel = make_panel(close, volume=np.full((4, 2), [1e6, 200.0]))
    account = run_account(capped(panel), {0: [60.0, 40.0]}, lot=0.5)
    assert sizes(account) == [(1, "A00", 60.0), (1, "A01", 20.0), (2, "A01", 10.0)]


def test_parts_are_whole_lots_and_an_exit_ends_whole(make_panel):
    # 10 % of 79 and lots of 2: 6 of the 12.5 and
    # then the 6.5 that are left, which fit below 7.9.
    panel = volumes(make_panel, [1000, 1000, 79, 79, 79, 79])
    account = capped(panel)
    for row in range(6):
        account.step(row)
        if row == 0:
            account.submit(make_plan(account, 0, [12.5], lot=0.5))
        if row == 1:
            account.submit(make_plan(account, 1, [0.0], lot=2.0))
    assert [size for _, _, size in sizes(account)] == [12.5, -6.0, -6.5]
    assert account.position.tolist() == [0.0]


def test_a_cap_below_one_lot_lets_nothing_through(make_panel):
    account = run_account(capped(volumes(make_panel, [5] * 4)), {0: [3.0]}, lot=1.0)
    assert sizes(account) == []
    assert account.waiting.tolist() == [0]


def test_a_volume_not_known_counts_as_none(make_panel):
    account = run_account(capped(volumes(make_panel, [300, NAN, 300, 300])), {0: [20.0]})
    assert sizes(account) == [(2, "A00", 20.0)]
    assert account.journal.events == [
        (1, 0, "participation", "volume not known, the ticket waits"),
    ]


def test_a_ticket_without_a_bar_waits_for_one_and_then_for_volume(make_panel):
    close = np.full((5, 1), 10.0)
    close[1] = NAN
    panel = make_panel(close, volume=np.full((5, 1), 100.0))
    account = run_account(capped(panel), {0: [15.0]})
    assert sizes(account) == [(2, "A00", 10.0), (3, "A00", 5.0)]
    assert events_of(account, "waiting") == [(1, 0)]
    assert events_of(account, "participation") == [(2, 0)]


def test_each_part_is_a_ticket_of_its_own_for_fees(make_panel):
    account = capped(volumes(make_panel, [300] * 4), commission=FixedCommission(2.0))
    run_account(account, {0: [50.0]})
    assert [fill[5] for fill in fills_of(account)] == [2.0, 2.0]


def test_a_liquidation_is_capped_in_the_lots_that_were_traded(make_panel):
    # Short 90 at 10 (cash 1,900); at 17 the value of 370 is below a quarter of 1,530. Then 45
    # a session, which lots of 10 make 40: the 90 are covered in three sessions.
    close = np.array([10.0, 10, 17, 17, 17, 17, 17])[:, None]
    panel = make_panel(close, volume=np.array([1e4, 1e4, 450, 450, 450, 450, 450])[:, None])
    account = run_account(capped(panel), {0: [-90.0]}, lot=10.0)
    assert [(fill[0], *fill[2:4]) for fill in fills_of(account)][1:] == [
        (3, "liquidation", 40.0),
        (4, "liquidation", 40.0),
        (5, "liquidation", 10.0),
    ]
    assert events_of(account, "liquidation") == [(2, -1)]


def test_a_delisting_knows_no_cap(make_panel):
    close = np.full((6, 1), 10.0)
    close[3:] = NAN
    volume = np.full((6, 1), 1e4)
    volume[2:] = 0.0
    account = run_account(capped(make_panel(close, volume=volume), stale_after=2), {0: [80.0]})
    assert sizes(account) == [(1, "A00", 80.0), (4, "A00", -80.0)]


# Units of volume


def caps(panel, row, rate=0.1):
    every = np.arange(panel.shape[1])
    return ParticipationCap(panel, rate).units(row, every, panel.close[row]).tolist()


def test_printed_volume_becomes_adjusted_units(make_panel):
    # One unit is 4 printed shares: 10 % of 800 shares are 20 units.
    fours = np.full((2, 1), 4.0)
    panel = volumes(make_panel, [800, 800], split_factor=fours)
    assert caps(panel, 1) == [20.0]


def test_volume_in_currency_is_divided_by_the_price(make_panel):
    # 10 % of 8,000 at 40: 20 units, whatever the factors.
    panel = volumes(
        make_panel,
        [8000, 8000],
        price=40.0,
        split_factor=np.full((2, 1), 4.0),
        volume_unit=np.array(["currency"]),
    )
    assert caps(panel, 1) == [20.0]


def test_a_folded_bar_counts_as_its_average_day(make_panel):
    # From Thursday 2020-01-02: rows are Thu, Fri, Mon, Tue. Monday's bar of the coin holds
    # three days. The stock has no such days.
    volume = np.full((4, 2), 300.0)
    panel = volumes(
        make_panel,
        volume,
        calendar="XNYS",
        start="2020-01-02",
        asset_class=["crypto", "equity"],
    )
    assert [caps(panel, row) for row in (1, 2, 3)] == [[30, 30], [10, 30], [30, 30]]
    everyday = volumes(make_panel, volume, start="2020-01-02", asset_class=["crypto", "equity"])
    assert caps(everyday, 2) == [30, 30]


def test_a_folded_bar_after_a_hole_holds_all_days_since_the_bar_before(make_panel):
    # The coin has no bar on Friday: Monday's holds the four days since Thursday.
    close = np.full((4, 1), 10.0)
    close[1] = NAN
    panel = make_panel(
        close,
        volume=np.full((4, 1), 400.0),
        calendar="XNYS",
        start="2020-01-02",
        asset_class=["crypto"],
    )
    assert [caps(panel, row) for row in (1, 2)] == [[0.0], [10.0]]


def test_the_first_bar_of_a_coin_holds_the_days_since_the_session_before(make_panel):
    close = np.full((4, 1), 10.0)
    close[:2] = NAN
    panel = make_panel(
        close,
        volume=np.full((4, 1), 300.0),
        calendar="XNYS",
        start="2020-01-02",
        asset_class=["crypto"],
    )
    assert caps(panel, 2) == [10.0]


def test_the_parts_of_a_cut_basket():
    basket = Basket(np.arange(4), np.array([-5.0, 0, 3, 0]), np.array([-9.0, 7, 0, -7]), np.ones(4))
    now, left = cut_basket(basket, np.array([8.0, 2.5, 4.0, 0.0]))
    assert (now.reduce.tolist(), now.increase.tolist()) == ([-5, 0, 3, 0], [-3, 2, 0, 0])
    assert (left.reduce.tolist(), left.increase.tolist()) == ([0, 0, 0, 0], [-6, 5, 0, -7])


def test_a_capacity_within_rounding_of_a_lot_keeps_it():
    # 0.3 / 0.1 is 2.9999999999999996.
    basket = Basket(np.arange(1), np.zeros(1), np.array([5.0]), np.array([0.1]))
    now, _ = cut_basket(basket, np.array([0.3]))
    assert now.increase == pytest.approx([0.3])


# Start


def test_a_cap_without_volume_is_refused_by_name(make_panel):
    volume = np.full((3, 2), [NAN, 5.0])
    panel = volumes(make_panel, volume, asset_class=["crypto", "equity"])
    check_participation(panel, None, "data/here")
    check_participation(panel.select(np.array([1])), 0.1, "data/here")
    with pytest.raises(ConfigError) as caught:
        check_participation(panel, 0.1, "data/here")
    assert str(caught.value).splitlines() == [
        "execution.participation_rate 0.1 needs volume, which data/here lacks for crypto",
        "set it to null, or choose a data set that has it",
    ]


# Any history


@st.composite
def thin_markets(draw):
    rows, columns = draw(st.integers(8, 30)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    drift = draw(st.sampled_from([0.02, 0.25]))
    close = 50 * np.exp(np.cumsum(rng.normal(0, drift, (rows, columns)), axis=0))
    for column in range(columns):
        start = rng.integers(0, 2 * rows)
        close[start : start + rng.integers(1, 7), column] = NAN
    volume = np.exp(rng.normal(5, 2, close.shape))
    volume[rng.random(close.shape) < 0.2] = 0.0
    volume[rng.random(close.shape) < 0.1] = NAN
    gross = draw(st.sampled_from([0.8, 3.0]))
    weights = {}
    for row in rng.choice(rows - 1, size=draw(st.integers(1, 4)), replace=False).tolist():
        raw = rng.normal(size=columns) * np.isfinite(close[row])
        weights[row] = raw / max(np.abs(raw).sum(), 1e-9) * gross
    return {
        "close": close,
        "volume": volume,
        "weights": weights,
        "rate": draw(st.sampled_from([0.01, 0.1, 1.0])),
        "lot": draw(st.sampled_from([1e-6, 1.0])),
        "instant": draw(st.sampled_from(["open", "close"])),
        "every_row": draw(st.booleans()),
    }


def play(make_panel, case, *, every_row):
    panel = make_panel(
        case["close"], volume=np.where(np.isfinite(case["close"]), case["volume"], NAN)
    )
    account = capped(
        panel,
        case["rate"],
        cash=1e5,
        commission=PercentCommission(20, 1.0),
        slippage=BpsSlippage(10),
        carry=Carry(np.full(panel.shape[1], 0.05), np.zeros(panel.shape[1]), 0.01),
        stale_after=4,
    )
    plans = {}
    for row in range(panel.shape[0]):
        if every_row or row in case["weights"] or row == panel.shape[0] - 1:
            account.step(row)
        if row in case["weights"] and account.is_open:
            mark = np.nan_to_num(panel.mark[row], nan=1.0)
            target = case["weights"][row] * account.value / mark
            plan = make_plan(account, row, target, lot=case["lot"], instant=case["instant"])
            plans[row] = plan.basket
            account.submit(plan)
    return panel, account, plans


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(thin_markets())
def test_no_session_trades_beyond_the_cap_and_no_plan_more_than_it_asked(make_panel, case):
    panel, account, plans = play(make_panel, case, every_row=case["every_row"])
    done = {}
    for row, decided, reason, column, size, *_ in account.journal.fills:
        if reason != "delisting":
            cap = case["rate"] * np.nan_to_num(panel.volume[row, column])
            assert np.all(np.abs(size) <= cap * (1 + 1e-9) + 1e-12)
        if reason == "rebalance":
            total = done.setdefault(decided, np.zeros(panel.shape[1]))
            total[column] += size
    for decided, total in done.items():
        asked = np.zeros(panel.shape[1])
        asked[plans[decided].column] = plans[decided].reduce + plans[decided].increase
        assert np.all(total * asked >= 0)
        assert np.all(np.abs(total) <= np.abs(asked) * (1 + 1e-9) + 1e-12)
    tables = journal_tables(account.journal, panel)
    if len(tables["values"]):
        again = rebuilt_values(tables, 1e5)
        size = np.maximum(np.abs(tables["values"]["value"]), 1.0)
        assert (np.abs(tables["values"]["value"] - again) <= 1e-9 * size).all()
    _, other, _ = play(make_panel, case, every_row=not case["every_row"])
    assert journal_tables(other.journal, panel)["fills"].to_csv() == tables["fills"].to_csv()
    assert journal_tables(other.journal, panel)["values"].to_csv() == tables["values"].to_csv()
