"""Parity with alphalens-reloaded and linearmodels, which run in an environment of their own.

`docs/alphalens.md` has the definitions side by side and names the tests of this file.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyzers.decay import (
    quantile_forward_returns,
    quantile_turnover,
    spread_by_horizon,
)
from analyzers.factor_performance import quantile_weights
from analyzers.fama_macbeth import fama_macbeth
from analyzers.information import information_coefficients, rank_autocorrelation

PEERS = Path(__file__).with_name("peers")
PYTHON = Path(os.environ.get("PEERS_PYTHON", PEERS.parents[1] / ".venv-peers/bin/python"))
QUANTILES = 5
HORIZONS, LAGS = (1, 5, 21), (0, 1)
CASES = [(horizon, lag) for horizon in HORIZONS for lag in LAGS]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason=f"{PYTHON} is absent: scripts/install_peers.sh makes it"
    ),
]


def ask(script: str, folder: Path, **arrays: Any) -> dict[str, Any]:
    """What a peer's script answers to these arrays."""
    np.savez(folder / "given.npz", **arrays)
    command = [str(PYTHON), str(PEERS / script), "given.npz", "found.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((folder / "found.json").read_text())


def sample(step: int, missing: float, assets: int = 20) -> dict[str, Any]:
    rng = np.random.default_rng(12)
    dates = pd.bdate_range("2019-01-01", periods=130).to_numpy().astype("datetime64[D]")
    closes = 50.0 * np.exp(np.cumsum(rng.normal(0.0003, 0.02, (130, assets)), axis=0))
    rows = np.arange(0, 130, step)
    scores = rng.normal(size=(len(rows), assets)).cumsum(axis=0)
    scores[rng.random(scores.shape) < missing] = np.nan
    return {"scores": scores, "closes": closes, "rows": rows, "dates": dates}


@pytest.fixture(scope="module", params=[1, 5], ids=["daily", "weekly"])
def compared(request, tmp_path_factory) -> tuple[dict[str, Any], dict[str, Any]]:
    """Twenty assets, all with scores, decided on every session or on every fifth."""
    given = sample(request.param, 0.0)
    folder = tmp_path_factory.mktemp("alphalens")
    return given, ask("alphalens_peer.py", folder, **given, horizons=HORIZONS, lags=LAGS)


def assert_same(own: np.ndarray, theirs: Mapping[str, float], given: Mapping[str, Any]) -> None:
    """Equal to 1e-9 on every date that either knows."""
    dates = [str(date) for date in given["dates"][given["rows"]]]
    known = {date: value for date, value in zip(dates, own) if np.isfinite(value)}
    assert known.keys() == theirs.keys() and len(known) > 5
    assert list(known.values()) == pytest.approx(list(theirs.values()), rel=0, abs=1e-9)


@pytest.mark.parametrize(("horizon", "lag"), CASES)
def test_information_coefficient(compared, horizon: int, lag: int) -> None:
    given, found = compared
    own = information_coefficients(
        given["scores"], given["closes"], given["rows"], horizon, lag=lag
    )
    assert_same(own.to_numpy(), found[f"{horizon} {lag}"]["ic"], given)


@pytest.mark.parametrize(("horizon", "lag"), CASES)
def test_mean_return_by_quantile(compared, horizon: int, lag: int) -> None:
    given, found = compared
    parts = (given["scores"], given["closes"], given["rows"])
    own = quantile_forward_returns(*parts, horizon, QUANTILES, lag=lag)
    theirs = found[f"{horizon} {lag}"]
    for q in range(QUANTILES):
        assert_same(own[:, q], theirs["means"][str(q + 1)], given)
        # Their default takes the mean of all assets off; with as many a quantile, of all five.
        assert_same(own[:, q] - own.mean(axis=1), theirs["centred"][str(q + 1)], given)
    assert np.nanmean(own, axis=0) == pytest.approx(theirs["overall"], rel=0, abs=1e-9)
    spread = spread_by_horizon(*parts, QUANTILES, (horizon,), lag=lag, periods_per_year=252)
    theirs_spread = theirs["overall"][-1] - theirs["overall"][0]
    assert spread.loc[0, "spread"] == pytest.approx(theirs_spread, rel=0, abs=1e-9)


@pytest.mark.parametrize(("horizon", "lag"), CASES)
def test_turnover_and_rank_autocorrelation(compared, horizon: int, lag: int) -> None:
    """They leave out dates whose returns are not known, we do not."""
    given, found = compared
    last = given["rows"] + lag + horizon < len(given["closes"])
    theirs = found[f"{horizon} {lag}"]
    turnover = np.where(last[:, None], quantile_turnover(given["scores"], QUANTILES), np.nan)
    for q in range(QUANTILES):
        assert_same(turnover[:, q], theirs["turnover"][str(q + 1)], given)
    own = np.where(last, rank_autocorrelation(given["scores"]), np.nan)
    assert_same(own, theirs["autocorrelation"], given)


def test_missing_scores(tmp_path: Path) -> None:
    """Coefficients agree still; ranks of the date before are taken among other assets there."""
    given = sample(1, 0.2)
    found = ask("alphalens_peer.py", tmp_path, **given, horizons=[5], lags=[1])["5 1"]
    parts = (given["scores"], given["closes"], given["rows"])
    assert_same(information_coefficients(*parts, 5).to_numpy(), found["ic"], given)
    dates, theirs = given["dates"].astype(str), pd.Series(found["autocorrelation"])
    own = pd.Series(rank_autocorrelation(given["scores"]), dates)
    assert 1e-3 < (own[theirs.index] - theirs).abs().max() < 0.2
    # Theirs, by its definition: ranked apart on each date, then matched.
    wide = pd.DataFrame(given["scores"], dates).rank(axis=1)
    apart = wide.corrwith(wide.shift(1), axis=1)[theirs.index]
    assert apart.to_numpy() == pytest.approx(theirs.to_numpy(), rel=0, abs=1e-9)


def test_tied_scores(tmp_path: Path) -> None:
    """Coefficients agree; they lose the dates on which two edges of their quantiles coincide."""
    given = sample(1, 0.0)
    given["scores"] = np.round(given["scores"])
    found = ask("alphalens_peer.py", tmp_path, **given, horizons=[5], lags=[1])["5 1"]
    parts = (given["scores"], given["closes"], given["rows"])
    own = information_coefficients(*parts, 5).set_axis(given["dates"].astype(str))
    theirs = pd.Series(found["ic"])
    assert 20 < len(theirs) < own.notna().sum()
    assert own[theirs.index].to_numpy() == pytest.approx(theirs.to_numpy(), rel=0, abs=1e-9)


def test_uneven_quantiles(tmp_path: Path) -> None:
    """Of 12 assets they put 3, 2, 2, 2, 3 in fifths (cuts of values); we 2 in each outer one."""
    given = sample(1, 0.0, assets=12)
    found = ask("alphalens_peer.py", tmp_path, **given, horizons=[1], lags=[1])["1 1"]
    theirs = np.array([np.bincount(side, minlength=6)[1:] for side in found["counts"].values()])
    assert (theirs == [3, 2, 2, 2, 3]).all()
    ours = (quantile_weights(given["scores"], QUANTILES) > 0).sum(axis=2).T
    assert (ours == [2, 2, 4, 2, 2]).all()


def test_fama_macbeth(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    beta, size = rng.normal(size=(2, 60, 30))
    returns = 0.01 + 0.02 * beta - 0.01 * size + rng.normal(0, 0.05, (60, 30))
    weights = np.exp(rng.normal(size=(60, 30)))
    for side in (beta, size, returns):
        side[rng.random(side.shape) < 0.1] = np.nan
    given = {"returns": returns, "beta": beta, "size": size, "weights": weights}
    found = ask("linearmodels_peer.py", tmp_path, **given, lags=[0, 3, 12])
    for name, theirs in found.items():
        weighted, lags = name.split()
        own = fama_macbeth(
            returns,
            {"beta": beta, "size": size},
            weights=weights if weighted == "True" else None,
            lags=int(lags),
        )
        assert own.slopes.to_numpy() == pytest.approx(np.array(theirs["slopes"]), abs=1e-9)
        for ours, key in ((own.means, "params"), (own.errors, "errors"), (own.t_stats, "t_stats")):
            assert ours.to_numpy() == pytest.approx(theirs[key], rel=1e-9)
