"""Where our metrics and QuantStats define the same thing, and where `docs/metrics.md` says not."""

from __future__ import annotations

import statistics

import numpy as np
import pandas as pd
import pytest
import quantstats.stats as qs

from analyzers import metrics as m


def make_returns(frequency: str) -> tuple[pd.Series, pd.Series]:
    """A book and a correlated benchmark over 400 sessions."""
    rng = np.random.default_rng(5)
    dates = pd.date_range("2019-03-04", periods=400, freq=frequency, name="date")
    market = rng.normal(0.0006, 0.012, 400)
    book = 0.6 * market + rng.standard_t(4, 400) * 0.004
    return pd.Series(book, index=dates), pd.Series(market, index=dates)


@pytest.mark.parametrize("periods", [252, 365])
def test_quantstats_agrees_where_definitions_coincide(periods: int) -> None:
    r, b = make_returns("D" if periods == 365 else "B")
    alpha, beta = m.alpha_beta(r, b, periods)
    greeks = qs.greeks(r, b, periods=periods)
    pairs = {
        "volatility": (m.volatility(r, periods), qs.volatility(r, periods=periods)),
        "sharpe": (m.sharpe_ratio(r, periods), qs.sharpe(r, periods=periods)),
        "sortino": (m.sortino_ratio(r, periods), qs.sortino(r, periods=periods)),
        "max_drawdown": (m.max_drawdown(r), qs.max_drawdown(r)),
        "drawdown": (m.drawdown(r).sum(), qs.to_drawdown_series(r).sum()),
        "skew": (m.skewness(r), qs.skew(r)),
        "kurtosis": (m.kurtosis(r), qs.kurtosis(r)),
        "cvar_95": (m.cvar(r), qs.cvar(r, method="historical")),
        "alpha": (alpha, greeks["alpha"]),
        "beta": (beta, greeks["beta"]),
        "month": (m.monthly_table(r).iloc[1, 0], qs.monthly_returns(r, eoy=False).iloc[1, 0]),
    }
    for name, (ours, theirs) in pairs.items():
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12), name


def test_quantstats_differs_as_the_page_says() -> None:
    r, _ = make_returns("D")
    r.iloc[10:20] = 0.0
    ours = m.cagr(r.index, 1.0, float((1 + r).prod()))
    periods_counted = (1 + r).prod() ** (365 / len(r)) - 1
    assert qs.cagr(r, periods=365) == pytest.approx(periods_counted, rel=1e-9)
    assert abs(qs.cagr(r, periods=365) - ours) > 1e-6
    normal = statistics.NormalDist(statistics.fmean(r), statistics.stdev(r))
    assert qs.value_at_risk(r) == pytest.approx(normal.inv_cdf(0.05), rel=1e-6)
    assert abs(qs.value_at_risk(r) - m.value_at_risk(r)) > 1e-5
    assert qs.cvar(r) != pytest.approx(m.cvar(r), rel=1e-4)
    assert qs.win_rate(r) == pytest.approx(m.hit_rate(r) * 400 / 390, rel=1e-9)
    # Peak on the 1st, below it on the 2nd and 3rd, back on the 4th: 3 days to us, 2 there.
    dip = pd.Series([0.1, -0.5, 0.0, 1.0], index=r.index[:4])
    details = qs.drawdown_details(qs.to_drawdown_series(dip))
    assert (m.longest_drawdown_days(dip), int(details["days"].max())) == (3, 2)
