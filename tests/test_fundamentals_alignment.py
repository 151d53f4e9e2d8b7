"""Aligned filings equal those of a plain loop over filings, and no later filing changes them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import DataError
from feeds.fundamentals import align_filed, align_fundamentals

NAN = float("nan")
DATES = np.array("2021-01-04", "datetime64[D]") + np.array([0, 1, 2, 3, 4, 7, 8, 9, 10, 11])
ASSETS = ["NA", "B", "C"]


def loop(filings, assets, dates, split_factor):
    """Filing after filing, each from its session on."""
    out = {name: np.full(split_factor.shape, np.nan) for name in ("book_equity", "shares")}
    columns = {symbol: column for column, symbol in enumerate(assets)}
    for symbol, own in filings.groupby("symbol", sort=True):
        if symbol not in columns:
            continue
        column = columns[symbol]
        latest = own["period_end"] >= own["period_end"].cummax()
        for filing in own[latest].itertuples(index=False):
            first = np.searchsorted(dates, np.datetime64(filing.known_from, "D"))
            if np.isfinite(filing.book_equity):
                out["book_equity"][first:, column] = filing.book_equity
            if np.isfinite(filing.shares):
                since = split_factor[:, column]
                counted = np.searchsorted(
                    dates, np.datetime64(filing.shares_as_of, "D"), side="right"
                )
                base = since[counted - 1] if counted else 1.0
                out["shares"][first:, column] = filing.shares * since[first:] / base
    return out


def table(rows) -> pd.DataFrame:
    names = ["symbol", "period_end", "known_from", "book_equity", "shares", "shares_as_of"]
    frame = pd.DataFrame(rows, columns=names)
    for name in ("period_end", "known_from", "shares_as_of"):
        frame[name] = pd.to_datetime(frame[name])
    return frame.astype({"book_equity": "float64", "shares": "float64"})


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["known_from", "period_end"], kind="stable", ignore_index=True)


days = st.integers(-20, 20).map(lambda day: np.datetime64("2021-01-06") + day)
figures = st.one_of(st.just(NAN), st.floats(-1e6, 1e6, allow_nan=False))
counts = st.one_of(st.just(NAN), st.floats(0.1, 1e6))
filed = st.tuples(st.sampled_from([*ASSETS, "UNKNOWN"]), days, days, figures, counts, days)
ratios = st.lists(st.sampled_from([1.0, 1.0, 2.0, 0.1, 1.5]), min_size=30, max_size=30)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(filed, max_size=25), ratios)
def test_the_result_is_that_of_a_loop_bit_for_bit(rows, splits):
    factor = np.cumprod(np.array(splits).reshape(10, 3), axis=0)
    frame = in_order(table(rows))
    expected = loop(frame, ASSETS, DATES, factor)
    found = align_fundamentals(frame, ASSETS, DATES, factor)
    for name, values in expected.items():
        assert found[name].flags["C_CONTIGUOUS"]
        assert found[name].tobytes() == values.tobytes()


def test_what_is_filed_later_changes_no_earlier_row():
    """2,000 filings over 300 sessions; cut and scrambled at 60 of them."""
    rng = np.random.default_rng(3)
    dates = np.datetime64("2020-01-01") + np.arange(300)
    names = [f"S{number}" for number in range(40)]
    known = dates[rng.integers(0, 300, 2000)]
    frame = table(
        {
            "symbol": rng.choice(names, 2000),
            "period_end": known - rng.integers(1, 120, 2000),
            "known_from": known,
            "book_equity": np.where(rng.random(2000) < 0.2, NAN, rng.normal(100, 50, 2000)),
            "shares": np.where(rng.random(2000) < 0.3, NAN, rng.uniform(1, 9, 2000)),
            "shares_as_of": known - rng.integers(0, 30, 2000),
        }
    )
    frame = in_order(frame)
    steps = np.where(rng.random((300, 40)) < 0.01, 2.0, 1.0)
    factor = np.cumprod(steps, axis=0)
    whole = align_fundamentals(frame, names, dates, factor)
    assert np.isfinite(whole["shares"]).mean() > 0.5
    for row in range(2, 300, 5):
        now = frame["known_from"] <= pd.Timestamp(dates[row])
        later = frame[~now].assign(book_equity=7.0, shares=3.0, symbol="S1")
        scrambled = in_order(pd.concat([frame[now], later], ignore_index=True))
        for version, stop in ((frame[now], row + 1), (scrambled, 300)):
            part = align_fundamentals(version, names, dates[:stop], factor[:stop])
            for name, values in whole.items():
                assert part[name][: row + 1].tobytes() == values[: row + 1].tobytes()


def test_any_column_of_numbers_is_aligned_by_the_same_rule():
    rows = [
        ("B", "2020-12-31", "2021-01-05", 9, NAN, None),
        ("B", "2020-12-31", "2021-01-11", NAN, NAN, None),
        ("B", "2020-09-30", "2021-01-12", 1, NAN, None),
    ]
    frame = table(rows).assign(net_income=[5.0, 6.0, 7.0], months=[12, 12, 3], note=["a", "b", "c"])
    found = align_filed(frame, ["net_income", "book_equity", "months"], ["A", "B"], DATES)
    assert list(found) == ["net_income", "book_equity", "months"]
    # The amendment of the 11th gives net income and no equity; the quarter before it, filed on
    # the 12th, changes nothing.
    expected = [NAN] + [5.0] * 4 + [6.0] * 5
    np.testing.assert_array_equal(found["net_income"][:, 1], expected)
    np.testing.assert_array_equal(found["book_equity"][:, 1], [NAN] + [9.0] * 9)
    assert np.isnan(found["net_income"][:, 0]).all()
    with pytest.raises(DataError, match="no column sales\nuse one of symbol, "):
        align_filed(frame, ["sales"], ["B"], DATES)
    with pytest.raises(DataError, match="column note of the filings does not hold numbers"):
        align_filed(frame, ["note"], ["B"], DATES)


def test_no_filing_and_no_asset_give_nothing():
    empty = align_fundamentals(table([]), ["A"], DATES, np.ones((10, 1)))
    assert np.isnan(empty["shares"]).all() and empty["book_equity"].shape == (10, 1)
    late = table([("A", "2020-12-31", "2022-01-05", 9.0, 1.0, "2021-01-01")])
    assert np.isnan(align_fundamentals(late, ["A"], DATES, np.ones((10, 1)))["shares"]).all()
    assert align_filed(late, ["shares"], [], DATES)["shares"].shape == (10, 0)
