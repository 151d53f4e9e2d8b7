"""The only wiring: a configuration becomes a study, and a study is run by Backtrader."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzers.recorder import Recorder, journal_tables
from configs.classes import check_asset_classes
from configs.limits import check_limits
from configs.schema import BacktestConfig
from factors.composite import Scores
from factors.momentum import momentum
from factors.plugins import load_plugins
from feeds.errors import ConfigError
from feeds.panel import Panel
from feeds.store import DataSet, load_dataset, read_native
from feeds.universe import NATIVE_CLASSES, Floors, eligible_assets, eligible_through_gaps
from runs.decisions import scheduled_rows
from runs.neutral_market import neutral_market
from runs.scoring import make_factors, score
from runs.trading import (
    borrowable,
    check_spread,
    order_rules,
    participation_rates,
    printed_ticks,
    stop_rules,
)
from strategies.cross_section import Target
from strategies.execution.account import Account, AccountRules
from strategies.execution.basket import Limits
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.costs import Carry, TradingCosts, make_carry, make_trading_costs
from strategies.factor_rebalance import Decision, FactorRebalance, Signals
from strategies.portfolio_rules import (
    CovarianceRules,
    MeanVarianceRules,
    NeutralRules,
    PortfolioRules,
    VolatilityRules,
)

if TYPE_CHECKING:
    from strategies.factor_parity import FactorParity

__all__ = [
    "Execution",
    "Study",
    "account_rules",
    "execute",
    "portfolio_rules",
    "prepare",
]


@dataclass(frozen=True, eq=False)
class Study:
    """Everything a run needs, validated: data, scores by decision row, and rules.

    `targets` are filled by the first run and shared by those under other costs. `parity` is what
    factor risk parity has prepared, None for another weighting.
    """

    config: BacktestConfig
    data: DataSet
    panel: Panel
    scores: Scores
    signals: Signals
    costs: TradingCosts
    carry: Carry
    targets: dict[int, Target] = field(default_factory=dict)
    parity: FactorParity | None = None


@dataclass(frozen=True, eq=False)
class Execution:
    """One pass of the strategy over the panel."""

    account: Account
    decisions: list[Decision]
    tables: dict[str, Any]


def prepare(
    config: BacktestConfig, *, latest: int = 0, interval: str = "1d", rows: int | None = None
) -> Study:
    """Load the data, check that it has what is asked of it, and score the decision dates.

    With `latest`, that many of the last rows are scored too, whether or not they decide, and
    rebalance dates after them are yet to come instead of mistakes. `interval` is the length of
    the bars; of them the first `rows` are read, all unless given.

    Raises
    ------
    UserError
        If the data set, a factor, a scheme or the universe does not fit the configuration.
    """
    load_plugins(config.plugins)
    data = load_dataset(
        config.data.dir, calendar=config.data.calendar, end=config.data.end, interval=interval
    )
    if rows is not None:
        data = replace(data, panel=data.panel.as_of(rows - 1), reference=data.reference[:rows])
    check_asset_classes(config, data.panel.asset_class.tolist())
    panel = _universe(config, data)
    check_limits(config, panel, [*data.panel.assets.tolist(), *data.reference.columns])
    factors = make_factors(config, panel)
    participation_rates(config, panel)  # refused now, not after the scores
    costs = make_trading_costs(
        panel, config.costs.commission, config.costs.slippage, config.data.dir, config.seed
    )
    carry = make_carry(
        panel,
        **config.costs.carry.model_dump(),
        published=data.published,
        start=config.data.start,
        data=config.data.dir,
    )
    costs = replace(costs, ticks=printed_ticks(config, panel))
    at = scheduled_rows(config, panel, so_far=latest > 0)
    check_spread(config.execution.spread_over, at, panel.dates)
    if latest:
        last = panel.shape[0]
        at = np.union1d(at, np.arange(max(last - latest, 0), last))
    eligible = _eligible(config, panel, config.data.investable)
    scores = score(config, panel, factors, eligible, at)
    trend = momentum(panel, **_trend_parameters(config))[at]
    market = neutral_market(config, data)
    shortable = borrowable(config, panel, at, lambda floors: _eligible(config, panel, floors))
    signals = Signals(at, eligible[at], scores.composite, trend, *market, shortable=shortable)
    if interval != "1d":
        # A coin without a bar for an hour must not move the market, and with it all betas.
        longest = config.execution.stale_after
        members = eligible_through_gaps(panel, eligible, at, longest)
        signals = replace(signals, market_members=members)
    study = Study(config, data, panel, scores, signals, costs, carry)
    return _with_parity(study) if config.portfolio.weighting == "factor_risk_parity" else study


def _with_parity(study: Study) -> Study:
    from runs.factor_parity import prepare_parity

    parity = prepare_parity(
        study.config, study.panel, study.scores, study.signals, portfolio_rules(study.config)
    )
    prepared = {"prepared": parity.weights, "prepared_reports": parity.reports}
    return replace(study, signals=replace(study.signals, **prepared), parity=parity)


def _eligible(config: BacktestConfig, panel: Panel, floors: Floors | None) -> np.ndarray:
    """(T, N) who may be held; coins reach a floor of traded value by their own days."""
    coins = panel.assets[np.isin(panel.asset_class, NATIVE_CLASSES)].tolist()
    folded = bool(coins) and panel.calendar != "24/7"
    if floors is None or floors.min_dollar_volume <= 0 or not folded:
        return eligible_assets(panel, floors)
    # Read only where it counts: the folded bar of a Monday holds three days.
    from feeds.native_days import native_statistics

    units = dict(zip(panel.assets.tolist(), panel.volume_unit.tolist()))
    bars = read_native(config.data.dir, coins)
    native = native_statistics(bars, units, panel.assets.tolist(), panel.dates)
    return eligible_assets(panel, floors, native.dollar_volume)


def execute(
    study: Study, cost_scale: float = 1.0, only: Collection[str] | None = None
) -> Execution:
    """Run the strategy once on Backtrader, its trading costs multiplied by `cost_scale`.

    With `only`, names of tables, no analyzer is attached and just those tables are made.

    Raises
    ------
    ConfigError
        If nothing was ever traded.
    """
    config = study.config
    costs, rules = study.costs.scaled(cost_scale), account_rules(config, study.panel)
    account = Account(study.panel, costs, study.carry, rules)
    cerebro = PanelCerebro(study.panel, account)
    cerebro.addstrategy(
        FactorRebalance,
        panel=study.panel,
        signals=study.signals,
        portfolio=portfolio_rules(config),
        orders=order_rules(config),
        stops=stop_rules(config),
        targets=study.targets,
    )
    if only is None:
        cerebro.addanalyzer(Recorder, _name="recorder")
    strategy = cerebro.run()[0]
    if not account.journal.started:
        raise ConfigError(
            f"{config.name}: nothing was ever traded between {config.data.start} and "
            f"{config.data.end}",
            "widen the dates: factors need history, and a plan fills on the session after it",
        )
    if only is None:
        tables = strategy.analyzers.recorder.get_analysis()
    else:
        tables = journal_tables(account.journal, study.panel, only)
    return Execution(account, strategy.decisions, tables)


def account_rules(config: BacktestConfig, panel: Panel) -> AccountRules:
    """What the account starts with and must keep to, as the configuration says."""
    execution = config.execution
    return AccountRules(
        execution.starting_cash,
        Limits(execution.cash_buffer, execution.maintenance_margin),
        execution.stale_after,
        config.delisting_return.model_dump(),
        participation_rates(config, panel),
    )


def portfolio_rules(config: BacktestConfig) -> PortfolioRules:
    """The rules of construction that the configuration's ``portfolio`` asks for."""
    portfolio = config.portfolio
    scaled = portfolio.volatility_target
    return PortfolioRules(
        side=portfolio.side,
        quantile=portfolio.select.quantile,
        top=portfolio.select.top,
        weighting=portfolio.weighting,
        gross=portfolio.gross,
        net=portfolio.net,
        max_weight=portfolio.max_weight,
        max_class_weight=portfolio.max_class_weight,
        sleeves=portfolio.sleeves,
        min_breadth=getattr(portfolio.min_breadth, portfolio.side),
        thin_sleeve=portfolio.thin_sleeve,
        max_sector_weight=portfolio.max_sector_weight,
        max_gross=portfolio.max_gross,
        neutral=NeutralRules(**portfolio.neutral.model_dump()),
        volatility_target=None if scaled is None else VolatilityRules(**scaled.model_dump()),
        stagger=portfolio.stagger,
        covariance=CovarianceRules(**portfolio.covariance.model_dump()),
        mean_variance=MeanVarianceRules(**portfolio.mean_variance.model_dump()),
        unborrowable=config.execution.unborrowable,
    )


