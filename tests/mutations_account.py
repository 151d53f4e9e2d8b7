"""Deliberate faults in the account.

Each is (what goes wrong, file, text that it has once, text in its place, tests that notice).
"""

from __future__ import annotations

__all__ = ["FAULTS"]

ACCOUNT = "strategies/execution/account.py"
PENDING = "strategies/execution/pending.py"
MARKS = "strategies/execution/marks.py"

#: See `tests/mutations.py`.
FAULTS: tuple[tuple[str, ...], ...] = (
    (
        "carry is on today's mark",
        ACCOUNT,
        "self.panel.marks(row - 1, row, held)",
        "self.panel.marks(row, row + 1, held)",
        "test_carry",
    ),
    (
        "carry of idle rows is on today's mark",
        ACCOUNT,
        "self.cash, held, worth[:-1], ",
        "self.cash, held, worth[1:], ",
        "test_carry",
    ),
    (
        "carry of idle rows counts the days of the row before",
        ACCOUNT,
        "self._days[start + 1 : last + 1]",
        "self._days[start:last]",
        "test_carry",
    ),
    (
        "a delisting pays instead of costing",
        ACCOUNT,
        "reference * (1.0 + lost)",
        "reference * (1.0 - lost)",
        "test_account",
    ),
    (
        "an ended series is closed a session late",
        ACCOUNT,
        "[0] >= self.rules.stale_after",
        "[0] > self.rules.stale_after",
        "test_account",
    ),
    (
        "idle rows do not stop at an ended series",
        MARKS,
        "return first + int(stale.argmax()) if stale.any() else last + 1",
        "return last + 1",
        "test_account",
    ),
    (
        "a pause is closed at the return of the series' later end",
        ACCOUNT,
        'np.where(ended, panel.end_reason[stale], "data_end").tolist()',
        "panel.end_reason[stale].tolist()",
        "test_account",
    ),
    (
        "a ticket outlives the holding it was sized to",
        ACCOUNT,
        "        self._drop_tickets(row, stale)\n",
        "",
        "test_account",
    ),
    (
        "a ticket without a bar is dropped",
        ACCOUNT,
        "ready, later = plan.basket.take(tradable), plan.basket.take(~tradable)",
        "ready, later = plan.basket.take(tradable), None",
        "test_account",
    ),
    (
        "a plan for the close fills at the open, and the other way round",
        ACCOUNT,
        'panel.open[row] if plan.instant == "open"',
        'panel.open[row] if plan.instant == "close"',
        "test_account",
    ),
    (
        "increases are booked before the reductions that pay for them",
        ACCOUNT,
        "((~grown).nonzero()[0], grown.nonzero()[0])",
        "(grown.nonzero()[0], (~grown).nonzero()[0])",
        "test_factor_rebalance",
    ),
    (
        "commission is received",
        ACCOUNT,
        "np.add(size * price, commission",
        "np.subtract(size * price, commission",
        "test_account_ledger",
    ),
    (
        "a broken margin is not noticed",
        ACCOUNT,
        "            self._liquidate(first + count - 1)\n",
        "            pass\n",
        "test_account",
    ),
    (
        "a book exactly at its margin is let be",
        ACCOUNT,
        "broken = total <= margin",
        "broken = total < margin",
        "test_account",
    ),
    (
        "shorts lower the margin that is asked for",
        ACCOUNT,
        "maintenance_margin * (long - short)",
        "maintenance_margin * (long + short)",
        "test_account",
    ),
    (
        "a new plan leaves the waiting tickets of the old one alive",
        PENDING,
        'kept = tuple(one for one in self._plans if one.reason == "stop")',
        "kept = self._plans",
        "test_account",
    ),
    (
        "a plan overtakes a liquidation",
        ACCOUNT,
        "if self._pending.is_liquidation:\n            why",
        "if self._pending.is_liquidation and not plan.part:\n            why",
        "test_account",
    ),
    (
        "a holding that may not miss one bar is looked at after the fills",
        ACCOUNT,
        "and self.rules.stale_after > 1)",
        "and True)",
        "test_account_corners",
    ),
    (
        "only the first plan says that its ticket is cut to the volume",
        ACCOUNT,
        "        if plan.part == 1:\n",
        "        if plan.part == 0:\n",
        "test_account_corners",
    ),
    (
        "a liquidation after a split trades the lots of before it",
        ACCOUNT,
        "lot = printed / self.panel.adjustment_at(row, held)",
        "lot = printed",
        "test_account_corners",
    ),
    (
        "carry booked beyond a liquidation stays",
        ACCOUNT,
        "rows = np.arange(start + 1, stop)",
        "rows = np.arange(start + 1, last + 1)",
        "test_carry",
    ),
    (
        "a series that resumes on the next session has ended",
        MARKS,
        "panel.tradable[row + 1 :, columns]",
        "panel.tradable[row + 2 :, columns]",
        "test_account_corners",
    ),
    (
        "a plan that waits is slept through",
        ACCOUNT,
        "row if self._pending else last, accrued",
        "last, accrued",
        "test_account_corners",
    ),
    (
        "values are booked a session late",
        ACCOUNT,
        "record_values(np.arange(first, first + count)",
        "record_values(np.arange(first + 1, first + count + 1)",
        "test_account",
    ),
    (
        "the row after a settled block is skipped",
        ACCOUNT,
        "        return first + count\n",
        "        return first + count + 1\n",
        "test_account",
    ),
    (
        "what is held beside a basket counts at its first close",
        MARKS,
        "panel.mark_at(max(row - 1, 0), others[gaps])",
        "panel.mark_at(0, others[gaps])",
        "test_account",
    ),
)
