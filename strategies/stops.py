"""Stops: holdings given up at a loss from their entry or from their best close."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feeds.panel import Panel
from strategies.execution.journal import Journal

__all__ = ["StopRules", "StopWatch"]

_REMEMBERED = ("size", "entry", "best", "stopped", "leaving")


@dataclass(frozen=True)
class StopRules:
    """When a holding is given up.

    All three compare total-return closes, for longs and mirrored for shorts; None is off.

    Parameters
    ----------
    loss : float, optional
        Adverse move from the average entry price, a fraction of it.
    trailing : float, optional
        Adverse move from the best close since entry, that of the entry's session included.
    drawdown : float, optional
        Adverse move from the asset's best close of the last `drawdown_lookback` sessions,
        held then or not. It bars entries, too, as long as it lasts.
    drawdown_lookback : int
        Sessions, the present one included.
    cool_off : int, optional
        Sessions after the stop in which no decision takes the asset up again; None: the next
        rebalance may.
    """

    loss: float | None = None
    trailing: float | None = None
    drawdown: float | None = None
    drawdown_lookback: int = 252
    cool_off: int | None = None


class StopWatch:
    """Follows the entries and closes of what is held, and says what is to be given up.

    Parameters
    ----------
    panel : Panel
        T rows, N assets. Row t is looked at with the rows up to it alone.
    journal : Journal
        The account's, whose fills tell the entry prices.
    rules : StopRules
    """

    def __init__(self, panel: Panel, journal: Journal, rules: StopRules) -> None:
        count = panel.shape[1]
        self._panel, self._journal, self._rules = panel, journal, rules
        self._followed = 0
        self._size, self._entry = np.zeros(count), np.full(count, np.nan)
        #: (N,) best close since entry, and row of the last stop; -1 for none.
        self._best = np.full(count, np.nan)
        self._stopped = np.full(count, -1)
        self._leaving = np.zeros(count, dtype=bool)

    @property
    def leaving(self) -> np.ndarray:
        """(N,) bool: stopped, and still held as far as the fills are known."""
        return self._leaving

    def look(self, row: int) -> tuple[np.ndarray, list[str]]:
        """What is stopped at the close of a row: (k,) assets, and why.

        Call it with every row that something is held in, in order. A holding without a bar on
        the row is not stopped, nor one that is leaving already.
        """
        self._follow()
        held = (self._size != 0).nonzero()[0]
        held = held[self._panel.tradable[row].take(held)]
        if not len(held):
            return held, []
        close, short = self._panel.close[row].take(held), self._size[held] < 0
        best = self._best[held]
        self._best[held] = np.where(short, np.fmin(best, close), np.fmax(best, close))
        hit, why = self._hits(row, held, close, short)
        hit &= ~self._leaving[held]
        stopped = held[hit]
        self._stopped[stopped] = row
        self._leaving[stopped] = True
        return stopped, [why[at] for at in hit.nonzero()[0].tolist()]

    def barred(self, row: int, side: np.ndarray) -> np.ndarray:
        """(N,) bool: assets that a decision of a row may not hold on a side.

        Parameters
        ----------
        side : (N,) float array
            Signs of the wanted weights.
        """
        barred = self._leaving.copy()
        if self._rules.cool_off is not None:
            barred |= (self._stopped >= 0) & (row <= self._stopped + self._rules.cool_off)
        if self._rules.drawdown is not None:
            wanted = side.nonzero()[0]
            close, short = self._panel.mark_at(row, wanted), side[wanted] < 0
            best = self._best_of_window(row, wanted, short)
            barred[wanted] |= _moved_against(close, best, short, self._rules.drawdown)
        return barred

    def saved(self) -> dict[str, np.ndarray]:
        """(N,) arrays of what is remembered from session to session; see :meth:`restore`.

        ``size`` in units, ``entry`` and ``best`` as adjusted prices, ``stopped`` a row of the
        panel or -1, ``leaving`` a bool.
        """
        return {name: getattr(self, f"_{name}").copy() for name in _REMEMBERED}

    def restore(self, saved: dict[str, np.ndarray]) -> None:
        """Go on from what was saved; fills that are in the journal now are not looked at."""
        for name in _REMEMBERED:
            setattr(self, f"_{name}", saved[name].copy())
        self._followed = len(self._journal.fills)

    def _hits(
        self, row: int, held: np.ndarray, close: np.ndarray, short: np.ndarray
    ) -> tuple[np.ndarray, list[str]]:
        rules, hit, why = self._rules, np.zeros(len(held), dtype=bool), [""] * len(held)
        for limit, what in (
            (rules.loss, "entry"),
            (rules.trailing, "best close since entry"),
            (rules.drawdown, f"best close of {rules.drawdown_lookback} sessions"),
        ):
            if limit is None:
                continue
            if what == "entry":
                since = self._entry[held]
            elif what == "best close since entry":
                since = self._best[held]
            else:
                since = self._best_of_window(row, held, short)
            new = _moved_against(close, since, short, limit) & ~hit
            for at in new.nonzero()[0].tolist():
                move = abs(close[at] / since[at] - 1.0)
                why[at] = (
                    f"{'short' if short[at] else 'long'} closed at {close[at]:g}, {move:.1%} "
                    f"{'above' if short[at] else 'below'} its {what} of {since[at]:g}"
                )
            hit |= new
        return hit, why

    def _best_of_window(self, row: int, columns: np.ndarray, short: np.ndarray) -> np.ndarray:
        first = max(row + 1 - self._rules.drawdown_lookback, 0)
        closes, best = self._panel.close[first : row + 1], np.empty(len(columns))
        for side, extreme in ((short, np.fmin), (~short, np.fmax)):
            best[side] = extreme.reduce(closes.take(columns[side], axis=1), axis=0)
        return best

    def _follow(self) -> None:
        """Enter the fills since the last look."""
        fills = self._journal.fills[self._followed :]
        self._followed += len(fills)
        for _, _, _, column, size, price, _, _ in fills:
            held, entry = self._size[column], self._entry[column]
            after = held + size
            opened = held * after <= 0
            grown = ~opened & (held * size > 0)
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = (held * entry + size * price) / after
            self._entry[column] = np.where(opened, price, np.where(grown, mean, entry))
            self._best[column[opened]] = np.nan
            self._size[column] = after
            self._leaving[column[after == 0]] = False


def _moved_against(
    close: np.ndarray, since: np.ndarray, short: np.ndarray, limit: float
) -> np.ndarray:
    """(k,) bool: whether closes have moved against longs or shorts by a fraction of a price."""
    return np.where(short, close >= since * (1.0 + limit), close <= since * (1.0 - limit))
