"""Performance against transaction cost: the same fills at another price of trading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analyzers.metrics import (
    annual_rate,
    cagr,
    max_drawdown,
    session_rate,
    sharpe_ratio,
    traded_value,
    volatility,
)
from feeds.errors import DataError

__all__ = ["COST_COLUMNS", "SCALES", "cost_row", "cost_table", "reprice", "value_returns"]

#: Multiples of the configured cost that a table shows.
SCALES = (0.0, 0.5, 1.0, 2.0, 4.0)
COST_COLUMNS = (
    "scale",
    "method",
    "cagr",
    "volatility",
    "sharpe",
    "max_drawdown",
    "turnover_traded_annual",
    "cost_annual",
    "final_value",
)


def reprice(values: pd.DataFrame, fills: pd.DataFrame, scale: float) -> pd.Series:
    """Values of the book had its very fills cost `scale` times what they did.

    ``value_t(s) = value_t + (1 - s) x (commission + slippage cumulated up to t)``. Quantities
    and carry stay as they were: what the saved cash would have earned or bought is left out,
    which a full re-run has.

    Parameters
    ----------
    values : DataFrame
        Index date; value, in currency; T sessions.
    fills : DataFrame
        date, commission, slippage, in currency, positive; every date is one of `values`.
    scale : float
        0 trades free, 1 is the run itself.

    Returns
    -------
    Series
        (T,) values in currency on the index of `values`.

    Raises
    ------
    DataError
        If `scale` is negative, or a fill stands on a date without a value.
    """
    if not scale >= 0.0:
        raise DataError(f"cost scale {scale} is negative", "use 0 for trading free of cost")
    cost = (fills["commission"] + fills["slippage"]).astype(float).groupby(fills["date"]).sum()
    unknown = cost.index.difference(values.index)
    if len(unknown):
        raise DataError(
            f"fills on {pd.Timestamp(unknown[0]):%Y-%m-%d}, a date without a value",
            "pass the fills and the values of the same run",
        )
    paid = cost.reindex(values.index).fillna(0.0).cumsum()
    repriced = values["value"].astype(float) + (1.0 - scale) * paid
    return repriced.rename(f"value x{scale:g}")


def value_returns(value: pd.Series, starting_cash: float) -> pd.Series:
    """(T,) session returns of a series of values, the first against `starting_cash`."""
    before = value.shift(1)
    if len(before):
        before.iloc[0] = starting_cash
    return (value / before - 1.0).rename("returns")


def cost_row(
    method: str,
    scale: float,
    value: pd.Series,
    fills: pd.DataFrame,
    *,
    starting_cash: float,
    periods_per_year: int,
    cash_annual: float = 0.0,
) -> dict[str, float | str]:
    """One row of a run's ``cost_sensitivity``, from the values and fills of any run.

    Parameters
    ----------
    method : str
        ``re-priced`` or ``re-run``.
    scale : float
        Multiple of the configured cost, a label here.
    value : Series
        (T,) values in currency.
    fills : DataFrame
        As in the run's file, with the commission and slippage that `value` paid.
    starting_cash, periods_per_year, cash_annual
        As in `analyzers.metrics.compute_metrics`.

    Returns
    -------
    dict
        COST_COLUMNS; ``cost_annual`` is commission and slippage over mean NAV per year. NaN
        where a metric is not defined.
    """
    nav = value.to_numpy(dtype=float)
    returns = value_returns(value, starting_cash)
    rate = session_rate(cash_annual, periods_per_year)
    paid = float((fills["commission"] + fills["slippage"]).astype(float).sum())
    final = float(nav[-1]) if len(nav) else float(starting_cash)
    figures = {
        "cagr": cagr(value.index, starting_cash, final),
        "volatility": volatility(returns, periods_per_year),
        "sharpe": sharpe_ratio(returns, periods_per_year, rate),
        "max_drawdown": max_drawdown(returns),
        "turnover_traded_annual": annual_rate(traded_value(fills), nav, periods_per_year),
        "cost_annual": annual_rate(paid, nav, periods_per_year),
        "final_value": final,
    }
    known = {name: np.nan if figure is None else figure for name, figure in figures.items()}
    return {"scale": float(scale), "method": method, **known}


def cost_table(
    values: pd.DataFrame,
    fills: pd.DataFrame,
    *,
    starting_cash: float,
    periods_per_year: int,
    cash_annual: float = 0.0,
    scales: Sequence[float] = SCALES,
) -> pd.DataFrame:
    """The re-priced rows of ``cost_sensitivity``: same fills, costs times each of `scales`.

    The traded value is that of the run at every scale (fill prices are kept, NAV is not).
    Parameters and errors as in `reprice` and `cost_row`; columns COST_COLUMNS.
    """
    rows = []
    for scale in scales:
        charged = fills.assign(
            commission=fills["commission"] * scale, slippage=fills["slippage"] * scale
        )
        rows.append(
            cost_row(
                "re-priced",
                scale,
                reprice(values, fills, scale),
                charged,
                starting_cash=starting_cash,
                periods_per_year=periods_per_year,
                cash_annual=cash_annual,
            )
        )
    return pd.DataFrame(rows, columns=list(COST_COLUMNS))
