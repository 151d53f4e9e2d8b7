"""What is left after costs, and the cost at which nothing is: pure functions of one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.costs import reprice, value_returns
from analyzers.metrics import (
    annual_rate,
    cagr,
    max_drawdown,
    session_rate,
    sharpe_ratio,
    traded_value,
    volatility,
)

__all__ = [
    "BREAKS_EVEN",
    "COST_FIGURES",
    "LOSES_FREE",
    "NOTHING_PAID",
    "NOT_FOUND",
    "UNTRADED",
    "BreakEven",
    "CostBasis",
    "break_even",
    "cost_figures",
    "reprice_figures",
    "root_scale",
]

#: What can be said of a break-even.
BREAKS_EVEN = "breaks even"
LOSES_FREE = "earns no more than cash even free of cost"
NOTHING_PAID = "nothing was paid, so that no multiple of it matters"
UNTRADED = "nothing could be traded at this cost"
NOT_FOUND = "not found by running again"

#: Columns of one row of performance and cost.
COST_FIGURES = (
    "cagr",
    "return_over_cash",
    "volatility",
    "sharpe",
    "max_drawdown",
    "turnover_traded_annual",
    "gross_annual",
    "net_annual",
    "drag_bps",
    "commission_bps",
    "slippage_bps",
    "carry_bps",
    "final_value",
)


@dataclass(frozen=True)
class CostBasis:
    """What every figure of one capital is measured against.

    Parameters
    ----------
    starting_cash : float
        In currency.
    cash_value : float
        What the same money would be worth at the end, idle in the account; interest alone.
    periods_per_year : int
        Sessions a year.
    cash_annual : float
        Rate of cash that Sharpe ratios are taken over.
    """

    starting_cash: float
    cash_value: float
    periods_per_year: int
    cash_annual: float = 0.0


@dataclass(frozen=True)
class BreakEven:
    """The multiple of its costs at which a book earns what cash does.

    Parameters
    ----------
    scale : float
        Multiple of commission and slippage; NaN where there is none.
    bps : float
        The same as basis points of traded value, one way; NaN likewise.
    realised_bps : float
        What was paid, in basis points of traded value; NaN where nothing was traded.
    verdict : str
        BREAKS_EVEN, LOSES_FREE or NOTHING_PAID; UNTRADED of a run that came to nothing, and
        NOT_FOUND where a search ends without one.
    """

    scale: float
    bps: float
    realised_bps: float
    verdict: str


def cost_figures(
    value: pd.Series, fills: pd.DataFrame, carry: pd.DataFrame, basis: CostBasis
) -> dict[str, float]:
    """Performance and cost of one run, under the names of COST_FIGURES.

    Gross and net are profits over mean NAV a year, so that the drag is exactly their difference
    and commission, slippage and carry add up to it; ``return_over_cash`` is the CAGR less that
    of idle cash.

    Parameters
    ----------
    value : Series
        (T,) account values in currency.
    fills, carry : DataFrame
        As in the run's files; commission and slippage are those that `value` paid.
    basis : CostBasis

    Returns
    -------
    dict
        NaN where a figure is not defined: a ruined account has no CAGR, one without variance no
        Sharpe ratio.
    """
    nav, periods = value.to_numpy(dtype=float), basis.periods_per_year
    returns = value_returns(value, basis.starting_cash)
    costs = {
        "commission": float(fills["commission"].astype(float).sum()),
        "slippage": float(fills["slippage"].astype(float).sum()),
        "carry": -float(carry["amount"].astype(float).sum()),
    }
    final = float(nav[-1]) if len(nav) else basis.starting_cash
    growth = _known(cagr(value.index, basis.starting_cash, final))

    def annual(amount: float) -> float:
        return _known(annual_rate(amount, nav, periods))

    net = annual(final - basis.starting_cash)
    paid = {f"{name}_bps": 1e4 * annual(amount) for name, amount in costs.items()}
    drag = sum(paid.values())
    rate = session_rate(basis.cash_annual, periods)
    idle = _known(cagr(value.index, basis.starting_cash, basis.cash_value))
    figures = {
        "cagr": growth,
        "return_over_cash": growth - idle,
        "volatility": _known(volatility(returns, periods)),
        "sharpe": _known(sharpe_ratio(returns, periods, rate)),
        "max_drawdown": _known(max_drawdown(returns)),
        "turnover_traded_annual": annual(traded_value(fills)),
        "gross_annual": net + drag / 1e4,
        "net_annual": net,
        "drag_bps": drag,
        **paid,
        "final_value": final,
    }
    return {name: figures[name] for name in COST_FIGURES}


def reprice_figures(
    values: pd.DataFrame, fills: pd.DataFrame, carry: pd.DataFrame, scale: float, basis: CostBasis
) -> dict[str, float]:
    """`cost_figures` of the very same fills at `scale` times their cost; carry stays."""
    charged = fills.assign(
        commission=fills["commission"] * scale, slippage=fills["slippage"] * scale
    )
    return cost_figures(reprice(values, fills, scale), charged, carry, basis)


def break_even(values: pd.DataFrame, fills: pd.DataFrame, basis: CostBasis) -> BreakEven:
    """Where the same fills, re-priced, end with what idle cash would have come to.

    The final value is linear in the scale, ``V(s) = V(1) + (1 - s) C``, C all commission and
    slippage, so that ``s = 1 + (V(1) - cash) / C`` without a search. Put back into `reprice` it
    gives a return over cash of zero.

    Parameters
    ----------
    values, fills : DataFrame
        As in the run's files.
    basis : CostBasis
    """
    paid = float((fills["commission"] + fills["slippage"]).astype(float).sum())
    traded = fills[fills["reason"] != "delisting"]
    amount = float((traded["size"] * traded["price"]).abs().sum())
    realised = 1e4 * paid / amount if amount > 0 else np.nan
    if not paid > 0:
        return BreakEven(np.nan, np.nan, realised, NOTHING_PAID)
    final = float(values["value"].iloc[-1])
    if final + paid <= basis.cash_value:
        return BreakEven(np.nan, np.nan, realised, LOSES_FREE)
    scale = 1.0 + (final - basis.cash_value) / paid
    return BreakEven(scale, scale * realised, realised, BREAKS_EVEN)


def root_scale(
    excess: Callable[[float], float], start: float, tolerance: float, most: int = 24
) -> tuple[float, float]:
    """The scale at which a strategy that is run again has no excess return: by false position.

    Whole lots make a run's outcome a staircase, so that the root may be a step: the search
    ends at `tolerance`, or when the bracket is narrower than a millionth.

    Parameters
    ----------
    excess : callable
        Return over cash at a scale, falling in it; NaN counts as ruin.
    start : float
        First guess, above zero.
    tolerance : float
        Absolute excess that counts as zero.
    most : int
        Most calls.

    Returns
    -------
    scale, excess : float
        The best scale found and what is left there; NaN twice where `excess` at zero is not
        above zero, or no scale up to 64 times the guess loses.
    """
    low, at_low = 0.0, _ruin(excess(0.0))
    if at_low <= 0:
        return np.nan, np.nan
    high, at_high, calls = start, _ruin(excess(start)), 2
    while at_high > 0 and high < 64 * start and calls < most:
        low, at_low = high, at_high
        high, calls = 2 * high, calls + 1
        at_high = _ruin(excess(high))
    if at_high > 0:
        return np.nan, np.nan
    best, side = min((abs(at_low), low, at_low), (abs(at_high), high, at_high)), 0
    while calls < most and best[0] > tolerance and high - low > 1e-6 * high:
        share = at_low / (at_low - at_high) if np.isfinite(at_high) else 0.5
        middle = low + (high - low) * share
        value, calls = _ruin(excess(middle)), calls + 1
        best = min(best, (abs(value), middle, value))
        # Illinois: an end that stays twice counts half, so that both close in.
        if value > 0:
            low, at_low = middle, value
            at_high, side = (at_high / 2 if side > 0 else at_high), 1
        else:
            high, at_high = middle, value
            at_low, side = (at_low / 2 if side < 0 else at_low), -1
    return best[1], best[2]


def _ruin(value: float) -> float:
    return -np.inf if np.isnan(value) else value


def _known(figure: float | None) -> float:
    return np.nan if figure is None else float(figure)
