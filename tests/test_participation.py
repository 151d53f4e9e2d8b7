"""The participation cap: how much of a ticket a session's volume lets through, and the rest."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.recorder import journal_tables
from feeds.errors import ConfigError
from strategies.execution.basket import Basket
from strategies.execution.capacity import ParticipationCap, check_participation, cut_basket
from strategies.execution.commission import FixedCommission
from tests.engine_case import events_of, fills_of, make_account, make_plan, run_account

NAN = np.nan


def capped(panel, rate=0.1, **given):
    return make_account(panel, participation_rate=rate, **given)


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


def test_each_plan_reports_its_own_cuts(make_panel):
    account = run_account(capped(volumes(make_panel, [300] * 6)), {0: [80.0], 2: [150.0]})
    assert events_of(account, "participation") == [(1, 0), (3, 0)]


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
