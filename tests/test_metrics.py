"""Metrics against a second computation in plain Python, hand figures and QuantStats."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
import re
import statistics
from pathlib import Path

import pandas as pd
import pytest

from analyzers import metrics as m

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
KEYS = (
    "cagr volatility sharpe sortino calmar max_drawdown max_drawdown_days skew kurtosis var_95 "
    "cvar_95 beta alpha_annual turnover_half_annual turnover_traded_annual commission_annual "
    "slippage_annual carry_annual gross_mean net_mean hit_rate sessions periods_per_year start "
    "end starting_cash final_value"
).split()


def make_run(sessions: int = 300, frequency: str = "B", seed: int = 1) -> dict:
    """A book of two assets with three rebalances, one stop and some carry."""
    draw = random.Random(seed)
    dates = pd.date_range("2019-03-04", periods=sessions, freq=frequency, name="date")
    marks = {name: [100.0] for name in "AB"}
    for _ in range(sessions - 1):
        for name in "AB":
            marks[name].append(marks[name][-1] * (1 + draw.gauss(0.0003, 0.012)))
    prices = pd.DataFrame(marks, index=dates)
    plan = [(0, "A", 40.0), (0, "B", -30.0), (100, "A", -15.0), (100, "B", 5.0)]
    plan += [(200, "A", 10.0)]
    fills = pd.DataFrame(
        [
            {
                "date": dates[row],
                "decision_date": dates[row] - pd.Timedelta(days=1) if not row else dates[row - 1],
                "symbol": name,
                "reason": "rebalance",
                "size": size,
                "price": prices[name].iloc[row] * (1 + 0.001 * math.copysign(1, size)),
                "commission": 1.5,
                "slippage": abs(size) * prices[name].iloc[row] * 0.001,
            }
            for row, name, size in plan
        ]
    )
    stop = fills.iloc[-1].to_dict() | {"date": dates[250], "reason": "stop", "size": -4.0}
    fills = pd.concat([fills, pd.DataFrame([stop])], ignore_index=True)
    carry = pd.DataFrame(
        {"date": dates[[5, 60]], "symbol": ["B", ""], "kind": ["borrow", "interest"]}
    ).assign(amount=[-7.0, 3.0])
    cash, held, rows = 10_000.0, {"A": 0.0, "B": 0.0}, []
    orders, accruals = fills.to_dict("records"), carry.to_dict("records")
    for row, date in enumerate(dates):
        for fill in [order for order in orders if order["date"] == date]:
            cash -= fill["size"] * fill["price"] + fill["commission"]
            held[fill["symbol"]] += fill["size"]
        cash += sum(entry["amount"] for entry in accruals if entry["date"] == date)
        worth = [held[name] * marks[name][row] for name in "AB"]
        long, short = sum(w for w in worth if w > 0), sum(w for w in worth if w < 0)
        rows.append((cash + long + short, cash, long, short, 0.0))
    values = pd.DataFrame(rows, index=dates, columns=["value", "cash", "long", "short", "margin"])
    before = [10_000.0, *values["value"].iloc[:-1]]
    decided = [dates[0] - pd.Timedelta(days=1), dates[99], dates[199], dates[-1]]
    weights = pd.DataFrame(
        [
            {"decision_date": date, "symbol": name, "score": 0.0, "target_weight": weight}
            for date, pair in zip(decided, [(0.4, -0.3), (0.2, -0.25), (0.35, 0.0), (9.0, 9.0)])
            for name, weight in zip("AB", pair)
        ]
    )
    return {
        "values": values,
        "fills": fills,
        "carry": carry,
        "weights": weights,
        "returns": pd.Series(values["value"].to_numpy() / before - 1, index=dates),
        "benchmark": prices["A"].pct_change().fillna(0.0).rename("equal_weight"),
        "prices": prices,
    }


def plain_metrics(run: dict, cash: float, periods: int, rate_annual: float) -> dict:
    """The same definitions once more, as loops over Python lists."""
    nav = [cash, *run["values"]["value"].tolist()]
    r = [nav[k + 1] / nav[k] - 1 for k in range(len(nav) - 1)]
    b = run["benchmark"].tolist()
    dates = [stamp.date() for stamp in run["values"].index]
    rate = math.exp(math.log(1 + rate_annual) / periods) - 1
    n, mean, sd = len(r), statistics.fmean(r), statistics.stdev(r)
    years = n / periods
    out = {"volatility": sd * math.sqrt(periods)}
    out["sharpe"] = (mean - rate) * periods / out["volatility"]
    below = sum(min(x - rate, 0) ** 2 for x in r)
    out["sortino"] = (mean - rate) * periods / math.sqrt(below / n * periods)
    out["cagr"] = math.exp(math.log(nav[-1] / cash) * 365.25 / (dates[-1] - dates[0]).days) - 1
    peak, peak_date, deepest, longest, recovering = cash, dates[0], 0.0, 0, False
    for value, date in zip(nav[1:], dates):
        deepest = min(deepest, value / peak - 1)
        recovering = recovering or value < peak
        if recovering:
            longest = max(longest, (date - peak_date).days)
        if value >= peak:
            peak, peak_date, recovering = value, date, False
    out |= {"max_drawdown": deepest, "max_drawdown_days": longest}
    out["calmar"] = out["cagr"] / -deepest
    moment = [sum((x - mean) ** k for x in r) / n for k in range(5)]
    g1, g2 = moment[3] / moment[2] ** 1.5, moment[4] / moment[2] ** 2 - 3
    out["skew"] = g1 * math.sqrt(n * (n - 1)) / (n - 2)
    out["kurtosis"] = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6)
    order, place = sorted(r), 0.05 * (n - 1)
    low = int(place)
    out["var_95"] = order[low] + (place - low) * (order[low + 1] - order[low])
    out["cvar_95"] = statistics.fmean([x for x in r if x <= out["var_95"]])
    out["beta"] = statistics.covariance(r, b) / statistics.variance(b)
    out["alpha_annual"] = (mean - rate - out["beta"] * (statistics.fmean(b) - rate)) * periods
    mean_nav = statistics.fmean(nav[1:])
    fills = run["fills"].to_dict("records")
    traded = sum(abs(f["size"] * f["price"]) for f in fills if f["reason"] == "rebalance")
    out["turnover_traded_annual"] = traded / mean_nav / years
    out["turnover_half_annual"] = plain_half_turnover(run) / years
    for kind in ("commission", "slippage"):
        out[f"{kind}_annual"] = sum(f[kind] for f in fills) / mean_nav / years
    out["carry_annual"] = sum(run["carry"]["amount"].tolist()) / mean_nav / years
    sides = run["values"][["value", "long", "short"]].to_numpy().tolist()
    out["gross_mean"] = statistics.fmean([(up - down) / v for v, up, down in sides])
    out["net_mean"] = statistics.fmean([(up + down) / v for v, up, down in sides])
    out["hit_rate"] = sum(x > 0 for x in r) / n
    out |= {"sessions": n, "periods_per_year": periods, "starting_cash": cash}
    out |= {"start": dates[0].isoformat(), "end": dates[-1].isoformat(), "final_value": nav[-1]}
    return out


def plain_half_turnover(run: dict) -> float:
    """Sum over the decisions that were traded; the last one has no session after it."""
    total = 0.0
    table = run["weights"].to_dict("records")
    for date in sorted({row["decision_date"] for row in table})[:-1]:
        for name in "AB":
            target = sum(
                row["target_weight"]
                for row in table
                if row["decision_date"] == date and row["symbol"] == name
            )
            units = sum(
                fill["size"]
                for fill in run["fills"].to_dict("records")
                if fill["symbol"] == name and fill["date"] <= date
            )
            worth = units * run["prices"][name][date] / run["values"]["value"][date] if units else 0
            total += abs(target - worth) / 2
    return total


@pytest.mark.parametrize(("frequency", "periods"), [("B", 252), ("D", 365)])
def test_agree_with_a_second_computation(frequency: str, periods: int) -> None:
    run = make_run(frequency=frequency)
    found = m.compute_metrics(
        **run, starting_cash=10_000.0, periods_per_year=periods, cash_annual=0.02
    )
    expected = plain_metrics(run, 10_000.0, periods, 0.02)
    assert list(found) == KEYS
    assert set(expected) == set(KEYS)
    for name in KEYS:
        if isinstance(expected[name], str):
            assert found[name] == expected[name], name
        else:
            assert found[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-12), name


def test_are_plain_json_numbers() -> None:
    found = m.compute_metrics(**make_run(), starting_cash=10_000.0, periods_per_year=252)
    assert {type(value) for value in found.values()} <= {int, float, str}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_half_turnover_needs_prices() -> None:
    run = make_run()
    del run["prices"]
    found = m.compute_metrics(**run, starting_cash=10_000.0, periods_per_year=252)
    assert found["turnover_half_annual"] is None
    assert found["turnover_traded_annual"] > 0


def test_half_turnover_by_hand() -> None:
    # First decision: from cash to (0.6, -0.4): (0.6 + 0.4) / 2 = 0.5.
    # Second: 6 A at 110 and -4 B at 90 in a NAV of 1100: 0.6 and -0.327272...; targets are
    # (0, 0.5) and a new C at 0.1: (0.6 + 0.827272... + 0.1) / 2 = 0.763636...
    dates = pd.date_range("2020-01-01", periods=3, name="date")
    values = pd.DataFrame({"value": [1000.0, 1100.0, 1100.0]}, index=dates)
    fills = pd.DataFrame({"date": dates[[0, 0]], "symbol": ["A", "B"], "size": [6.0, -4.0]})
    prices = pd.DataFrame({"A": [100.0, 110, 110], "B": [100.0, 90, 90]}, index=dates)
    weights = pd.DataFrame(
        {
            "decision_date": [dates[0] - pd.Timedelta(days=1)] * 2 + [dates[1]] * 2,
            "symbol": ["A", "B", "B", "C"],
            "target_weight": [0.6, -0.4, 0.5, 0.1],
        }
    )
    found = m.half_turnover(values, fills, weights, prices)
    assert found.tolist() == pytest.approx([0.5, 0.7636363636363636], abs=1e-12)


@pytest.mark.parametrize("sessions", [0, 1, 2, 3, 4])
def test_short_runs_have_every_key_and_no_nan(sessions: int) -> None:
    run = make_run()
    dates = run["values"].index[:sessions]
    cut = {
        name: table[table["date"].isin(dates)] if "date" in table else table[:sessions]
        for name, table in run.items()
        if name != "weights"
    }
    found = m.compute_metrics(
        **cut, weights=run["weights"], starting_cash=10_000.0, periods_per_year=252
    )
    assert list(found) == KEYS
    json.dumps(found, allow_nan=False)
    assert found["sessions"] == sessions
    assert (found["volatility"] is None) == (sessions < 2)
    assert (found["kurtosis"] is None) == (sessions < 4)
    assert (found["start"] is None) == (sessions == 0)


def test_a_cash_benchmark_has_no_beta() -> None:
    run = make_run()
    run["benchmark"] = run["benchmark"].rename("cash")
    found = m.compute_metrics(**run, starting_cash=10_000.0, periods_per_year=252)
    assert found["beta"] is None and found["alpha_annual"] is None


def test_a_book_below_zero_has_no_growth_rate() -> None:
    run = make_run(sessions=300)
    run["values"].iloc[-1, 0] = -5.0
    found = m.compute_metrics(**run, starting_cash=10_000.0, periods_per_year=252)
    assert found["cagr"] is None and found["calmar"] is None and found["gross_mean"] is None
    json.dumps(found, allow_nan=False)


def test_the_page_names_every_metric_and_every_difference() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in KEYS:
        assert f"`{name}`" in text, name
    differences = text.split("## Differences from QuantStats")[1]
    rows = re.findall(r"^\| `(\w+)`", differences, flags=re.M)
    assert {"cagr", "var_95", "cvar_95", "hit_rate", "max_drawdown_days", "calmar"} <= set(rows)


def test_dates_of_any_unit_and_class() -> None:
    run = make_run(sessions=300)
    as_seconds = {
        name: (
            table.set_axis(table.index.as_unit("s"))
            if isinstance(table.index, pd.DatetimeIndex)
            else table
        )
        for name, table in run.items()
    }
    options = {"starting_cash": 10_000.0, "periods_per_year": 252}
    assert m.compute_metrics(**as_seconds, **options) == m.compute_metrics(**run, **options)
    assert dt.date.fromisoformat(m.compute_metrics(**run, **options)["start"])
