"""Sampled slippage against a naive loop, its mean, and its independence of blocks."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analyzers import cost_sampling
from analyzers.cost_break_even import CostBasis
from analyzers.cost_sampling import Noise, sample_extra_costs, sampled_bands
from analyzers.metrics import cagr, sharpe_ratio

DATES = pd.date_range("2020-01-01", periods=30, name="date")
BASIS = CostBasis(1000.0, 1000.0, 252)
NOISE = Noise("both", dispersion=0.7, common=0.4)


@pytest.fixture
def book() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(3)
    values = pd.DataFrame({"value": 1000 + rng.normal(0, 5, 30).cumsum()}, index=DATES)
    at = np.sort(rng.choice([0, 1, 9, 20, 29], 40))
    fills = pd.DataFrame({"date": DATES[at], "slippage": rng.uniform(0, 3, 40)})
    return values, fills


def naive_path(values: pd.DataFrame, fills: pd.DataFrame, noise: Noise, seed: int, path: int):
    """One path, fill by fill; draws of the days first, then of the fills."""
    rng = np.random.default_rng([seed, path])
    days = sorted(set(fills["date"]))
    shocks = {day: rng.standard_normal() for day in days}
    factors = []
    a, b = (math.sqrt(math.log(1 + spread**2)) for spread in (noise.dispersion, noise.common))
    for day in fills["date"]:
        own, shock = rng.standard_normal(), shocks[day]
        factors.append(math.exp(a * own - a**2 / 2) * math.exp(b * shock - b**2 / 2))
    extra, path_values = 0.0, []
    for date, value in values["value"].items():
        for day, slippage, factor in zip(fills["date"], fills["slippage"], factors):
            if day == date:
                extra += slippage * (factor - 1.0)
        path_values.append(value - extra)
    return pd.Series(path_values, index=values.index)


def test_bands_equal_a_naive_loop(book) -> None:
    values, fills = book
    found = sampled_bands(values, fills, BASIS, NOISE, paths=25, seed=11)
    paths = [naive_path(values, fills, NOISE, 11, path) for path in range(25)]
    for row, path in zip(found.paths.to_dict("records"), paths):
        assert row["final_value"] == pytest.approx(path.iloc[-1], abs=1e-9)
        before = path.shift(1, fill_value=1000.0)
        assert row["sharpe"] == pytest.approx(sharpe_ratio(path / before - 1, 252), rel=1e-9)
        assert row["cagr"] == pytest.approx(cagr(DATES, 1000.0, path.iloc[-1]), rel=1e-9)
    table = np.array([path.to_numpy() for path in paths])
    for level in (5, 25, 50, 75, 95):
        expected = np.percentile(table, level, axis=0)
        np.testing.assert_allclose(found.value[f"p{level}"], expected, atol=1e-9)


def test_neither_blocks_nor_the_number_of_paths_change_a_path(book, monkeypatch) -> None:
    values, fills = book
    whole = sampled_bands(values, fills, BASIS, NOISE, paths=40, seed=5)
    monkeypatch.setattr(cost_sampling, "_CELLS", 500)
    blocks = sampled_bands(values, fills, BASIS, NOISE, paths=40, seed=5)
    pd.testing.assert_frame_equal(whole.paths, blocks.paths, check_exact=True)
    pd.testing.assert_frame_equal(whole.value, blocks.value, check_exact=True)
    few = sampled_bands(values, fills, BASIS, NOISE, paths=7, seed=5)
    pd.testing.assert_frame_equal(whole.paths[:7], few.paths, check_exact=True)
    other = sampled_bands(values, fills, BASIS, NOISE, paths=7, seed=6)
    assert not np.isclose(other.paths["final_value"], few.paths["final_value"]).any()


def test_the_mean_of_what_is_paid_is_kept(book) -> None:
    _, fills = book
    paid = fills["slippage"].to_numpy()
    days, starts = np.unique(fills["date"].to_numpy(), return_index=True)
    extra = sample_extra_costs(paid, starts, NOISE, range(20_000), 1)
    assert extra.shape == (20_000, len(days))
    error = extra.std(axis=0) / np.sqrt(20_000)
    assert (np.abs(extra.mean(axis=0)) < 4 * error).all()


def test_without_noise_every_path_is_the_run(book) -> None:
    values, fills = book
    found = sampled_bands(values, fills, BASIS, Noise("none", 0.0), paths=3, seed=1)
    np.testing.assert_allclose(found.value["p5"], values["value"], atol=1e-9)
    np.testing.assert_allclose(found.value["p95"], values["value"], atol=1e-9)
    assert found.paths["slippage"].tolist() == pytest.approx([fills["slippage"].sum()] * 3)


def test_without_fills_every_path_is_the_run(book) -> None:
    values, fills = book
    found = sampled_bands(values, fills[:0], BASIS, NOISE, paths=3, seed=1)
    assert (found.value["p5"] == values["value"]).all()
    assert found.paths["final_value"].tolist() == [values["value"].iloc[-1]] * 3
    before = values["value"].shift(1, fill_value=1000.0)
    assert found.paths["sharpe"][0] == pytest.approx(
        sharpe_ratio(values["value"] / before - 1, 252)
    )


def test_a_ruined_path_has_no_growth() -> None:
    values = pd.DataFrame({"value": [1000.0, 50.0]}, index=DATES[:2])
    fills = pd.DataFrame({"date": DATES[:1], "slippage": [900.0]})
    found = sampled_bands(values, fills, BASIS, Noise("wild", 1.0), paths=50, seed=2)
    ruined = found.paths["final_value"] < 0
    assert ruined.any() and not ruined.all()
    assert found.paths["cagr"].isna().tolist() == ruined.tolist()
