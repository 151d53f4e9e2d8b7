"""The bundled configuration of factor risk parity, run: budgets, contributions, files and page."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzers.figures import build_figures
from analyzers.figures_risk import plot_risk_contributions
from analyzers.risk_gaps import BOOKS, gap_table, mean_absolute_gap
from analyzers.run_folder import write_tables
from analyzers.summary import write_summary
from configs.load import load_config
from runs.assemble import execute, prepare
from runs.collect import collect
from runs.risk_contributions import risk_contributions

CONFIG = "configs/factor_parity.yaml"
PAGE = Path(__file__).parent.parent / "docs/factor_parity.md"


@pytest.fixture(scope="module")
def study():
    return prepare(load_config(CONFIG))


@pytest.fixture(scope="module")
def result(study):
    return collect(study, execute(study), "the command")


@pytest.fixture(scope="module")
def table(result) -> pd.DataFrame:
    return result.risk_contributions


def test_ex_ante_contributions_equal_their_budgets_at_each_rebalance(study, table):
    parity = study.parity
    labels = [exposure.label for exposure in parity.exposures]
    assert labels == ["equity:value_proxy", "equity:size_proxy", "equity:momentum", "crypto:trend"]
    assert (parity.budgets.sum(axis=1) > 0).all()
    assert np.abs(parity.contributions - parity.budgets).max() < 1e-8
    # By hand: thirds of 0.9, and 0.1; halves while value is not known; no coins before 2015.
    assert parity.budgets[0] == pytest.approx([0, 0.5, 0.5, 0])
    assert parity.budgets[40] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert parity.budgets[-1] == pytest.approx([0.3, 0.3, 0.3, 0.1])
    written = table[table["kind"] == "ex_ante"]
    assert (written["contribution"] - written["budget"]).abs().max() < 1e-8
    assert written["date"].nunique() == len(parity.rows)


def test_the_weights_have_their_gross_and_are_neutral_in_stocks(study):
    weights, stocks = study.parity.weights, study.panel.asset_class == "equity"
    coins = study.parity.budgets[:, 3] > 0
    gross = np.abs(weights).sum(axis=1)
    assert gross[coins] == pytest.approx(1.0, abs=1e-12)
    assert gross[~coins] == pytest.approx(0.9, abs=1e-12)
    assert np.abs(weights[:, stocks].sum(axis=1)).max() < 1e-12


def test_contributions_and_the_residual_are_the_whole(table):
    sums = table.groupby(["date", "book", "kind"])["contribution"].sum()
    assert (sums - 1.0).abs().max() < 1e-9
    kinds = table.groupby("kind")["book"].unique()
    assert set(kinds["realised"]) == set(kinds["rebalance"]) == set(BOOKS)
    assert np.isfinite(table[["budget", "contribution"]].to_numpy()).all()


def test_realised_contributions_are_closer_to_budgets_than_equal_weighting(table):
    for kind in ("realised", "rebalance"):
        parity, equal = (mean_absolute_gap(table, kind, book) for book in BOOKS)
        print(f"mean absolute gap, {kind}: factor risk parity {parity:.4f}, equal {equal:.4f}")
        assert parity < 0.6 * equal


def test_the_book_is_what_its_factors_are(table):
    """After the fills nothing but lots and late tickets is outside of the factors' portfolios."""
    residual = table[(table["exposure"] == "residual") & (table["book"] == "factor_risk_parity")]
    assert residual["contribution"].abs().max() < 0.1
    assert residual["contribution"].abs().mean() < 0.01


