"""From the signals of a run to the target of each decision, and what was decided before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feeds.panel import Panel
from strategies.construction import finished, formed
from strategies.cross_section import CrossSection, Report, Target
from strategies.history import past_returns, returns_up_to
from strategies.neutrality import betas, mean_return
from strategies.portfolio_rules import PortfolioRules
from strategies.stagger import mean_formation

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
        Session returns of the symbol that betas are against, by row of the panel; the mean of
        the eligible assets unless given.
    market_class : str, optional
        Asset class of that symbol; that of most assets unless given.
    prepared : (R, N) float array, optional
        Weights made before the run, for a weighting of the whole book.
    prepared_reports : tuple of tuples of (str, str, str)
        What a user should know of them, by decision.
    shortable : (R, N) bool array, optional
        What can be borrowed and sold short; None where everything can.
    market_members : (R, N) bool array, optional
        Whose mean return is the market where none is given; the eligible assets unless given.
        Where it is, betas are of returns from one bar to the next, none over a gap.
    """

    rows: np.ndarray
    eligible: np.ndarray
    score: np.ndarray
    trend: np.ndarray
    market: np.ndarray | None = None
    market_class: str | None = None
    prepared: np.ndarray | None = None
    prepared_reports: tuple[tuple[Report, ...], ...] = ()
    shortable: np.ndarray | None = None
    market_members: np.ndarray | None = None


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
        #: Assets whose closes are hours from the market's: they are of another class.
        self._lagged = panel.asset_class != (signals.market_class or _commonest(panel))
        #: Formations that later targets still hold, by number, and the first that was not empty.
        self._formed: dict[int, Target] = {}
        self._began: int | None = None
        self._looked = -1

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
        section, rules = self.section(number, held), self._rules
        if rules.stagger == 1:
            return finished(section, formed(section, rules), rules)
        return finished(section, self._overlapping(number, section), rules)

    def _overlapping(self, number: int, section: CrossSection) -> Target:
        """The mean of the last formations since the first that wanted anything."""
        while self._began is None and self._looked < number:
            self._looked += 1
            if self._formation(self._looked).weights.any():
                self._began = self._looked
        newest = self._formation(number)
        if self._began is None:
            return newest
        first = max(number - self._rules.stagger + 1, self._began)
        weights = [self._formation(earlier).weights for earlier in range(first, number)]
        mean = mean_formation([*weights, newest.weights], section.eligible, section.asset_class)
        for earlier in [made for made in self._formed if made < first]:
            del self._formed[earlier]
        return Target(mean, newest.reports)

    def _formation(self, number: int) -> Target:
        if number not in self._formed:
            self._formed[number] = formed(self.section(number), self._rules)
        return self._formed[number]

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
            beta=None if self._rules.neutral.beta is None else self._betas_of_eligible(number),
            held=held,
            history=returns_up_to(panel, row),
            periods_per_year=panel.periods_per_year,
            prepared=None if signals.prepared is None else signals.prepared[number],
            prepared_reports=signals.prepared_reports[number] if signals.prepared_reports else (),
            shortable=None if signals.shortable is None else signals.shortable[number],
        )

    def betas(self, number: int, columns: np.ndarray) -> np.ndarray:
        """Betas of any assets as of a decision, eligible then or not.

        Parameters
        ----------
        number : int
            Which of the signals' rows.
        columns : (k,) int array

        Returns
        -------
        (k,) float64 array
            To the market of the signals; NaN where not known.
        """
        panel, signals, rules = self._panel, self._signals, self._rules
        row, lookback = int(signals.rows[number]), rules.covariance.lookback
        if signals.market_members is not None:
            returns, market = self._without_gaps(number, columns)
        else:
            returns = past_returns(panel, row, columns, lookback)
            market = None
        if signals.market is not None:
            market = signals.market[row + 1 - len(returns) : row + 1]
        elif market is None:
            members = np.flatnonzero(signals.eligible[number])
            same = np.array_equal(columns, members)
            market = mean_return(returns if same else past_returns(panel, row, members, lookback))
        lagged = self._lagged[columns]
        return betas(returns, market, lagged, rules.covariance.min_history)

    def _without_gaps(self, number: int, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(L, k) returns of assets and (L,) of the members of the market, from bar to next bar.

        A return over a gap is none: one of five hours among those of one would decide a slope
        by itself. Nor is there a market in a row in which less than half of it traded.
        """
        panel, signals = self._panel, self._signals
        row, lookback = int(signals.rows[number]), self._rules.covariance.lookback
        members = np.flatnonzero(signals.market_members[number])
        first = max(row - lookback, 0)
        parts = []
        for these in (columns, members):
            returns = past_returns(panel, row, these, lookback)
            returns[~panel.tradable[first:row].take(these, axis=1)] = np.nan
            parts.append(returns)
        returns, of_members = parts
        market = mean_return(of_members)
        market[2 * np.isfinite(of_members).sum(axis=1) < len(members)] = np.nan
        return returns, market

    def _betas_of_eligible(self, number: int) -> np.ndarray:
        """(N,) betas of the eligible assets; NaN of the others, and where not known."""
        found = np.full(self._panel.shape[1], np.nan)
        columns = np.flatnonzero(self._signals.eligible[number])
        found[columns] = self.betas(number, columns)
        return found


def _commonest(panel: Panel) -> str:
    names, counts = np.unique(panel.asset_class, return_counts=True)
    return str(names[counts.argmax()])
