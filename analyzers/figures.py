"""Every figure of a run, and saving them: composition only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analyzers.attribution import contributions_over_time, rolling_exposures
from analyzers.drawing import png_bytes, svg_text
from analyzers.figures_book import plot_exposure, plot_sleeve_weights, plot_turnover
from analyzers.figures_factors import (
    plot_attribution,
    plot_factor_correlation,
    plot_latest_ranks,
    plot_rolling_exposures,
)
from analyzers.figures_performance import (
    plot_cost_sensitivity,
    plot_drawdown,
    plot_growth,
    plot_monthly_returns,
)
from analyzers.figures_risk import plot_risk_contributions
from analyzers.presentation import compared_returns, rebalance_turnover
from analyzers.result import RunResult
from analyzers.return_metrics import drawdown, monthly_returns, monthly_table
from analyzers.style import INK, PORTFOLIO, UNIVERSE, factor_colours
from feeds.errors import OutputError

__all__ = ["WINDOW_MONTHS", "build_figures", "build_price_figures", "save_figures"]

#: Months of one window of the rolling exposures.
WINDOW_MONTHS = 36
_PUBLISHED = {"mkt_rf": "Market", "smb": "SMB, size", "hml": "HML, value", "mom": "UMD, momentum"}
# Published factors stand in for our own only where they cover the run.
_COVERAGE = 0.9
# More lines than these cannot be told apart in one figure.
_MOST_LINES = 10


def build_figures(result: RunResult) -> dict[str, Figure]:
    """Every figure of a run by name, in the order of names.

    A figure without data says so in its panel. Nothing is written.
    """
    compared = compared_returns(result)
    looks = dict(zip(compared.columns, ((PORTFOLIO, "-"), (INK, "-"), (UNIVERSE, "-"))))
    drawdowns = compared.apply(drawdown) if len(compared) else compared
    figures = {
        "cost_sensitivity": plot_cost_sensitivity(result.cost_sensitivity),
        "cumulative_returns": _growth(result, compared, looks),
        "drawdown": plot_drawdown(drawdowns.iloc[:, :2], looks),
        "exposure": plot_exposure(result.values),
        "factor_correlation": _correlation(result),
        "latest_ranks": _ranks(result),
        "monthly_returns": plot_monthly_returns(
            monthly_table(result.returns), f"Monthly returns of {result.name}"
        ),
        "sleeve_weights": plot_sleeve_weights(result.sleeves),
        "turnover": plot_turnover(rebalance_turnover(result.values, result.fills)),
        **_attribution(result),
    }
    if result.risk_contributions is not None:
        figures["risk_contributions"] = plot_risk_contributions(result.risk_contributions)
    return dict(sorted(figures.items()))


def build_price_figures(prices: pd.DataFrame, name: str) -> dict[str, Figure]:
    """Growth, drawdown, correlation and monthly heat map of a (T, N) frame of closes.

    An asset starts at 1 on its first price. The equally weighted mean of the assets known on
    each date, rebalanced every session, leads; a missing price leaves the asset where it was.
    """
    returns = prices.ffill().pct_change(fill_method=None).iloc[1:]
    mean = returns.mean(axis=1).fillna(0.0).rename("Equally weighted")
    shown = returns.iloc[:, :_MOST_LINES]
    looks = {mean.name: (PORTFOLIO, "-"), **factor_colours([str(name) for name in shown])}
    lines = pd.concat([mean, shown], axis=1)
    rest = (
        f"; the first {_MOST_LINES} of {returns.shape[1]}" if len(returns.T) > _MOST_LINES else ""
    )
    return {
        "correlation": plot_factor_correlation(
            shown.corr(), f"Correlation: {name}", f"Returns of one session{rest}"
        ),
        "cumulative_returns": plot_growth(
            lines, looks, f"Growth of 1: {name}", f"Each from its first price{rest}"
        ),
        "drawdown": plot_drawdown(drawdown(mean).to_frame(mean.name), looks),
        "monthly_returns": plot_monthly_returns(
            monthly_table(mean), f"Monthly returns, equally weighted: {name}"
        ),
    }


def save_figures(figures: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Write each figure as PNG (900 pixels wide) and SVG; return the paths in order.

    The same figures give the same bytes. Text stays text in the SVG, in fonts that need no
    download.

    Raises
    ------
    OutputError
        If `folder` cannot be made or written.
    """
    folder, paths = Path(folder), []
    try:
        os.makedirs(folder, exist_ok=True)
        for name, figure in figures.items():
            paths += [folder / f"{name}.png", folder / f"{name}.svg"]
            paths[-2].write_bytes(png_bytes(figure))
            paths[-1].write_text(svg_text(figure), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot write plots ({error.strerror})", "choose another --out folder"
        ) from None
    return paths


