"""The factors against Kenneth French's daily series, from raw prices and filings.

Prices, filings and the published series are read in place beside the project
(``../shared/data``) and are no part of it. Run with ``-s`` to see the tables.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from runs.ingest import main as ingest
from runs.published import compare_published
from runs.published_terminal import comparison_lines

SHARED = Path(__file__).parents[2] / "shared" / "data"
PRICES = SHARED / "us_equities_prices.parquet"
FILINGS = SHARED / "us_equities_reports.parquet"
FRENCH = SHARED / "french_factors_daily.csv"
COINS, WEEKLY = SHARED / "crypto_daily.csv.gz", SHARED / "crypto_factors_weekly.csv"
BUNDLED = Path(__file__).parents[1] / "data" / "sp500_crypto"

absent = [path.name for path in (PRICES, FILINGS, FRENCH) if not path.exists()]
#: In one process, so that the stocks are read once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("published factors")]
needs_stocks = pytest.mark.skipif(bool(absent), reason=f"{absent} not beside the project")
needs_coins = pytest.mark.skipif(
    not (COINS.exists() and WEEKLY.exists()), reason="no coins beside the project"
)

#: Factor: least correlation, greatest tracking error a year.
BARS = {"mkt_rf": (0.998, 0.01), "smb": (0.96, 0.025), "hml": (0.92, 0.04), "umd": (0.95, 0.035)}
#: What June sorts reach, with some room.
REFINED = {"mkt_rf": 0.9988, "smb": 0.975, "hml": 0.97, "umd": 0.96, "cma": 0.9, "rmw": 0.7}


def make_set(raw: Path, asset_class: str, out: Path, *more: str) -> Path:
    arguments = ["--source", "files", "--raw", str(raw), "--asset-class", asset_class]
    assert ingest([*arguments, "--out", str(out), "--quiet", *more]) == 0
    return out


@pytest.fixture(scope="module")
def stocks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published") / "us"
    make_set(PRICES, "equity", folder, "--fundamentals", str(FILINGS))
    return compare_published(folder, FRENCH, start="2015-08-01", end="2017-03-31")


def rows_of(found, case: str) -> pd.DataFrame:
    lines = "\n".join([f"{case}:", *comparison_lines(found, case)])
    print("\n" + lines)
    return found.table[found.table["case"] == case].set_index("factor")


@needs_stocks
def test_monthly_sorts_reach_the_published_series(stocks) -> None:
    """Breakpoints of 1,700 names, sorted monthly, the latest book over the current cap."""
    rows = rows_of(stocks, "common")
    table = "\n".join(comparison_lines(stocks, "common"))
    for factor, (correlation, tracking) in BARS.items():
        row = rows.loc[factor]
        assert row["correlation"] >= correlation, table
        assert 0.85 <= row["slope"] <= 1.15, table
        assert abs(row["mean_difference_bps"]) <= 0.5, table
        assert row["tracking_error_annual"] <= tracking, table
    assert rows.loc["mkt_rf", "periods"] == 420
    assert rows.loc["umd", ["first", "periods"]].tolist() == ["2016-04-01", 253]


@needs_stocks
def test_june_sorts_come_closer(stocks) -> None:
    rows, monthly = rows_of(stocks, "refined"), rows_of(stocks, "common")
    table = "\n".join(comparison_lines(stocks, "refined"))
    for factor, correlation in REFINED.items():
        assert rows.loc[factor, "correlation"] >= correlation, table
    for factor in ("mkt_rf", "smb", "hml", "umd"):
        assert abs(rows.loc[factor, "mean_difference_bps"]) <= 0.5, table
    assert (
        rows.loc["hml", "tracking_error_annual"] < 0.7 * monthly.loc["hml", "tracking_error_annual"]
    )


@needs_stocks
def test_each_step_is_told_apart(stocks) -> None:
    tracking = stocks.table.pivot(index="factor", columns="case", values="tracking_error_annual")
    assert tracking.loc["mkt_rf", "settled"] < tracking.loc["mkt_rf", "plain"]
    assert tracking.loc["mkt_rf", "common"] < 0.8 * tracking.loc["mkt_rf", "settled"]
    assert tracking.loc["smb", "common"] < tracking.loc["smb", "settled"]
    assert not tracking.isna().all(axis=None)


@needs_coins
def test_coins_reach_their_authors_series(tmp_path) -> None:
    folder = make_set(COINS, "crypto", tmp_path / "coins")
    for start, end in (("2015-01-01", "2016-12-31"), ("2017-01-01", "2017-12-31")):
        found = compare_published(folder, WEEKLY, start=start, end=end)
        row = rows_of(found, "coins").loc["cmkt"]
        assert row["periods"] == 52 * (int(end[:4]) - int(start[:4]) + 1)
        assert row["correlation"] >= 0.995, comparison_lines(found, "coins")


def test_the_bundled_set_against_its_monthly_factors() -> None:
    found = compare_published(BUNDLED, BUNDLED / "published_monthly.csv")
    equal, traded = rows_of(found, "equal"), rows_of(found, "traded")
    # Survivors of 2016 without caps: the market moves as it should and earns too much.
    for rows in (equal, traded):
        assert rows.loc["mkt_rf", "correlation"] > 0.975
        assert rows.loc["umd", "correlation"] > 0.92
        assert rows.loc["mkt_rf", "mean_difference_bps"] > 0
        assert rows.loc["umd", "first"] == "2008-02-29"
    assert traded.loc["mkt_rf", "mean_difference_bps"] < equal.loc["mkt_rf", "mean_difference_bps"]
    assert math.isclose(equal.loc["mkt_rf", "periods"], 118)
