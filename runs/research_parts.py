"""The parts of the research report, studied one after the other and put together."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analyzers.regression import newey_west_mean
from analyzers.research_carry import STUDY_COLUMNS, StudyFound, study_sample
from analyzers.research_correlation import correlation_table, tail_table
from analyzers.research_measures import MEASURES
from analyzers.research_page import Findings
from analyzers.research_sleeve import (
    half_table,
    max_sharpe_table,
    sleeve_table,
    spanning_table,
)
from analyzers.research_verdicts import carry_table, with_adjusted
from analyzers.research_witness import WEEKS, Witness
from runs.research_samples import Sample, load_sample, make_set, score_sample
from runs.research_witness import (
    coin_weeks,
    fund_witness,
    published_coins,
    published_witness,
    studied_witness,
)

__all__ = ["Studied", "findings_of", "study_parts"]

_LOG = logging.getLogger(__name__)
_LEVEL, _SLEEVE, _SEED = 0.05, 0.02, 7
#: Spans of the published coin factors: before and after the 45 coins were chosen, and all.
_SPANS = {"2014-2017": ("2014", "2017"), "since 2018": ("2018", None), "all weeks": (None, None)}
_LABELS = {
    "us": "US stocks",
    "sp500": "S&P 500 names (bundled)",
    "coins": "45 coins",
    "large_caps": "large caps (bundled)",
}
_JOINT = {
    "us": "US stocks and 45 coins",
    "sp500": "S&P 500 names and 45 coins",
    "bitcoin": "S&P 500 names and bitcoin",
}
_MISSING = {
    "us": "US stocks",
    "coins": "the 45 coins",
    "published": "the published daily and weekly factors",
    "sp500": "the bundled S&P 500 names",
    "large_caps": "the bundled factor funds and bitcoin",
}
#: What coins are compared with.
_STOCKS = ("us", "investable")
#: Measures that the figure of spreads draws.
_DRAWN = ("momentum_3w", "size", "low_volatility", "high_52w")
_PANELS = {("us", "investable"): "US stocks, investable", ("coins", "full"): "Coins, all"}


@dataclass(frozen=True, eq=False)
class Studied:
    """What was computed, part by part.

    Parameters
    ----------
    samples : dict
        Name to Sample.
    found : dict
        (sample, universe) to StudyFound.
    witnesses : list of Witness
    published : DataFrame
        Weekly published coin factors; empty where left out.
    """

    samples: Mapping[str, Sample]
    found: Mapping[tuple[str, str], StudyFound]
    witnesses: Sequence[Witness]
    published: pd.DataFrame

    def spreads(self) -> dict[str, pd.DataFrame]:
        """Net weekly spreads of a few measures by the title of a panel."""
        panels = {}
        for key, title in _PANELS.items():
            if key in self.found:
                net, table = self.found[key].net, self.found[key].table
                labels = dict(zip(table["measure"], table["label"]))
                panels[title] = net[[name for name in _DRAWN if name in net]].rename(columns=labels)
        return panels


def study_parts(parts: Sequence[str], shared: Path, work: Path) -> Studied:
    """Load and study each part; sets that are not there are made first.

    Raises
    ------
    UserError
        If a file, a set or a configuration will not do.
    """
    published = published_coins(shared) if "published" in parts else pd.DataFrame()
    folders = {name: make_set(name, shared, work) for name in ("us", "coins") if name in parts}
    samples, found = {}, {}
    for name in ("us", "sp500", "coins"):
        if name in parts:
            _LOG.info("studying %s", name)
            samples[name] = load_sample(name, folders.get(name))
            for scores in score_sample(samples[name], MEASURES):
                found[name, scores.universe] = study_sample(scores)
    if "large_caps" in parts:
        samples["large_caps"] = load_sample("large_caps")
    witnesses = _witnesses(parts, shared, folders, samples, found)
    return Studied(samples, found, witnesses, published)


def _witnesses(parts, shared, folders, samples, found) -> list[Witness]:
    made = []
    if "published" in parts:
        made.append(published_witness(shared))
    coins = None
    if "coins" in parts:
        # Joined with stocks, coins stand on the sessions of the exchange.
        joint = load_sample("coins", folders["coins"], calendar="XNYS")
        coins = coin_weeks(joint, study_sample(score_sample(joint, MEASURES)[0]))
    if "us" in parts and coins is not None:
        made.append(studied_witness(samples["us"], found["us", "investable"], coins, _JOINT["us"]))
    if "sp500" in parts:
        label, own = _JOINT["sp500"], coins
        if own is None:
            label, own = _JOINT["bitcoin"], _bitcoin(samples["sp500"])
        made.append(
            studied_witness(samples["sp500"], found["sp500", "full"], own.iloc[:, :1], label)
        )
    if "large_caps" in parts:
        made.append(fund_witness(samples["large_caps"]))
    return made


def _bitcoin(sample: Sample) -> pd.DataFrame:
    from analyzers.research_weeks import weekly_closes

    panel = sample.data.panel
    index = pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"), name="date")
    close = panel.close[:, panel.assets.tolist().index("BTC")]
    return weekly_closes(pd.DataFrame({"Bitcoin": close}, index=index))


def findings_of(studied: Studied, parts: Sequence[str]) -> Findings:
    """Every table of the report."""
    tables = [found.table for found in studied.found.values()]
    empty = pd.DataFrame(columns=list(STUDY_COLUMNS), dtype=float)
    studies = with_adjusted(pd.concat(tables, ignore_index=True) if tables else empty)
    witnesses = studied.witnesses

    def stacked(make) -> pd.DataFrame:
        made = [make(witness) for witness in witnesses]
        return pd.concat(made, ignore_index=True) if made else pd.DataFrame()

    return Findings(
        samples=_samples(studied.samples),
        thin=_thin(studied.samples),
        studies=studies,
        carry=carry_table(studies, MEASURES, stocks=_STOCKS, level=_LEVEL),
        published=_published(studied.published),
        witnesses=pd.DataFrame(
            [_witness_line(witness) for witness in witnesses],
            columns=["witness", "label", "stocks", "coins", "first", "last", "weeks"],
        ),
        correlations=stacked(correlation_table),
        tails=stacked(tail_table),
        spanning=stacked(spanning_table),
        sleeves=stacked(lambda witness: sleeve_table(witness, seed=_SEED)),
        best=stacked(lambda witness: max_sharpe_table(witness, seed=_SEED)),
        halves=stacked(lambda witness: half_table(witness, _SLEEVE)),
        level=_LEVEL,
        sleeve=_SLEEVE,
        missing=tuple(text for part, text in _MISSING.items() if part not in parts),
    )


def _samples(samples: Mapping[str, Sample]) -> pd.DataFrame:
    lines = []
    for name, sample in samples.items():
        if name == "large_caps":
            continue
        floors = sample.config.data.investable
        for universe in ("full", "investable") if floors is not None else ("full",):
            lines.append(
                {
                    "sample": name,
                    "universe": universe,
                    "label": _LABELS[name],
                    "first": sample.panel.dates[0],
                    "last": sample.panel.dates[-1],
                    "sessions": len(sample.panel.dates),
                    "assets": len(sample.panel.assets),
                    "floors": _floors(floors) if universe == "investable" else "none",
                    "costs": _costs(sample),
                }
            )
    columns = ["sample", "universe", "label", "first", "last", "sessions", "assets", "floors",
               "costs"]  # fmt: skip
    return pd.DataFrame(lines, columns=columns)


def _floors(floors) -> str:
    from analyzers.style import amount

    texts = {
        "price ${}": floors.min_price,
        "cap ${}": floors.min_market_cap,
        "${} traded a day": floors.min_dollar_volume,
    }
    return ", ".join(text.format(amount(value)) for text, value in texts.items() if value > 0)


def _costs(sample: Sample) -> str:
    """Commission, slippage and the fee on shorts of the class that is ranked."""
    costs, asset_class = sample.config.costs, sample.panel.asset_class[0]
    parts = [f"{scheme.get(asset_class, {}).get('bps', 0):g}"
             for scheme in (costs.commission, costs.slippage)]  # fmt: skip
    fee = costs.carry.borrow_annual.get(asset_class, 0.0)
    shorts = f"{100 * fee:g} % a year" if isinstance(fee, float) else "at rates that change"
    return f"{' + '.join(parts)} bps, shorts {shorts}"


def _thin(samples: Mapping[str, Sample]) -> pd.DataFrame:
    """Bundled sets whose coins are too few to be ranked."""
    texts = {"sp500": "The coins bundled with the S&P 500 names", "large_caps": "The coins bundled "
             "with the large caps"}  # fmt: skip
    lines = []
    for name, text in texts.items():
        if name in samples:
            panel, portfolio = samples[name].data.panel, samples[name].config.portfolio
            most = int(panel.tradable[:, panel.asset_class == "crypto"].sum(axis=1).max())
            lines.append((name, text, most, portfolio.min_breadth.long_short))
    return pd.DataFrame(lines, columns=["sample", "label", "most", "needed"])


def _published(weekly: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for factor in weekly:
        for name, (first, last) in _SPANS.items():
            part = weekly[factor].loc[first:last].dropna()
            mean, t_stat, _ = newey_west_mean(part)
            sharpe = mean / float(part.std(ddof=1)) * np.sqrt(WEEKS)
            lines.append((factor, name, len(part), mean * WEEKS, t_stat, sharpe))
    columns = ["factor", "span", "weeks", "mean_annual", "t_stat", "sharpe"]
    return pd.DataFrame(lines, columns=columns)


def _witness_line(witness: Witness) -> tuple:
    index = witness.stocks.index
    names = ["; ".join(map(str, frame.columns)) for frame in (witness.stocks, witness.coins)]
    return (witness.key, witness.label, *names, index[0], index[-1], len(index))
