"""Constructions that are held against published factors, from plain to refined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from factors.common_stock import distributing_vehicles, other_share_classes
from factors.french import french_factors, month_end_rows
from factors.french_cells import FrenchFactors, FrenchRules
from factors.holdings import Endings, likely_reasons, series_endings
from factors.size import median_dollar_volume
from feeds.annual_rates import add_annual_rates
from feeds.errors import ConfigError, DataError
from feeds.fundamentals import align_filed, align_fundamentals
from feeds.panel import Panel
from feeds.share_counts import settle_shares
from feeds.store import DataSet, read_fundamentals, read_manifest
from feeds.suggestions import remedy_for

__all__ = ["Case", "Inputs", "build_case", "choose_cases"]

#: Raw close under which an ended series is taken to have failed, and what is then lost.
_LOST = {"bankruptcy": -1.0, "unknown": -0.3}
#: Caps beyond these come from wrong share counts.
_RULES = FrenchRules(fewest_names=200, min_cap=20e6, max_cap=1.2e12)
_JUNE = replace(_RULES, rebalance="june", book_over="december")


@dataclass(frozen=True)
class Case:
    """One construction.

    Parameters
    ----------
    name : str
        On the command line and in tables.
    title : str
        What it adds to the one before.
    rules : FrenchRules
    settled : bool
        Whether share counts are held against earlier filings.
    common : bool
        Whether trusts, partnerships and second share classes are left out.
    ended : bool
        Whether ended series are closed at delisting returns, those of unknown reason by their
        last price. Without it they keep their last mark.
    proxy : bool
        Whether median traded value stands in for market caps.
    """

    name: str
    title: str
    rules: FrenchRules = field(default_factory=FrenchRules)
    settled: bool = False
    common: bool = False
    ended: bool = False
    proxy: bool = False


#: Each adds one step to the one before it; the last two rows show what rests on a choice.
WITH_BOOKS = (
    Case("plain", "monthly sorts, latest book over current cap, 1,700 names", _RULES),
    Case("settled", "share counts held against earlier filings", _RULES, settled=True),
    Case("common", "trusts, funds and partnerships left out", _RULES, settled=True, common=True),
    Case("ended", "ended series closed", _RULES, settled=True, common=True, ended=True),
    Case("june", "sorted in June, book over December cap", _JUNE, True, True, True),
    Case(
        "refined", "SMB of three sorts, as in the five factors", replace(_JUNE, smb="mean"),
        True, True, True,
    ),
    Case(
        "names_1400", "refined, breakpoints of 1,400 names",
        replace(_JUNE, smb="mean", breakpoint_names=1400), True, True, True,
    ),
    Case(
        "names_2000", "refined, breakpoints of 2,000 names",
        replace(_JUNE, smb="mean", breakpoint_names=2000), True, True, True,
    ),
)  # fmt: skip
_NO_CAPS = FrenchRules(breakpoint_names=1_000_000, fewest_names=30)
WITHOUT_CAPS = (
    Case(
        "equal", "equal weights; size parted by traded value",
        replace(_NO_CAPS, weighting="equal"), proxy=True,
    ),
    Case("traded", "weights and size by traded value, a proxy of caps", _NO_CAPS, proxy=True),
)  # fmt: skip


def choose_cases(panel: Panel, names: Sequence[str] | None) -> tuple[Case, ...]:
    """The cases that a set allows, or those of them that are named.

    Raises
    ------
    ConfigError
        If a name is none of them.
    """
    books = panel.market_cap is not None and panel.book_equity is not None
    cases = WITH_BOOKS if books else WITHOUT_CAPS
    if names is None:
        return cases
    known = {case.name: case for case in cases}
    for name in names:
        if name not in known:
            why = "" if books else " of a set without caps and books"
            raise ConfigError(f"--cases: {name!r} is no construction{why}", remedy_for(name, known))
    return tuple(known[name] for name in names)


class Inputs:
    """What the cases are made from, each part computed when a case first needs it."""

    def __init__(self, data: DataSet) -> None:
        panel = data.panel
        equities = panel.asset_class == "equity"
        if not equities.any():
            raise DataError(
                f"{data.folder} has no equities to build the factors from",
                "factors of coins are compared with a weekly file: yyww, cmkt, csmb, cmom",
            )
        self.data = data
        self.panel = panel if equities.all() else panel.select(equities)

    @cached_property
    def settled_caps(self) -> np.ndarray:
        """(T, N) caps whose share counts are borne out by earlier filings."""
        names, panel = self.panel.assets.tolist(), self.panel
        settled = settle_shares(self._filings, names, panel.dates, panel.split_factor)
        known = align_fundamentals(settled, names, panel.dates, panel.split_factor)
        return known["shares"] * panel.raw_close

    @cached_property
    def traded(self) -> np.ndarray:
        """(T, N) median traded value."""
        return median_dollar_volume(self.panel, rows=self._months)

    @cached_property
    def common(self) -> np.ndarray:
        """(T, N) names that pass for common stock on the month ends; other rows are False."""
        panel, rows = self.panel, self._months
        left_out = distributing_vehicles(
            panel, rows, self.settled_caps[rows], self._annual["net_income_annual"][rows],
            self._annual["revenue_annual"][rows],
        )  # fmt: skip
        left_out |= other_share_classes(
            panel.figure("assets")[rows], panel.book_equity[rows], panel.dollar_volume[rows]
        )
        common = np.zeros(panel.shape, dtype=bool)
        common[rows] = ~left_out
        return common

    @cached_property
    def profit(self) -> np.ndarray | None:
        """(T, N) net income a year, as the filings of the last year have it."""
        return None if self._annual is None else self._annual["net_income_annual"]

    @cached_property
    def growth(self) -> np.ndarray | None:
        """(T, N) growth of total assets over a year."""
        panel = self.panel
        if not (panel.available("assets") and panel.available("assets_year_ago")):
            return None
        before = panel.figure("assets_year_ago")
        ratio = np.full(panel.shape, np.nan)
        np.divide(panel.figure("assets"), before, out=ratio, where=before > 0)
        return ratio - 1.0

    @cached_property
    def ends(self) -> Endings:
        """Ended series, booked on the session after the last bar as published returns are."""
        return series_endings(self.panel, _LOST, booked="next", reasons=likely_reasons(self.panel))

    @cached_property
    def _months(self) -> np.ndarray:
        return month_end_rows(self.panel)

    @cached_property
    def _filings(self) -> pd.DataFrame:
        return read_fundamentals(self.data.folder, read_manifest(self.data.folder))

    @cached_property
    def _annual(self) -> dict[str, np.ndarray] | None:
        flows = ("net_income", "revenue")
        if self.panel.book_equity is None or not {*flows, "months"} <= set(self._filings):
            return None
        rates = add_annual_rates(self._filings, flows)
        names = [f"{name}_annual" for name in flows]
        return align_filed(rates, names, self.panel.assets.tolist(), self.panel.dates)


def build_case(case: Case, inputs: Inputs) -> FrenchFactors:
    """The portfolios of one construction."""
    caps = inputs.panel.market_cap
    if case.settled:
        caps = inputs.settled_caps
    if case.proxy:
        caps = inputs.traded
    return french_factors(
        inputs.panel,
        case.rules,
        caps=caps,
        profit=inputs.profit,
        growth=inputs.growth,
        eligible=inputs.common if case.common else None,
        ends=inputs.ends if case.ended else None,
    )
