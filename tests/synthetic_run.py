"""A made-up run of seven years, the same each time: 60 stocks and one coin, monthly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analyzers.result import RunResult

LABELS = {
    "value_proxy": "Value (proxy: long-run return)",
    "size_proxy": "Size (proxy: dollar volume)",
    "momentum": "Momentum",
}


def synthetic_run(years: int = 7, seed: int = 7, benchmark: str = "equal_weight") -> RunResult:
    """A result whose tables have the shapes and signs of the contract, `years` >= 1 long."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2010-02-01", periods=252 * years, name="date")
    market = rng.normal(0.0004, 0.01, len(dates))
    factors = pd.DataFrame(
        rng.normal(0.0001, 0.004, (len(dates), 3)), index=dates, columns=list(LABELS)
    )
    returns = pd.Series(
        0.1 * market + factors.to_numpy() @ [0.5, 0.2, 0.6] + rng.normal(0.0, 0.002, len(dates)),
        index=dates,
        name="portfolio",
    )
    value = 1e6 * (1 + returns).cumprod()
    values = pd.DataFrame({"value": value}, index=dates)
    values["long"] = 0.5 * value * (1 + 0.1 * np.sin(np.arange(len(dates)) / 40))
    values["short"] = -0.5 * value
    values["cash"] = value - values["long"] - values["short"]
    values["margin"] = 0.25 * (values["long"] - values["short"])
    decisions = dates[:-1][dates[:-1].month != dates[1:].month]
    universe = pd.Series(market, index=dates, name="universe")
    chosen = {"equal_weight": market, "cash": np.zeros(len(dates))}.get(benchmark, market[::-1])
    ranks = _ranks(rng)
    return RunResult(
        name="Value, size and momentum <made up>",
        config={"name": "made up", "costs": {"carry": {"cash_annual": 0.0}}},
        values=values,
        fills=_fills(dates, decisions, values, rng),
        carry=pd.DataFrame(
            {"date": dates[5:8], "symbol": ["S03", "S03", "BTC"], "kind": "borrow", "amount": -2.5}
        ),
        weights=ranks[["symbol", "score", *LABELS, "target_weight"]].assign(
            decision_date=decisions[-1]
        ),
        positions=pd.DataFrame(columns=["date", "symbol", "size", "shares", "close", "value"]),
        prices=pd.DataFrame({"S01": 100 * (1 + market).cumprod()}, index=dates),
        returns=returns,
        benchmark=pd.Series(chosen, index=dates, name=benchmark),
        universe=universe,
        factor_returns=factors,
        published=None,
        sleeves=_sleeves(decisions),
        ranks=ranks,
        labels=dict(LABELS),
        asset_class={**{f"S{number:02d}": "equity" for number in range(60)}, "BTC": "crypto"},
        events=pd.DataFrame(
            {
                "date": decisions[:4],
                "symbol": ["S07", "BTC", "BTC", ""],
                "kind": ["delisting", "thin sleeve", "thin sleeve", "scaled"],
                "detail": ["merger at 12.30", "1 < 6: trend", "1 < 6: trend", "increases x 0.98"],
            }
        ),
        notes=[
            "The data set has no book values: Value is the long-run return, a proxy.",
            "Only names that survived to the end of the data are in it.",
            "Proxies: Value (proxy: long-run return); Size (proxy: dollar volume).",
        ],
        cost_sensitivity=_costs(),
        metrics=_metrics(returns, values),
        periods_per_year=252,
        warm_up=21,
        manifest={"seed": seed, "command": "python -m runs.backtest"},
    )


def published_factors(result: RunResult, seed: int = 3) -> pd.DataFrame:
    """Monthly factors over the months of `result`, as the contract has them."""
    months = result.returns.resample("ME").sum().index
    drawn = np.random.default_rng(seed).normal(0.004, 0.03, (len(months), 4))
    frame = pd.DataFrame(drawn, index=months, columns=["mkt_rf", "smb", "hml", "mom"])
    return frame.assign(rf=0.0001)


