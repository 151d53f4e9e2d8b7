"""What every registered factor must keep: no look-ahead, first of all."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from factors import composite_scores, known_factors
from factors.registry import Factor
from feeds.figures import Figures
from feeds.panel import Panel

NAN = np.nan
SESSIONS, ASSETS = 420, 9
#: Short windows where the usual ones would leave nothing to compare: none beyond LONGEST rows,
#: and a week for a window that begins in a gap.
LONGEST, WEEK = 85, 5
SHORT = {
    "beta": {"lookback": 60, "correlation_lookback": 85},
    "high_52w": {"lookback": 60},
    "illiquidity": {"lookback": 60},
    "long_run_return": {"lookback": 85, "skip": 40},
    "momentum": {"lookback": 85, "skip": 21},
    "residual_momentum": {"lookback": 80, "skip": 10, "estimation": 85},
    "share_turnover": {"lookback": 40},
    "trend": {"lookback": 80, "volatility_lookback": 40},
    "volatility": {"lookback": 60},
}
#: Factors that look at an asset beside the others of its class.
MARKET = ("beta", "idiosyncratic_volatility", "residual_momentum")
#: Figures that are filed every quarter, and those of each day.
FILED = (
    "accruals_ttm", "assets", "assets_year_ago", "net_income_ttm", "operating_cash_flow_ttm",
    "operating_income_ttm", "revenue_ttm",
)  # fmt: skip
DAILY = ("active_addresses", "funding_rate", "transfer_volume")
every_factor = pytest.mark.parametrize(
    "entry", known_factors(), ids=lambda entry: entry.proxy or entry.name
)


def given(entry: Factor) -> dict:
    return SHORT.get(entry.proxy or entry.name, {})


@pytest.fixture(scope="module")
def events() -> dict[str, int]:
    """Rows on which something happens to one of the assets."""
    return {"gap": 70, "gap_end": 90, "split": 100, "listing": 150, "dividend": 200, "end": 300}


@pytest.fixture
def eventful(make_panel, events) -> Panel:
    """A panel with a late listing, a gap, a split, a dividend, a delisting and odd days off."""
    rng = np.random.default_rng(20)
    shape = (SESSIONS, ASSETS)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.03, shape), axis=0))
    close[rng.random(shape) < 0.05] = NAN
    close[: events["listing"], 1] = NAN
    close[events["end"] :, 2] = NAN
    close[events["gap"] : events["gap_end"], 3] = NAN
    split, dividend = np.ones(shape), np.ones(shape)
    split[events["split"] :, 4] = 2.0
    dividend[events["dividend"] :, 5] = 1.02
    shares = rng.uniform(1e6, 1e9, ASSETS)
    quarter = np.arange(SESSIONS)[:, None] // 63
    book = shares * (rng.normal(20.0, 15.0, ASSETS) + 3.0 * quarter)
    book[: events["gap"], 6] = NAN
    volume = np.where(np.isfinite(close), rng.lognormal(12.0, 1.0, shape), NAN)
    figures = {
        name: np.repeat(rng.normal(5e9, 2e9, (SESSIONS // 63 + 1, ASSETS)), 63, axis=0)[:SESSIONS]
        for name in FILED
    }
    for name in DAILY:
        figures[name] = np.where(rng.random(shape) < 0.9, rng.normal(2e9, 5e8, shape), NAN)
    return make_panel(
        close,
        calendar="XNYS",
        asset_class=["equity"] * 7 + ["crypto"] * 2,
        split_factor=split,
        dividend_factor=dividend,
        volume=volume,
        volume_unit=np.array(["units"] * 7 + ["currency"] * 2),
        market_cap=close * shares,
        book_equity=book,
        shares=np.broadcast_to(shares, shape),
        figures=figures,
    )


@pytest.fixture
def cuts(events) -> list[int]:
    """At least 50 rows: each event, the row before and the row after, and a spread of others."""
    near = [row + step for row in events.values() for step in (-1, 0, 1)]
    return sorted({*near, *range(3, SESSIONS, 9), SESSIONS - 1})


def scrambled(panel: Panel, row: int) -> Panel:
    """The same panel up to `row`, and other numbers, bars and gaps after it."""
    rng = np.random.default_rng(row)
    changes = {}
    for item in dataclasses.fields(panel):
        values = getattr(panel, item.name)
        if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype == np.float64:
            values = values.copy()
            values[row + 1 :] = rng.uniform(1.0, 1e4, values[row + 1 :].shape)
            changes[item.name] = values
    figures = {name: panel.figure(name).copy() for name in panel.figures}
    for values in figures.values():
        values[row + 1 :] = rng.uniform(1.0, 1e10, values[row + 1 :].shape)
    changes["figure_events"] = Figures.from_arrays(figures)
    listed = panel.tradable.copy()
    listed[row + 1 :] = rng.random(listed[row + 1 :].shape) < 0.5
    for name in ("open", "high", "low", "close", "volume"):
        changes[name][row + 1 :][~listed[row + 1 :]] = NAN
    return dataclasses.replace(panel, tradable=listed, **changes)


@every_factor
def test_no_factor_looks_ahead(entry: Factor, eventful: Panel, cuts: list[int]) -> None:
    assert len(cuts) >= 50
    full = entry.scores(eventful, **given(entry))
    assert np.isfinite(full).mean() > 0.2
    for row in cuts:
        known = entry.scores(eventful.as_of(row), **given(entry))
        np.testing.assert_array_equal(known, full[: row + 1], err_msg=f"cut after row {row}")
        other = entry.scores(scrambled(eventful, row), **given(entry))
        np.testing.assert_array_equal(
            other[: row + 1], full[: row + 1], err_msg=f"scrambled after row {row}"
        )


@every_factor
def test_some_rows_alone_are_the_same_bits(entry: Factor, eventful: Panel, cuts) -> None:
    full = entry.scores(eventful, **given(entry))
    for rows in (np.array(cuts), np.array([SESSIONS - 1, 5]), np.array([], dtype=int)):
        alone = entry.scores(eventful, rows, **given(entry))
        np.testing.assert_array_equal(alone, full[rows])
    backwards = np.arange(SESSIONS)[::-1]
    np.testing.assert_array_equal(
        entry.scores(eventful, backwards, **given(entry)), full[backwards]
    )


@every_factor
@pytest.mark.parametrize("times", [1, 2, 4])
def test_history_beyond_the_window_does_not_matter(
    entry: Factor, eventful: Panel, times: int
) -> None:
    """With one, two or four windows of history before them, the last rows score the same."""
    last = 50
    start = SESSIONS - last - times * (LONGEST + WEEK) - 1
    later = eventful._take(slice(start, None), slice(None))
    full = entry.scores(eventful, **given(entry))[-last:]
    assert np.isfinite(full).mean() > 0.2
    np.testing.assert_allclose(
        entry.scores(later, **given(entry))[-last:], full, rtol=1e-9, atol=1e-14
    )


@every_factor
def test_the_order_of_assets_does_not_matter(entry: Factor, eventful: Panel) -> None:
    full = entry.scores(eventful, **given(entry))
    order = np.array([8, 2, 0, 7, 1, 3, 6, 5, 4])
    turned = entry.scores(eventful.select(order), **given(entry))
    if entry.name in MARKET:  # their market is a sum, whose last bits depend on its order
        np.testing.assert_allclose(turned, full[:, order], rtol=1e-9, atol=1e-14)
    else:
        np.testing.assert_array_equal(turned, full[:, order])


@pytest.mark.parametrize(
    "entry",
    [entry for entry in known_factors() if entry.name not in MARKET],
    ids=lambda entry: entry.proxy or entry.name,
)
def test_an_asset_is_scored_by_its_own_bars_only(entry: Factor, eventful: Panel) -> None:
    full = entry.scores(eventful, **given(entry))
    single = entry.scores(eventful.select(np.array([3])), **given(entry))
    np.testing.assert_array_equal(single[:, 0], full[:, 3])


@every_factor
def test_no_score_before_the_first_bar_nor_long_after_the_last(
    entry: Factor, eventful: Panel, events
) -> None:
    scores = entry.scores(eventful, **given(entry))
    assert np.isnan(scores[: events["listing"], 1]).all()
    assert np.isnan(scores[events["end"] + 5 :, 2]).all()
    assert not np.isinf(scores).any()


@every_factor
def test_prices_in_other_units_change_no_order(entry: Factor, eventful: Panel) -> None:
    """Cents instead of dollars, volumes and shares as they are: every rank stays."""
    in_cents = {
        name: getattr(eventful, name) * 100.0
        for name in ("open", "high", "low", "close", "market_cap", "book_equity")
    }
    units = eventful.volume_unit == "units"
    volume = np.where(units, eventful.volume, eventful.volume * 100.0)
    panel = dataclasses.replace(eventful, volume=volume, **in_cents)
    ranks = np.argsort(entry.scores(eventful, **given(entry))[-1].round(9), kind="stable")
    again = np.argsort(entry.scores(panel, **given(entry))[-1].round(9), kind="stable")
    np.testing.assert_array_equal(again, ranks)


def test_the_composite_does_not_look_ahead(eventful: Panel, cuts: list[int]) -> None:
    asked = [(entry, 1.0, given(entry)) for entry in known_factors() if entry.proxy is None]
    eligible = eventful.tradable

    def ranked(panel: Panel, rows: np.ndarray) -> np.ndarray:
        eligible_then = eligible[: panel.shape[0]]
        return composite_scores(panel, eligible_then, asked, rows=rows, scale="zscore").composite

    full = ranked(eventful, np.arange(SESSIONS))
    assert np.isfinite(full).mean() > 0.5
    for row in cuts[::3]:
        np.testing.assert_array_equal(ranked(eventful.as_of(row), np.array([row]))[0], full[row])