def _universe(config: BacktestConfig, data: DataSet) -> Panel:
    panel = data.panel
    wanted = np.ones(panel.shape[1], dtype=bool)
    if config.data.universe is not None:
        unknown = sorted(set(config.data.universe) - set(panel.assets.tolist()))
        if unknown:
            raise ConfigError(
                f"data.universe: {unknown[0]} is not in {config.data.dir}"
                + (f" (nor are {len(unknown) - 1} more)" if len(unknown) > 1 else ""),
                f"see {config.data.dir}/universe.csv for its symbols",
            )
        wanted &= np.isin(panel.assets, config.data.universe)
    sleeves = config.portfolio.sleeves
    for name in sleeves or {}:
        if name not in panel.asset_class[wanted]:
            raise ConfigError(
                f"portfolio.sleeves.{name}: the universe has no asset of this class",
                f"classes there: {', '.join(sorted(set(panel.asset_class[wanted].tolist())))}",
            )
    if sleeves is not None:
        wanted &= np.isin(panel.asset_class, [name for name in sleeves])
    window = panel.dates >= np.datetime64(config.data.start)
    if not panel.tradable[np.ix_(window, wanted)].any():
        raise ConfigError(
            f"{config.data.dir} has no data for the universe in {config.data.start}.."
            f"{config.data.end}",
            f"it covers {panel.dates[0]}..{panel.dates[-1]}: change data.start and data.end",
        )
    return panel if wanted.all() else panel.select(wanted)


def _trend_parameters(config: BacktestConfig) -> dict[str, Any]:
    """As configured; else those of the momentum factor, so that one trend is meant."""
    if config.portfolio.trend:
        return dict(config.portfolio.trend)
    entry = config.factors.get("momentum")
    return entry.parameters if entry is not None else {}