def _growth(result: RunResult, compared: pd.DataFrame, looks: dict) -> Figure:
    known = _known_factors(result).reindex(compared.index)
    return plot_growth(
        pd.concat([compared, known], axis=1),
        {**looks, **factor_colours(list(known.columns))},
        f"Growth of 1: {result.name}",
        "Portfolio after costs; benchmark, universe and factor portfolios without",
    )


def _known_factors(result: RunResult) -> pd.DataFrame:
    """Returns of the factors that ever had a portfolio, by label."""
    known = result.factor_returns.dropna(axis=1, how="all")
    return known.rename(columns=result.labels)


def _correlation(result: RunResult) -> Figure:
    series = _known_factors(result)
    series = pd.concat([series, compared_returns(result).iloc[:, :2]], axis=1)
    varying = series.loc[:, series.std() > 0]
    return plot_factor_correlation(
        varying.corr(), "Correlation of factor returns", "Returns of one session, whole run"
    )


def _ranks(result: RunResult) -> Figure:
    factors = [name for name in result.factor_returns.columns if name in result.ranks]
    if not factors:
        factors = [name for name in result.labels if name in result.ranks]
    dates = result.weights["decision_date"]
    decided = (
        f"Decided at the close of {pd.Timestamp(dates.max()):%Y-%m-%d}; " if len(dates) else ""
    )
    return plot_latest_ranks(
        result.ranks,
        factors,
        result.labels,
        subtitle=decided + "factors as measured; long is blue, short orange, not held grey",
    )


def _attribution(result: RunResult) -> dict[str, Figure]:
    """Exposures and attribution on monthly returns, on published factors where they cover."""
    returns = monthly_returns(result.returns)
    factors, source = _published(result, returns), "published monthly factors (French)"
    if factors is None:
        # A factor that is not known yet holds nothing, and nothing earns nothing.
        known = _known_factors(result).fillna(0.0)
        # The universe comes last: each factor keeps the colour that it has in other figures.
        own = {name: monthly_returns(known[name]) for name in known}
        own["Universe, equally weighted"] = monthly_returns(result.universe)
        factors = pd.DataFrame(own, index=returns.index)
        source = "the universe and our own factor portfolios"
    else:
        returns = (returns - result.published["rf"].reindex(returns.index)).dropna()
    looks = {
        **factor_colours(list(factors.columns)),
        "alpha": (PORTFOLIO, "-"),
        "residual": (UNIVERSE, "-"),
    }
    contributions = contributions_over_time(returns, factors)
    exposures = pd.DataFrame()
    if WINDOW_MONTHS >= factors.shape[1] + 3:
        exposures = rolling_exposures(returns, factors, WINDOW_MONTHS, periods_per_year=12)
    return {
        "alpha_attribution": plot_attribution(
            contributions,
            looks,
            "Where the return came from",
            f"Cumulative return by {source}, alpha and residual; one regression on the whole run",
        ),
        "rolling_exposures": plot_rolling_exposures(
            exposures, looks, subtitle=f"Regressions of {WINDOW_MONTHS} months on {source}"
        ),
    }


def _published(result: RunResult, returns: pd.Series) -> pd.DataFrame | None:
    if result.published is None or not len(returns):
        return None
    known = result.published.reindex(returns.index).dropna()
    if len(known) < _COVERAGE * len(returns):
        return None
    return known[[name for name in _PUBLISHED if name in known]].rename(columns=_PUBLISHED)
