"""Carry whose rates change, against amounts worked out by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from analyzers.recorder import journal_tables
from configs.load import load_config
from feeds.errors import ConfigError
from strategies.execution.carry import Carry
from strategies.execution.costs import make_carry
from tests.engine_case import make_account, make_plan, rebuilt_values, run_account

NAN = float("nan")
DAY = dt.date.fromisoformat


def carry(panel, *, borrow=None, funding=None, cash=0.0, rebate=0.0, **options):
    given = {"borrow_annual": borrow or {}, "funding_annual": funding or {}, "cash_annual": cash}
    return make_carry(panel, **given, short_rebate_annual=rebate, day_count=365, **options)


def booked(panel, given, units, *, cash=10_000.0):
    """{(kind, symbol): amounts by row} of a book entered on row 1 and held."""
    account = run_account(make_account(panel, carry=given, cash=cash), {0: units})
    tables = journal_tables(account.journal, panel)
    rebuilt = rebuilt_values(tables, cash)
    np.testing.assert_allclose(rebuilt, tables["values"]["value"], rtol=1e-12)
    out: dict[tuple, dict] = {}
    for date, symbol, kind, amount in tables["carry"].itertuples(index=False):
        row = int(np.searchsorted(panel.dates, np.datetime64(date, "D")))
        out.setdefault((kind, symbol), {})[row] = amount
    return out


def test_numbers_make_the_plain_carry(make_panel):
    assert type(carry(make_panel(), borrow={"equity": 0.01}, cash=0.02, rebate=0.01)) is Carry


def test_steps_hold_from_their_date_on_and_the_first_before_it(make_panel):
    # Friday 3, Monday 6, Tuesday 7, Wednesday 8 January 2020; a fill on Monday.
    panel = make_panel(np.ones((4, 1)), calendar="XNYS", start="2020-01-03")
    steps = [{"from": DAY("2020-01-06"), "rate": 0.365}, {"from": DAY("2020-01-07"), "rate": 0.73}]
    found = booked(panel, carry(panel, borrow={"equity": steps}), [-1000.0])
    # 1,000 x 0.365 / 365 = 1 for the night from Monday, 2 for the one from Tuesday.
    assert found == {("borrow", "A00"): {2: pytest.approx(-1.0), 3: pytest.approx(-2.0)}}
    later = [{"from": DAY("2021-01-01"), "rate": 0.365}]
    found = booked(panel, carry(panel, borrow={"equity": later}), [-1000.0])
    assert found[("borrow", "A00")] == {2: pytest.approx(-1.0), 3: pytest.approx(-1.0)}


def test_a_weekend_accrues_at_the_rate_of_its_friday(make_panel):
    # Thursday 2, Friday 3, Monday 6: filled on Friday, the step is on Saturday.
    panel = make_panel(np.ones((3, 1)), calendar="XNYS", start="2020-01-02")
    steps = [{"from": DAY("2020-01-01"), "rate": 0.0365}, {"from": DAY("2020-01-04"), "rate": 9.9}]
    found = booked(panel, carry(panel, cash=steps), [1000.0], cash=5000.0)
    # 4,000 of cash x 0.0365 x 3 / 365 = 1.20.
    assert found == {("interest", ""): {2: pytest.approx(1.2)}}


def test_tiers_go_by_the_market_cap_of_the_session_before(make_panel):
    caps = np.array([[1e9, 5e9], [1e9, 1e9], [3e9, NAN], [1.0, 5e9]])
    panel = make_panel(np.ones((4, 2)), market_cap=caps)
    tiers = {"by": "market_cap", "tiers": [{"from": 0, "rate": 0.73}, {"from": 2e9, "rate": 0.365}]}
    found = booked(panel, carry(panel, borrow={"equity": tiers}), [-1000.0, -2000.0], cash=1e5)
    # A00: 1e9 the day before row 2, 3e9 before row 3. A01: 1e9, then not known, the first tier.
    assert found[("borrow", "A00")] == {2: pytest.approx(-2.0), 3: pytest.approx(-1.0)}
    assert found[("borrow", "A01")] == {2: pytest.approx(-4.0), 3: pytest.approx(-4.0)}


def test_tiers_go_by_the_mean_traded_value_of_63_sessions(make_panel):
    # 100 a day until row 69, 1,630 on it: the mean of rows 7..69 is (62 x 100 + 1,630) / 63 =
    # 124.3, from the next session on.
    volume = np.full((72, 1), 100.0)
    volume[69] = 1630.0
    panel = make_panel(np.ones((72, 1)), volume=volume)
    tiers = {"by": "dollar_volume", "tiers": [{"from": 0, "rate": 0.5}, {"from": 124, "rate": 0.1}]}
    given = carry(panel, borrow={"equity": tiers})
    rates = -given.tables["borrow"][:, 0]
    # Before there are 63 sessions it is not known, and the first tier holds.
    assert rates[:70].tolist() == [0.5] * 70 and rates[70:].tolist() == [0.1, 0.1]
    assert given.borrow_annual == pytest.approx([rates.mean()])


def test_a_coins_bars_hold_its_weekends(make_panel):
    # Five sessions a week, each of 7/5 x 100: 100 a calendar day.
    panel = make_panel(
        np.ones((140, 1)),
        calendar="XNYS",
        asset_class=["crypto"],
        volume=np.full((140, 1), 140.0),
        start="2021-01-04",
    )
    tiers = {"by": "dollar_volume", "tiers": [{"from": 0, "rate": 0.5}, {"from": 101, "rate": 0.1}]}
    given = carry(panel, borrow={"crypto": tiers})
    # 63 x 140 = 8,820 over 87 to 91 days: 101.4 to 96.9 a day, where a session has 140.
    assert set(given.tables["borrow"][70:, 0].tolist()) == {-0.5, -0.1}


def test_a_borrow_figure_is_a_rate_a_year_of_the_day_before(make_panel):
    fee = np.array([[9.0], [0.365], [NAN], [7.0]])
    panel = make_panel(np.ones((4, 1)), figures={"fee": fee})
    given = carry(panel, borrow={"equity": {"figure": "fee", "missing_annual": 0.73}})
    found = booked(panel, given, [-1000.0])
    assert found == {("borrow", "A00"): {2: pytest.approx(-1.0), 3: pytest.approx(-2.0)}}
    assert given.notes == (
        "fee is not known on 1 of 4 bars of equity; shorts carry 0.73 a year then.",
    )


def test_funding_is_a_rate_a_day_of_the_days_themselves(make_panel):
    # Thursday 2, Friday 3 and Monday 6 January: three days at the mean of them.
    funding = np.array([[9.0], [9.0], [0.001]])
    panel = make_panel(
        np.ones((3, 1)),
        calendar="XNYS",
        start="2020-01-02",
        asset_class=["crypto"],
        figures={"funding_rate": funding},
    )
    entry = {"crypto": {"figure": "funding_rate", "missing_annual": 0.0}}
    # A short receives 1,000 x 0.001 x 3; a perpetual earns no rebate.
    found = booked(panel, carry(panel, funding=entry, rebate=0.5), [-1000.0])
    assert found == {("funding", "A00"): {2: pytest.approx(3.0)}}


def test_a_published_series_is_a_months_return_over_its_days(make_panel):
    # January 2020 has 31 days: 0.0031 / 31 = 0.0001 a day; February 29: 0.0058 / 29 = 0.0002.
    panel = make_panel(np.ones((5, 1)), start="2020-01-29")
    index = pd.DatetimeIndex(["2019-12-31", "2020-01-31", "2020-02-29"])
    published = pd.DataFrame({"rf": [9.0, 0.0031, 0.0058], "smb": 0.0}, index=index)
    entry = {"series": "rf", "spread_annual": 0.0365}
    given = carry(panel, cash=entry, published=published)
    found = booked(panel, given, [1000.0], cash=11_000.0)
    # 10,000 of cash: 1 + 1 of the spread a day; from the 31st to the 1st still January's.
    first = 10_000 * 0.0002
    second = (10_000 + first) * 0.0002
    assert found[("interest", "")][2] == pytest.approx(first)
    assert found[("interest", "")][3] == pytest.approx(second)
    assert found[("interest", "")][4] == pytest.approx((10_000 + first + second) * 0.0003)
    assert given.cash_rates_at(np.array([2, 4])) == pytest.approx([0.073, 0.1095])
    assert given.cash_annual == pytest.approx(given.cash_rates.mean())


def test_a_series_may_lag_a_month_and_no_longer(make_panel):
    panel = make_panel(np.ones((65, 1)), start="2020-01-29")
    published = pd.DataFrame({"rf": [0.0031]}, index=pd.DatetimeIndex(["2020-01-31"]))
    entry = {"series": "rf", "spread_annual": 0.0}
    short = make_panel(np.ones((30, 1)), start="2020-01-29")
    # February takes January's return, over its own 29 days.
    assert carry(short, cash=entry, published=published).cash_rates[-1] == pytest.approx(
        0.0031 / 29 * 365
    )
    with pytest.raises(
        ConfigError, match="costs.carry.cash_annual.series: rf is not known in 2020"
    ):
        carry(panel, cash=entry, published=published)
    # What is before the first day that may trade need not be known.
    early = make_panel(np.ones((60, 1)), start="2019-12-03")
    assert carry(early, cash=entry, published=published, start=DAY("2020-01-02")).cash_annual > 0
    with pytest.raises(ConfigError, match="is not known in 2019-12"):
        carry(early, cash=entry, published=published)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            {"cash": {"series": "fr", "spread_annual": 0}},
            "cash_annual.series: .* publishes no 'fr'",
        ),
        ({"borrow": {"equity": {"figure": "x", "missing_annual": 0}}}, "equity.figure: .* has no"),
        ({"borrow": {"equity": {"by": "market_cap", "tiers": []}}}, "goes by market_cap, which"),
        ({"borrow": {"equity": {"by": "dollar_volume", "tiers": []}}}, "goes by dollar_volume"),
    ],
)
def test_what_the_data_lack_is_refused(make_panel, entry, problem):
    panel = make_panel(np.ones((5, 1)), volume=np.full((5, 1), NAN))
    published = pd.DataFrame({"rf": [0.1]}, index=pd.DatetimeIndex(["2020-01-31"]))
    with pytest.raises(ConfigError, match=problem) as caught:
        carry(panel, published=published, **entry)
    assert len(str(caught.value).splitlines()) == 2


def test_schedules_that_say_one_rate_throughout_come_to_the_same(make_panel):
    panel = make_panel(shape=(60, 3), calendar="XNYS", market_cap=np.full((60, 3), 1e9))
    plain = carry(panel, borrow={"equity": 0.05}, cash=0.02, rebate=0.01)
    step = [{"from": DAY("2000-01-01"), "rate": 0.02}]
    tiers = {"by": "market_cap", "tiers": [{"from": 0, "rate": 0.05}]}
    scheduled = carry(panel, borrow={"equity": tiers}, cash=step, rebate=0.01)
    tables = []
    for given in (plain, scheduled):
        account = make_account(panel, carry=given, cash=1e4)
        run_account(account, {3: [20.0, -10.0, -5.0], 20: [0.0, 10.0, -20.0]})
        tables.append(journal_tables(account.journal, panel))
    pd.testing.assert_frame_equal(tables[0]["values"], tables[1]["values"], rtol=1e-13)
    kinds = [table["carry"].groupby("kind")["amount"].sum() for table in tables]
    pd.testing.assert_series_equal(*kinds, rtol=1e-12)
    assert scheduled.borrow_annual == pytest.approx([0.05] * 3)
    assert scheduled.short_rebate_annual == pytest.approx(0.01)


def test_rows_settled_together_are_those_settled_one_by_one(make_panel):
    panel = make_panel(shape=(50, 3), calendar="XNYS", market_cap=np.full((50, 3), 1e9))
    steps = [{"from": panel.dates[n].item(), "rate": 0.01 * n} for n in (1, 9, 22)]
    given = carry(panel, borrow={"equity": steps}, cash=steps, rebate=steps)
    values = []
    for rows in (range(50), (3, 49)):
        account = make_account(panel, carry=given, cash=1e4)
        for row in rows:
            account.step(row)
            if row == 3:
                account.submit(make_plan(account, 3, [20.0, -10.0, -5.0]))
        values.append(np.concatenate([part[1] for part in account.journal.values]))
    assert values[0].tobytes() == values[1].tobytes()


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("cash_annual={serie: rf}", "unknown key costs.carry.cash_annual.serie"),
        ("cash_annual=[]", "costs.carry.cash_annual is empty"),
        (
            "cash_annual=[{from: 2012-01-01, rate: 1}, {from: 2010-01-01, rate: 2}]",
            "do not increase",
        ),
        ("cash_annual=[{from: soon, rate: 1}]", "'soon' is not a date"),
        ("cash_annual={figure: fee, missing_annual: 0}", "unknown key costs.carry.cash_annual.fig"),
        ("borrow_annual={equity: {figure: fee}}", "equity.missing_annual is missing"),
        ("borrow_annual={equity: [{from: 2012-01-01, rate: -1}]}", "pays for being short"),
        ("borrow_annual={equity: {by: cap, tiers: [{from: 0, rate: 1}]}}", "by: cap is not one of"),
        (
            "borrow_annual={equity: {by: market_cap, tiers: [{from: 1, rate: 1}]}}",
            "do not begin at",
        ),
        ("borrow_annual={equity: {series: rf}}", "unknown key costs.carry.borrow_annual.equity.s"),
    ],
)
def test_wrong_schedules_are_refused(override, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        load_config("configs/backtest.yaml", [f"costs.carry.{override}"])
    assert len(str(caught.value).splitlines()) <= 3