def test_a_window_again_from_the_files(study, result, table):
    """Realised shares of the last window from returns, weights and portfolios, another way."""
    parity, panel = study.parity, study.panel
    value = result.values["value"].to_numpy()
    returns = (value[1:] / value[:-1] - 1.0)[-126:]
    first = np.searchsorted(panel.dates, result.values.index[0].to_datetime64().astype("M8[D]"))
    sizes = np.zeros((len(value), panel.shape[1]))
    place = {symbol: number for number, symbol in enumerate(panel.assets.tolist())}
    at = result.values.index.get_indexer(result.fills["date"])
    for row, symbol, size in zip(at, result.fills["symbol"], result.fills["size"]):
        sizes[row:, place[symbol]] += size
    earned = []
    for session in range(len(value) - 126, len(value)):
        row = first + session - 1
        number = np.flatnonzero(parity.rows + 1 <= row)[-1]
        entry = parity.rows[number] + 1
        book = parity.books[number].T
        units = np.where(book.any(axis=1), 1.0, 0.0)[:, None] * np.nan_to_num(
            book / panel.mark[entry][:, None]
        )
        mark, after = np.nan_to_num(panel.mark[row]), np.nan_to_num(panel.mark[row + 1])
        worth = 1.0 - book.sum(axis=0) + mark @ units - np.zeros(book.shape[1])
        now = units * mark[:, None] / worth
        held = sizes[session - 1] * mark / value[session - 1]
        multiples = np.linalg.lstsq(now, held, rcond=1e-8)[0]
        earned.append(multiples * ((after - mark) @ units) / worth)
    moved = np.array(earned) - np.mean(earned, axis=0)
    shares = moved.T @ (returns - returns.mean()) / ((returns - returns.mean()) ** 2).sum()
    last = table[(table["kind"] == "realised") & (table["book"] == "factor_risk_parity")]
    last = last[last["date"] == last["date"].max()].set_index("exposure")["contribution"]
    labels = [exposure.label for exposure in parity.exposures]
    np.testing.assert_allclose(last[labels].to_numpy(), shares, atol=1e-9)


def test_the_page_has_the_numbers_of_the_run(table):
    page = PAGE.read_text(encoding="utf-8")
    for name, row in gap_table(table).iterrows():
        cells = [f"{100 * value:.1f} %" if np.isfinite(value) else "" for value in row]
        line = f"| `{name}` | {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")
        assert line in page
    text = " ".join(page.split())
    gaps = {
        (kind, by, book): f"{100 * mean_absolute_gap(table, kind, book, by):.1f} %"
        for kind in ("realised", "rebalance")
        for by in ("exposure", "sleeve")
        for book in BOOKS
    }
    sleeve = [gaps["realised", "sleeve", book] for book in BOOKS]
    assert f"By sleeve the gap is {sleeve[0]}, and {sleeve[1]} with equal weighting" in text
    assert f"misses them by {gaps['realised', 'exposure', 'factor_risk_parity']} in the" in text
    assert f"miss by {gaps['rebalance', 'exposure', 'factor_risk_parity']} before a day" in text
    realised = table[(table["kind"] == "realised") & (table["book"] == "factor_risk_parity")]
    momentum = realised[realised["exposure"] == "equity:momentum"].set_index("date")
    assert momentum.loc["2016-03":"2016-05", "contribution"].min() < -0.4


@pytest.mark.slow
def test_other_streams_and_estimators_as_the_page_says(study):
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    found = []
    for change in ([], ["portfolio.covariance.estimator=ewma"]):
        given = ["portfolio.risk_budget.streams=present", *change]
        config = load_config(CONFIG, given)
        again = prepare(config)
        assert np.abs(again.parity.contributions - again.parity.budgets).max() < 1e-8
        other = risk_contributions(again, execute(again))
        found += [
            f"{100 * mean_absolute_gap(other, kind, 'factor_risk_parity'):.1f} %"
            for kind in ("realised", "rebalance")
        ]
    assert f"comes closer here: {found[0]} realised, {found[1]} at the rebalances" in page
    assert f"with `estimator: ewma` {found[2]} and {found[3]}" in page


@pytest.mark.parametrize("end", ["2010-04-01", "2012-03-30", "2015-12-07"])
def test_data_cut_off_leaves_every_weight_before(study, end):
    cut = prepare(load_config(CONFIG, [f"data.end={end}"])).parity
    number = len(cut.rows)
    assert 0 < number < len(study.parity.rows)
    np.testing.assert_array_equal(cut.rows, study.parity.rows[:number])
    np.testing.assert_array_equal(cut.weights, study.parity.weights[:number])
    assert cut.reports == study.parity.reports[:number]


def test_one_factor_and_one_sleeve():
    given = [
        "factors={momentum: {weight: 1, lookback: 252, skip: 21}}",
        "preprocess.min_factors=1",
        "portfolio.risk_budget={}",
        "portfolio.sleeves={equity: 1.0}",
        "data.end=2011-12-30",
    ]
    study = prepare(load_config(CONFIG, given))
    assert [exposure.label for exposure in study.parity.exposures] == ["equity:momentum"]
    np.testing.assert_allclose(study.parity.weights, study.parity.books[:, 0], atol=1e-15)