def tearsheet_of(run: RunResult, base: Path) -> Path:
    """The tearsheet of `run`, written once in a test session: it takes seconds."""
    from analyzers.tearsheet import write_tearsheet

    path = base / f"tearsheet-{len(run.returns)}.html"
    return path if path.exists() else write_tearsheet(run, path)


def _fills(dates, decisions, values, rng) -> pd.DataFrame:
    rows = []
    for decision in decisions:
        day = dates[dates.get_loc(decision) + 1]
        for k in range(4):
            size = float(np.round(rng.normal(0, 400)))
            rows.append(
                (day, decision, f"S{k:02d}", "rebalance", size, 100.0, 99.9, 1.5, 2.5, size)
            )
    rows.append((dates[40], pd.NaT, "S07", "delisting", -12.0, 12.3, 12.3, 0.0, 0.0, -12.0))
    columns = ["date", "decision_date", "symbol", "reason", "size", "price", "reference_price"]
    return pd.DataFrame(rows, columns=[*columns, "commission", "slippage", "shares"])


def _sleeves(decisions: pd.DatetimeIndex) -> pd.DataFrame:
    late = np.arange(len(decisions)) > len(decisions) // 2
    columns = {
        "equity_long": np.where(late, 0.45, 0.5),
        "equity_short": np.where(late, -0.45, -0.5),
        "crypto_long": np.where(late, 0.1, 0.0),
        "crypto_short": np.zeros(len(decisions)),
        "cash": np.where(late, 0.9, 1.0),
    }
    return pd.DataFrame(columns, index=decisions.rename("decision_date"))


def _ranks(rng: np.random.Generator) -> pd.DataFrame:
    symbols = [*(f"S{k:02d}" for k in range(60)), "BTC"]
    frame = pd.DataFrame({"symbol": symbols, "asset_class": ["equity"] * 60 + ["crypto"]})
    for name in LABELS:
        frame[name] = rng.uniform(-1, 1, 61)
    frame.loc[5, "value_proxy"] = np.nan
    frame["score"] = frame[list(LABELS)].mean(axis=1)
    frame = frame.sort_values("score", ascending=False, ignore_index=True)
    frame["rank"] = np.arange(1, 62)
    frame["side"] = ["long"] * 12 + [""] * 37 + ["short"] * 12
    frame["target_weight"] = [0.0375] * 12 + [0.0] * 37 + [-0.0375] * 12
    frame["price"] = 100.0
    return frame


def _costs() -> pd.DataFrame:
    rows = [
        {
            "scale": scale,
            "method": method,
            "cagr": 0.06 - 0.012 * scale - slope * scale,
            "volatility": 0.08,
            "sharpe": 0.75 - 0.15 * scale,
            "max_drawdown": -0.12 - 0.01 * scale,
            "turnover_traded_annual": 4.2,
            "cost_annual": 0.012 * scale,
            "final_value": 1.5e6 - 9e4 * scale,
        }
        for method, slope in (("re-priced", 0.0), ("re-run", 0.001))
        for scale in (0.0, 0.5, 1.0, 2.0, 4.0)
    ]
    return pd.DataFrame(rows)


def _metrics(returns: pd.Series, values: pd.DataFrame) -> dict:
    return {
        "cagr": 0.0512,
        "volatility": float(returns.std() * 252**0.5),
        "sharpe": 0.64,
        "sortino": 0.95,
        "calmar": 0.4,
        "max_drawdown": -0.1234,
        "max_drawdown_days": 611,
        "skew": -0.01,
        "kurtosis": 0.1,
        "var_95": -0.006,
        "cvar_95": -0.008,
        "beta": 0.1,
        "alpha_annual": None,
        "turnover_half_annual": 2.1,
        "turnover_traded_annual": 4.2,
        "commission_annual": 0.004,
        "slippage_annual": 0.008,
        "carry_annual": -0.002,
        "gross_mean": 1.0,
        "net_mean": 0.01,
        "hit_rate": 0.52,
        "sessions": len(returns),
        "periods_per_year": 252,
        "start": str(returns.index[0].date()),
        "end": str(returns.index[-1].date()),
        "starting_cash": 1e6,
        "final_value": float(values["value"].iloc[-1]),
    }
