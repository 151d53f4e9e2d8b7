"""Our CMKT, CSMB and CMOM from 45 coins against the series that the model's authors publish."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factors.coin_books import CoinRules
from factors.crypto_three import crypto_three
from feeds.panel import Panel
from feeds.store import load_dataset
from runs.ingest import main as ingest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
COINS, PUBLISHED = SHARED / "crypto_daily.csv.gz", SHARED / "crypto_factors_weekly.csv"
SPANS = {"2014": (2014, 2014), "2015-16": (2015, 2016), "2017": (2017, 2017), "2018": (2018, 2018)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (COINS.exists() and PUBLISHED.exists()), reason="the 45 coins are not at ../shared/data"
    ),
]


@pytest.fixture(scope="module")
def panel(tmp_path_factory) -> Panel:
    folder = tmp_path_factory.mktemp("coins") / "set"
    asked = ["--raw", str(COINS), "--asset-class", "crypto", "--out", str(folder), "--quiet"]
    assert ingest(["--source", "files", *asked]) == 0
    return load_dataset(folder, calendar="24/7").panel


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    return pd.read_csv(PUBLISHED, index_col=0)


def compared(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Correlation, slope, mean difference and tracking error, a row a span and factor."""
    lines = {}
    for span, (first, last) in SPANS.items():
        for factor in theirs.columns:
            both = pd.concat([ours[factor], theirs[factor]], axis=1, keys=["ours", "theirs"])
            both = both.dropna().loc[first * 100 : last * 100 + 52]
            gap = both["ours"] - both["theirs"]
            lines[span, factor] = {
                "weeks": len(both),
                "coins": ours["coins"].reindex(both.index).mean(),
                "correlation": both["ours"].corr(both["theirs"]),
                "slope": np.polyfit(both["theirs"], both["ours"], 1)[0],
                "mean_difference": gap.mean(),
                "tracking": gap.std(),
            }
    return pd.DataFrame(lines).T


def test_the_market_is_the_published_one(panel, published, capsys) -> None:
    table = compared(crypto_three(panel), published)
    with capsys.disabled():
        print("\n" + table.round(4).to_string())
    market = table.xs("cmkt", level=1)
    assert market.loc[["2014", "2015-16", "2017"], "weeks"].tolist() == [49, 104, 52]
    # The promise is 0.995 in 2015-16 and in 2017; what was reached is held on to.
    assert (market["correlation"] >= 0.999).all()
    assert market.loc["2015-16", "correlation"] >= 0.9998
    assert market["slope"].between(0.97, 1.03).all()
    assert (market["mean_difference"].abs() <= 0.001).all()  # 0.1 % a week
    assert market.loc["2015-16", "tracking"] <= 0.0016
    assert (market["tracking"] <= 0.008).all()


def test_what_raises_the_market(panel, published) -> None:
    """The last week's seven days, four weeks of history, and the right day."""

    def market(rules: CoinRules, given: Panel = panel) -> pd.Series:
        return compared(crypto_three(given, rules), published).xs("cmkt", level=1)["correlation"]

    best = market(CoinRules())
    whole = market(CoinRules(week_return="whole"))
    # Only weeks 52 differ; in 2018 the data end before one.
    assert (whole[["2014", "2015-16", "2017"]] < best[["2014", "2015-16", "2017"]] - 0.001).all()
    assert (whole >= 0.995).all()
    young = market(CoinRules(history_weeks=0))
    assert young["2017"] < best["2017"] - 0.002 and young["2017"] >= 0.995
    for days in (-1, 1):
        moved = dataclasses.replace(
            panel, dates=panel.dates + days, next_session=panel.next_session + days
        )
        assert (market(CoinRules(), moved)[["2015-16", "2017"]] < 0.97).all()


def test_size_and_momentum_need_more_coins_than_survived(panel, published) -> None:
    """45 coins, chosen for what they were worth in 2018, are few of those that were there.

    Their CSMB is too good in the mean: a small one among them was about to grow.
    """
    table = compared(crypto_three(panel), published)
    for factor in ("csmb", "cmom"):
        lines = table.xs(factor, level=1)
        assert lines.loc["2018", "correlation"] > 0.85  # 41 coins
        assert 0.3 < lines.loc["2017", "correlation"] < 0.6  # 30 coins
        assert lines.loc["2015-16", "correlation"] < 0.4  # 13 coins
    early = table.xs("csmb", level=1).loc[["2014", "2015-16", "2017"], "mean_difference"]
    assert (early > 0.01).all()
