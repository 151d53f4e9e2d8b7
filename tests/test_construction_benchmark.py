"""The benchmark of construction, small: it measures every stage, and its weights are right."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.construction import PARITY, factor_returns, main, measure


@pytest.mark.exhaustive
def test_every_stage_is_measured_on_its_decisions():
    found = {result.stage: result for result in measure(30, 6, 60, 3, slow=2)}
    assert list(found)[0] == "ledoit_wolf" and len(found) == 7
    assert found["ledoit_wolf"].decisions == found[PARITY].decisions == 6
    assert found["minimum_variance"].decisions == 2
    assert found[PARITY].gap < 1e-10 and found["minimum_variance"].gap is None
    assert all(result.seconds >= 0.0 for result in found.values())


def test_returns_have_a_market_in_common():
    returns = factor_returns(500, 20, 1)
    correlation = np.corrcoef(returns.T)[np.triu_indices(20, 1)]
    assert 0.1 < correlation.mean() < 0.6
    assert factor_returns(500, 20, 1).tobytes() == returns.tobytes()


@pytest.mark.slow
def test_the_command_prints_a_table_and_writes_json(capsys, tmp_path):
    target = tmp_path / "found.json"
    given = ["--assets", "25", "--decisions", "3", "--lookback", "60", "--json", str(target)]
    assert main(given) in (0, 1)
    printed = capsys.readouterr().out
    assert PARITY in printed and "25 assets, 3 decisions of 60 sessions" in printed
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert lines[0]["stage"] == "ledoit_wolf"
