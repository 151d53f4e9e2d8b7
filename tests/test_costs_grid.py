"""The grid of a cost study: what fits the data, what is left out, and files of schemes."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.load import load_config
from feeds.errors import ConfigError
from runs.assemble import prepare
from runs.costs_grid import CONFIGURED, CostGrid, NamedSchemes, default_grid, fit_grid, read_grid


@pytest.fixture(scope="module")
def study():
    return prepare(load_config("configs/backtest.yaml"))


@pytest.fixture(scope="module")
def grid(study) -> CostGrid:
    return default_grid(study.config, study.panel)


def test_at_least_five_by_five_fit_the_default_data(grid) -> None:
    assert len(grid.commission) >= 5 and len(grid.slippage) >= 5
    for axis in (grid.commission, grid.slippage):
        assert axis[0].name == CONFIGURED
        assert len({schemes.name for schemes in axis}) == len(axis)
        kinds = [dict(schemes.entries) for schemes in axis]
        assert all(kinds.count(entries) == 1 for entries in kinds)


def test_what_the_data_lack_is_left_out_with_the_fields(grid) -> None:
    reasons = {(kind, name, label): why for kind, name, label, why in grid.left_out}
    why = reasons["slippage", "half spread", "equity"]
    assert "high, low" in why and "data/sp500_crypto" in why
    assert any(kind == "commission" and "split_factor" in why for kind, _, _, why in grid.left_out)


def test_a_scheme_of_one_class_leaves_the_other_as_configured(study, grid) -> None:
    spread = next(part for part in grid.slippage if part.name.startswith("half spread"))
    assert spread.name == "half spread, crypto only"
    assert spread.entries["crypto"] == {"scheme": "half_spread"}
    assert spread.entries["equity"] == study.config.costs.slippage["equity"]


def test_a_candidate_that_is_configured_stands_once(study) -> None:
    config = load_config(
        "configs/backtest.yaml",
        [f"costs.slippage.{name}={{scheme: bps, bps: 10}}" for name in ("equity", "crypto")],
    )
    found = default_grid(config, study.panel)
    assert "10 bps" not in [part.name for part in found.slippage]


def write(folder: Path, text: str) -> str:
    path = folder / "grid.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_gives_its_schemes_beside_the_configured(study, tmp_path) -> None:
    text = (
        "commission:\n  free: {}\n  shares: {equity: {scheme: per_share, rate: 0.01}}\n"
        "slippage:\n  ten: {crypto: {scheme: bps, bps: 10}}\n"
    )
    found = fit_grid(study.config, study.panel, read_grid(write(tmp_path, text)))
    assert [part.name for part in found.commission] == [CONFIGURED, "free"]
    assert found.slippage[1:] == (NamedSchemes("ten", {"crypto": {"scheme": "bps", "bps": 10}}),)
    ((kind, name, label, why),) = found.left_out
    assert (kind, name, label) == ("commission", "shares", "equity") and "split_factor" in why


@pytest.mark.parametrize(
    ("text", "told", "remedy"),
    [
        ("", "no grid", "commission:"),
        ("- 1\n", "no grid", "commission:"),
        ("comission: {a: {}}\n", "unknown key comission", "commission"),
        ("commission: {}\n", "no mapping of names", "slippage:"),
        ("commission: {a: 3}\n", "commission.a is no mapping", "equity"),
        ("commission: {a: {equity: 3}}\n", "commission.a.equity is no mapping", "scheme"),
        ("commission: {as configured: {}}\n", "taken", "always there"),
        ("commission: {a: {}, a: {}}\n", "given twice", "keep one"),
        ("commission: {a: {equity: {scheme: percnt, bps: 1}}}\n", "percnt", "percent"),
        ("commission: {a: {equity: {scheme: percent, bsp: 1}}}\n", "bsp", "bps"),
        ("commission: {a: {equity: {scheme: percent, bps: -1}}}\n", "-1", "negative"),
        ("slippage: {a: {equities: {scheme: none}}}\n", "equities", "equity"),
    ],
)
def test_mistakes_are_named_with_their_remedy(study, tmp_path, text, told, remedy) -> None:
    with pytest.raises(ConfigError) as caught:
        fit_grid(study.config, study.panel, read_grid(write(tmp_path, text)))
    assert told in caught.value.problem and remedy in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3
