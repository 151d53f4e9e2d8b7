"""Filed figures of any filings: no day knows of a later one, and assets do not mix."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.figures import Figures
from feeds.filings.figures import filed_figures
from tests.filed_case import DATES, YEARS, series, table

FILING = st.tuples(
    st.sampled_from([row[0] for row in YEARS] + ["2016-03-26", "2016-06-11"]),
    # Often days apart only: a filing of the next day must not be known either.
    st.one_of(st.integers(0, 3), st.integers(88, 95), st.integers(0, 700)),
    st.sampled_from([3, 3, 3, 12, 6]),
    st.integers(-50, 150).map(float),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(FILING, min_size=1, max_size=14), st.integers(1, len(DATES) - 1))
def test_no_day_knows_of_a_later_filing(drawn: list[tuple], cut: int) -> None:
    """Any filings: what is known on the first days is what it would be had the rest never come."""
    rows = [
        (end, str(np.datetime64(end) + after), months, value) for end, after, months, value in drawn
    ]
    rows = [row for row in rows if np.datetime64(row[1]) + 1 < DATES[-1]]
    known = [row for row in rows if np.datetime64(row[1]) + 1 <= DATES[cut]]
    for name in ("net_income_ttm", "operating_cash_flow_ttm", "assets", "assets_year_ago"):
        if not rows or not known:
            continue
        whole, part = series(rows, name), series(known, name)
        np.testing.assert_array_equal(whole.iloc[: cut + 1], part.iloc[: cut + 1])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(FILING, min_size=2, max_size=10), st.randoms(use_true_random=False))
def test_assets_do_not_mix(drawn: list[tuple], random) -> None:
    rows = [(end, str(np.datetime64(end) + after), *rest) for end, after, *rest in drawn]
    rows = [row for row in rows if np.datetime64(row[1]) + 1 < DATES[-1]]
    if len(rows) < 2:
        return
    half = len(rows) // 2
    parts = {"A": rows[:half], "B": rows[half:]}
    both = pd.concat([table(part, symbol=name) for name, part in parts.items()])
    both = both.sort_values(["known_from", "period_end"], kind="stable", ignore_index=True)
    events = filed_figures(both, ["B", "A"], DATES)["net_income_ttm"]
    held = Figures.of({"x": events}, (len(DATES), 2)).array("x")
    np.testing.assert_array_equal(held[:, 1], series(parts["A"]))
    np.testing.assert_array_equal(held[:, 0], series(parts["B"]))
