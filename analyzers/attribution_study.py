"""One return series on factors: what the attribution command writes and draws."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analyzers.attribution import Attribution
from analyzers.dimson import (
    attribute_dimson,
    dimson_contributions_over_time,
    dimson_factors,
    dimson_rolling_exposures,
)
from analyzers.drawing import png_bytes, svg_text
from analyzers.figures_factors import plot_attribution, plot_rolling_exposures
from analyzers.frequencies import align_frequencies, periods_per_year
from analyzers.return_metrics import session_rate
from analyzers.style import PORTFOLIO, UNIVERSE, factor_colours
from feeds.errors import DataError

__all__ = [
    "RF",
    "AttributionStudy",
    "attribution_figures",
    "attribution_files",
    "attribution_summary",
    "exposure_table",
    "study_attribution",
]

#: Name of a column that is a rate and no factor.
RF = "rf"
#: Months of a moving window; a year of days or weeks.
_WINDOW_MONTHS = 36
#: Labels of published factors, by the name in lower case with underscores.
_PUBLISHED = {
    "mkt_rf": "Market",
    "smb": "SMB, size",
    "hml": "HML, value",
    "rmw": "RMW, profitability",
    "cma": "CMA, investment",
    "umd": "UMD, momentum",
    "mom": "UMD, momentum",
}
_UNITS = {"daily": "days", "weekly": "weeks", "monthly": "months"}


@dataclass(frozen=True, eq=False)
class AttributionStudy:
    """One return series on factors.

    Parameters
    ----------
    name : str
        Of the return series.
    fit : Attribution
        On all common dates.
    rolling : DataFrame
        Index the last date of each window: exposures and ``alpha_annual``; may be empty.
    contributions : DataFrame
        Index date: cumulative contributions, which add up to ``total``.
    labels : dict
        Factor to label.
    facts : dict
        start, end, frequency, periods_per_year, window, dimson, rf, compounded.
    """

    name: str
    fit: Attribution
    rolling: pd.DataFrame
    contributions: pd.DataFrame
    labels: dict[str, str]
    facts: dict[str, Any]


def study_attribution(
    returns: pd.Series,
    factors: pd.DataFrame,
    *,
    rf: str | float | None = None,
    window: int | None = None,
    lags: int | None = None,
    dimson: int = 0,
    per_year: int | None = None,
    labels: Mapping[str, str] | None = None,
) -> AttributionStudy:
    """Attribute a return series to factors.

    Parameters
    ----------
    returns : Series
        By date, decimals; daily, weekly or monthly.
    factors : DataFrame
        By date, decimals. The denser side is compounded to the other's dates.
    rf : str or float, optional
        Column of `factors`, or rate a year, subtracted from the returns; column ``rf``, if
        there, unless given. The column is no factor.
    window, lags, dimson, per_year : int, optional
        As the command's options.
    labels : dict, optional
        Factor to label.

    Raises
    ------
    DataError
        If the two share too few dates, or an option does not fit them.
    """
    own, market, often, compounded = align_frequencies(returns, factors)
    shared = own.index.intersection(market.index)
    year = per_year or periods_per_year(shared if len(shared) > 2 else own.index)
    own, market, rf_used = _excess(own, market, rf, year)
    common = own.index.intersection(dimson_factors(market, dimson).dropna().index)
    terms = (1 + dimson) * market.shape[1]
    if len(common) < terms + 3:
        raise DataError(
            f"{len(common)} common dates of the returns ({_span(own.index)}) and the factors "
            f"({_span(market.dropna().index)}), {terms + 3} needed",
            "give series that overlap for longer, or fewer factors",
        )
    width = window or (_WINDOW_MONTHS if often == "monthly" else year)
    given = {"periods_per_year": year}
    fit = attribute_dimson(own, market, dimson, lags=lags, **given)
    return AttributionStudy(
        name=str(returns.name),
        fit=fit,
        rolling=dimson_rolling_exposures(own, market, width, dimson, **given),
        contributions=dimson_contributions_over_time(own, market, dimson),
        labels={name: (labels or {}).get(name) or _label(name) for name in market},
        facts={
            "start": f"{common[0]:%Y-%m-%d}",
            "end": f"{common[-1]:%Y-%m-%d}",
            "frequency": often,
            "periods_per_year": year,
            "window": width,
            "dimson": dimson,
            "rf": rf_used,
            "compounded": compounded,
        },
    )


def _excess(
    own: pd.Series, market: pd.DataFrame, rf: str | float | None, year: int
) -> tuple[pd.Series, pd.DataFrame, str | float]:
    """Returns over the rate, the factors without it, and what was subtracted."""
    rates = [name for name in market if str(name).lower() == RF]
    column = rates[0] if rates else None
    if isinstance(rf, str):
        if rf not in market:
            raise DataError(
                f"--rf {rf}: the factors have no such column", f"they have {', '.join(market)}"
            )
        column = rf
        rates.append(rf)
    factors = market.drop(columns=rates)
    if factors.empty:
        raise DataError("the factors hold no column but the rate", "give one that has factors")
    if isinstance(rf, float):
        return own - session_rate(rf, year), factors, rf
    if column is None:
        return own, factors, 0.0
    return (own - market[column].reindex(own.index)).dropna(), factors, str(column)


def attribution_files(found: AttributionStudy) -> dict[str, bytes]:
    """Content by path inside the folder: tables, summary and figures."""
    tables = {
        "exposures.csv": exposure_table(found),
        "rolling_exposures.csv": found.rolling.rename_axis("date").reset_index(),
        "contributions.csv": found.contributions.rename_axis("date").reset_index(),
    }
    files = {
        name: table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in tables.items()
    }
    for name, figure in attribution_figures(found).items():
        files[f"plots/{name}.png"] = png_bytes(figure)
        files[f"plots/{name}.svg"] = svg_text(figure).encode()
    text = json.dumps(attribution_summary(found), indent=2, ensure_ascii=False, allow_nan=False)
    return files | {"attribution.json": (text + "\n").encode()}


def exposure_table(found: AttributionStudy) -> pd.DataFrame:
    """part, label, beta, t_stat, contribution_annual: factors, alpha, residual, total."""
    fit = found.fit
    table = pd.DataFrame(
        {"beta": fit.betas, "t_stat": fit.t_stats, "contribution_annual": fit.contributions},
        index=fit.contributions.index,
    )
    table.loc["alpha", "t_stat"] = fit.alpha_t
    names = [found.labels.get(name, name) for name in table.index]
    table.insert(0, "label", names)
    return table.rename_axis("part").reset_index()


def attribution_summary(found: AttributionStudy) -> dict[str, Any]:
    """What ``attribution.json`` holds: plain numbers, null where not defined."""
    fit = found.fit
    scalars = ("alpha_annual", "alpha_t", "r_squared")
    series = ("betas", "t_stats", "contributions")
    return {
        "name": found.name,
        **found.facts,
        "observations": fit.observations,
        "lags": fit.lags,
        **{name: _plain(getattr(fit, name)) for name in scalars},
        **{name: {k: _plain(v) for k, v in getattr(fit, name).items()} for name in series},
        "dropped": dict(fit.dropped),
    }


def attribution_figures(found: AttributionStudy) -> dict[str, Figure]:
    """Cumulative contributions, and exposures over time."""
    labels = found.labels
    ends = {"alpha": (PORTFOLIO, "-"), "residual": (UNIVERSE, "-")}
    looks = {**factor_colours([labels[name] for name in labels]), **ends}
    facts, often = found.facts, found.facts["frequency"]
    unit = _UNITS[often]
    lagged = _lagged(facts["dimson"])
    return {
        "attribution": plot_attribution(
            found.contributions.rename(columns=labels),
            looks,
            f"Where the return came from: {found.name}",
            f"Cumulative contributions, one regression on all {found.fit.observations} "
            f"{unit}{lagged}",
        ),
        "rolling_exposures": plot_rolling_exposures(
            found.rolling.rename(columns=labels),
            looks,
            f"Rolling exposures: {found.name}",
            f"Regressions of {facts['window']} {unit}{lagged}",
        ),
    }


def _label(name: str) -> str:
    return _PUBLISHED.get(str(name).strip().lower().replace("-", "_"), str(name))


def _lagged(count: int) -> str:
    """What a subtitle says of lagged factors."""
    return f", each factor with {count} {'lag' if count == 1 else 'lags'}" if count else ""


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _span(index: pd.Index) -> str:
    return f"{index[0]:%Y-%m-%d} to {index[-1]:%Y-%m-%d}" if len(index) else "none"
