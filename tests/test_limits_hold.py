"""All limits hold on every date of every configuration that comes with the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from configs.load import load_config
from runs.assemble import execute, portfolio_rules, prepare
from strategies.limit_rows import sector_labels
from strategies.targets import TargetMaker
from strategies.volatility_target import forecast_volatility

CONFIGURATIONS = sorted(set(Path("configs").glob("*.yaml")) - {Path("configs/cleaning.yaml")})
#: Limits on top of a bundled configuration, so that each kind is met on real data.
MORE = {
    "dollar and beta": ("backtest", ["portfolio.neutral={dollar: 0, beta: 0, market: SP500}"]),
    "classes": ("backtest", ["portfolio.neutral={asset_class: true}"]),
    "volatility": (
        "backtest",
        [
            "portfolio.volatility_target={annual: 0.04, max_leverage: 2}",
            "portfolio.max_gross=1.5",
            "portfolio.weighting=inverse_volatility",
        ],
    ),
    "formations": ("large_caps_bitcoin", ["portfolio.stagger=6", "portfolio.max_gross=1"]),
}
#: The others belong to the slow suite.
QUICK = ("dollar and beta", "formations")


def check(path: Path, overrides: list[str]) -> None:
    config = load_config(path, overrides)
    study = prepare(config)
    rules, panel = portfolio_rules(config), study.panel
    maker = TargetMaker(panel, study.signals, rules)
    labels = sector_labels(panel.sector, panel.asset_class)
    decisions = execute(study, only=("values",)).decisions
    assert sum(decision.weights.any() for decision in decisions) > 20
    for number, decision in enumerate(decisions):
        weights, gross = decision.weights, np.abs(decision.weights)
        told = [detail for _, kind, detail in decision.reports]
        most = rules.max_gross or rules.gross
        assert gross.sum() <= most + 1e-12
        assert gross.max() <= rules.max_weight + 1e-12
        assert not weights[~study.signals.eligible[number]].any()
        assert rules.is_long_short or (weights >= 0).all()
        for name, cap in rules.max_class_weight.items():
            assert gross[panel.asset_class == name].sum() <= cap + 1e-9
        for name in np.unique(labels).tolist() if rules.max_sector_weight else ():
            cap = rules.max_sector_weight.get(name, rules.max_sector_weight.get("others", most))
            assert gross[labels == name].sum() <= cap + 1e-9
        neutral = rules.neutral
        if neutral.dollar is not None:
            assert abs(weights.sum()) <= neutral.dollar + 1e-9
        if neutral.beta is not None and weights.any():
            beta = np.nan_to_num(maker.section(number).beta, nan=1.0)
            assert abs(beta @ weights) <= neutral.beta + 1e-9
        for name in np.unique(panel.asset_class).tolist():
            if name in neutral.asset_class or neutral.asset_class == ("all",):
                assert abs(weights[panel.asset_class == name].sum()) <= 1e-9
        if rules.volatility_target is not None and weights.any():
            forecast, _ = forecast_volatility(maker.section(number), weights, rules)
            assert forecast <= rules.volatility_target.annual * (1 + 2e-6)
        elif weights.any() and not told:
            assert gross.sum() == pytest.approx(rules.gross, abs=1e-12)


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_limits_hold_on_every_date(path):
    check(path, [])


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MORE]
)
def test_limits_hold_with_more_of_them(name):
    stem, overrides = MORE[name]
    check(Path(f"configs/{stem}.yaml"), overrides)


def test_the_page_tells_the_volatility_of_the_bundled_book():
    study = prepare(load_config("configs/risk_balanced.yaml"))
    values = execute(study, only=("values",)).tables["values"]["value"].to_numpy()
    realised = (values[1:] / values[:-1] - 1.0).std(ddof=1) * np.sqrt(252)
    page = Path("docs/limits.md").read_text(encoding="utf-8")
    assert f"was {100 * realised:.1f} %" in page


def test_later_data_change_no_decision():
    """Equal risk, formations, a volatility target and a beta to an index on data cut short."""
    more = ["portfolio.side=long_short", "portfolio.select={top: 7}"]
    more.append("portfolio.neutral={dollar: 0, beta: 0, market: SP500}")
    made = {}
    for end in ("2021-12-31", "2018-11-15"):
        study = prepare(load_config("configs/risk_balanced.yaml", [*more, f"data.end={end}"]))
        made[end] = execute(study, only=("values",)).decisions
    whole, cut = made.values()
    assert len(whole) > len(cut) > 50
    for one, other in zip(whole, cut, strict=False):
        assert one.row == other.row and one.reports == other.reports
        assert one.weights.tolist() == other.weights.tolist()


def test_the_page_s_example_of_a_total_that_gives_way():
    overrides = ["portfolio.neutral={asset_class: true}", "data.start=2016-10-01"]
    study = prepare(load_config("configs/backtest.yaml", overrides))
    last = execute(study, only=("values",)).decisions[-1]
    page = " ".join(Path("docs/limits.md").read_text(encoding="utf-8").split())
    assert last.reports[-1][1] == "limits" and last.reports[-1][2] in page
