"""From the signals of a run to the target of each decision, and what was decided before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feeds.panel import Panel
from strategies.construction import target_weights
from strategies.cross_section import CrossSection, Report, Target
from strategies.history import returns_up_to
from strategies.portfolio_rules import PortfolioRules

__all__ = ["Signals", "TargetMaker"]


@dataclass(frozen=True)
class Signals:
    """What the strategy knows on its decision dates, each row from data up to that row only.

    Parameters
    ----------
    rows : (R,) int array
        Decision rows of the panel, increasing.
    eligible : (R, N) bool array
        Members with a bar that may be held.
    score, trend : (R, N) float arrays
        Composite score, and the asset's own past return for thin sleeves; NaN: not known.
    market : (T,) float array, optional
        Session returns of the symbol that betas are against, by row of the panel.
    prepared : (R, N) float array, optional
        Weights made before the run, for a weighting of the whole book.
    prepared_reports : tuple of tuples of (str, str, str)
        What a user should know of them, by decision.
    shortable : (R, N) bool array, optional
        What can be borrowed and sold short; None where everything can.
    """

    rows: np.ndarray
    eligible: np.ndarray
    score: np.ndarray
    trend: np.ndarray
    market: np.ndarray | None = None
    prepared: np.ndarray | None = None
    prepared_reports: tuple[tuple[Report, ...], ...] = ()
    shortable: np.ndarray | None = None


class TargetMaker:
    """Makes the target of each decision.

    Parameters
    ----------
    panel : Panel
    signals : Signals
    rules : PortfolioRules
    """

    def __init__(self, panel: Panel, signals: Signals, rules: PortfolioRules) -> None:
        self._panel, self._signals, self._rules = panel, signals, rules

    def target(self, number: int, held: np.ndarray | None = None) -> Target:
        """The target of a decision, by its number.

        Parameters
        ----------
        number : int
            Which of the signals' rows.
        held : (N,) float array, optional
            Signed weights held at the close of that row; needed where
            ``PortfolioRules.needs_account`` says so.
        """
        return target_weights(self.section(number, held), self._rules)

    def section(self, number: int, held: np.ndarray | None = None) -> CrossSection:
        """What is known on a decision's row."""
        panel, signals = self._panel, self._signals
        row = int(signals.rows[number])
        return CrossSection(
            symbols=panel.assets,
            asset_class=panel.asset_class,
            eligible=signals.eligible[number],
            score=signals.score[number],
            trend=signals.trend[number],
            row=row,
            market_cap=None if panel.market_cap is None else panel.market_cap[row],
            sector=panel.sector,
            held=held,
            history=returns_up_to(panel, row),
            periods_per_year=panel.periods_per_year,
            prepared=None if signals.prepared is None else signals.prepared[number],
            prepared_reports=signals.prepared_reports[number] if signals.prepared_reports else (),
        )