def test_a_factor_turned_round_is_held_the_other_way():
    given = ["data.end=2011-12-30", "factors.momentum.weight=-2"]
    study = prepare(load_config(CONFIG, given))
    usual = prepare(load_config(CONFIG, ["data.end=2011-12-30"]))
    labels = [exposure.label for exposure in study.parity.exposures]
    place = labels.index("equity:momentum")
    # Sides of as many names each: the best are now the worst. Only who is ranked is the same.
    np.testing.assert_allclose(
        study.parity.books[:, place], -usual.parity.books[:, place], atol=1e-15
    )


def test_budgets_are_named_as_factors_are_configured():
    given = ["data.end=2012-12-31", "portfolio.risk_budget.factors.value=2"]
    study = prepare(load_config(CONFIG, given))
    # The column is value_proxy: 2, 1 and 1 of the stocks, without coins.
    assert study.parity.budgets[-1] == pytest.approx([0.5, 0.25, 0.25])
    assert study.parity.contributions[-1] == pytest.approx([0.5, 0.25, 0.25], abs=1e-8)


def test_only_what_the_run_ranks_is_in_a_factor_s_portfolio():
    """Size is known after a quarter; ranked is what two factors are known of, after a year."""
    given = ["data.start=2007-01-03", "data.end=2008-06-30"]
    study = prepare(load_config(CONFIG, given))
    ranked = np.isfinite(study.signals.score)
    assert not ranked[:10].any() and ranked[-1].any()
    assert np.isfinite(study.scores.scaled[1][5]).any()
    assert not study.parity.books.any(axis=1)[~ranked].any()
    assert not study.parity.books[:10].any()


def test_caps_change_what_is_held_and_it_shows():
    given = ["data.end=2013-12-31", "portfolio.max_weight=0.004"]
    study = prepare(load_config(CONFIG, given))
    run = execute(study)
    assert max(np.abs(decision.weights).max() for decision in run.decisions) <= 0.004 + 1e-12
    assert np.abs(study.parity.contributions - study.parity.budgets).max() < 1e-8
    held = risk_contributions(study, run).query(
        "kind == 'rebalance' and book == 'factor_risk_parity'"
    )
    assert (held.groupby("date")["contribution"].sum() - 1).abs().max() < 1e-9
    residual = held[held["exposure"] == "residual"]["contribution"].abs()
    assert residual.mean() > 0.005


def test_the_table_is_written_and_shown(result, tmp_path):
    write_tables(result, tmp_path, config_text="", environment="", timings={})
    written = pd.read_csv(tmp_path / "risk_contributions.csv", parse_dates=["date"])
    assert written.columns.tolist() == [
        *("date", "book", "kind", "exposure", "budget", "contribution")
    ]
    assert (written["contribution"] == result.risk_contributions["contribution"]).all()
    page = write_summary(result, tmp_path, False).read_text(encoding="utf-8")
    assert "Contributions to risk" in page and "risk_contributions.csv" in page
    assert "Equity: Momentum" in page and "Residual" in page
    without = replace(result, risk_contributions=None)
    page = write_summary(without, tmp_path, False).read_text(encoding="utf-8")
    assert "Contributions to risk" not in page and "risk_contributions.csv" not in page


def test_the_figure_is_there_where_there_is_something_to_show(result, table):
    assert "risk_contributions" in build_figures(result)
    assert "risk_contributions" not in build_figures(replace(result, risk_contributions=None))
    words = [text.get_text() for text in plot_risk_contributions(table).texts]
    assert "Equity: value (proxy)" in words and "Budgets, stacked" in words
    gap = 100 * mean_absolute_gap(table, "realised", "equal")
    assert any(text.startswith(f"Equal weighting: {gap:.1f}") for text in words)
    short = plot_risk_contributions(table[table["kind"] == "ex_ante"])
    assert any("shorter than a window" in text.get_text() for text in short.texts)


@pytest.mark.exhaustive
def test_the_same_bytes_again(tmp_path):
    """Whatever the seed of hashes and the time zone."""
    command = [sys.executable, "-m", "runs.backtest", "--config", CONFIG, "--quiet"]
    for name, seed, zone in (("one", "1", "UTC"), ("two", "2", "Asia/Tokyo")):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone}
        given = ["--out", str(tmp_path / name), "--set", "data.end=2012-12-31"]
        subprocess.run([*command, *given], env=environment, check=True)
    for name in ("risk_contributions.csv", "weights.csv", "values.csv", "summary.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    for kind in ("png", "svg"):
        name = f"plots/risk_contributions.{kind}"
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
