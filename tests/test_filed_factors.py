"""Factors of filed figures: yields, quality, investment."""

from __future__ import annotations

import numpy as np
import pytest

from factors import known_factors
from factors.investment import low_investment
from factors.quality import accruals, profitability, return_on_equity
from factors.registry import check_fields, get_factor
from factors.value import cash_flow_yield, earnings_yield, sales_yield
from feeds.errors import ConfigError
from feeds.figures import Events, Figures

NAN = np.nan
YIELDS = {
    "net_income_ttm": earnings_yield,
    "operating_cash_flow_ttm": cash_flow_yield,
    "revenue_ttm": sales_yield,
}
ON_BOOK = {"operating_income_ttm": profitability, "net_income_ttm": return_on_equity}
NAMES = ("accruals", "cash_flow_yield", "earnings_yield", "investment", "profitability")
NAMES += ("return_on_equity", "sales_yield")


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=float)


@pytest.mark.parametrize("name", YIELDS)
def test_yields_by_hand(make_panel, name: str) -> None:
    # 8 / 200 = 0.04, 8 / 160 = 0.05, and with the filing of the third row 12 / 160 = 0.075.
    panel = make_panel(
        np.full((3, 1), 10.0),
        market_cap=column(200.0, 160.0, 160.0),
        figures={name: column(8.0, 8.0, 12.0)},
    )
    np.testing.assert_allclose(YIELDS[name](panel)[:, 0], [0.04, 0.05, 0.075], rtol=1e-15)


@pytest.mark.parametrize("name", YIELDS)
def test_a_loss_ranks_below_a_profit_and_no_cap_at_all(make_panel, name: str) -> None:
    # A loss of 5 on a cap of 10 is -0.5; sales cannot be negative. Then: no figure, no cap, a cap
    # of zero, and a figure of zero.
    panel = make_panel(
        np.full((1, 5), 10.0),
        market_cap=row(10.0, 10.0, NAN, 0.0, 10.0),
        figures={name: row(-5.0, NAN, 5.0, 5.0, 0.0)},
    )
    loss = NAN if name == "revenue_ttm" else -0.5
    np.testing.assert_array_equal(YIELDS[name](panel)[0], [loss, NAN, NAN, NAN, 0.0])


@pytest.mark.parametrize("name", ON_BOOK)
def test_what_is_earned_on_the_book_by_hand(make_panel, name: str) -> None:
    # 6 / 40 = 0.15; a loss of 4 on 40 is -0.1; books at or below zero and unknown ones rank not.
    panel = make_panel(
        np.full((1, 6), 10.0),
        book_equity=row(40.0, 40.0, 0.0, -40.0, NAN, 40.0),
        figures={name: row(6.0, -4.0, 6.0, 6.0, 6.0, NAN)},
    )
    np.testing.assert_allclose(ON_BOOK[name](panel)[0], [0.15, -0.1, NAN, NAN, NAN, NAN])


def test_accruals_by_hand(make_panel) -> None:
    # Income 30 less cash 42 is -12 of average assets (110 + 90) / 2 = 100: earnings were more than
    # paid, +0.12. Income 50 less cash 42 is 8 of 100: -0.08. Then: no assets a year before, assets
    # of zero, no accruals; and 0 of 100, which is 0 and not -0.
    panel = make_panel(
        np.full((1, 6), 10.0),
        figures={
            "accruals_ttm": row(-12.0, 8.0, 8.0, 8.0, NAN, 0.0),
            "assets": row(110.0, 110.0, 110.0, 0.0, 110.0, 110.0),
            "assets_year_ago": row(90.0, 90.0, NAN, 0.0, 90.0, 90.0),
        },
    )
    scores = accruals(panel)[0]
    np.testing.assert_allclose(scores, [0.12, -0.08, NAN, NAN, NAN, 0.0], rtol=1e-14)
    assert not np.signbit(scores[5])


def test_investment_by_hand(make_panel) -> None:
    # 120 after 100: growth 0.2, score -0.2; 80 after 100: +0.2; none before, zero before, zero now.
    panel = make_panel(
        np.full((1, 6), 10.0),
        figures={
            "assets": row(120.0, 80.0, 120.0, 120.0, 0.0, 100.0),
            "assets_year_ago": row(100.0, 100.0, NAN, 0.0, 100.0, 100.0),
        },
    )
    np.testing.assert_allclose(
        low_investment(panel)[0], [-0.2, 0.2, NAN, NAN, NAN, 0.0], atol=1e-15
    )


@pytest.fixture
def filed_panel(make_panel):
    """90 sessions of 5 assets that file every 20: bars stop, start late, and have a hole."""
    rng = np.random.default_rng(5)
    shape = (90, 5)
    close = 20.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0))
    close[60:, 1] = NAN
    close[:30, 2] = NAN
    close[40:43, 3] = NAN
    names = {
        "accruals_ttm", "assets", "assets_year_ago", "net_income_ttm", "operating_cash_flow_ttm",
        "operating_income_ttm", "revenue_ttm",
    }  # fmt: skip
    events = {}
    for name in sorted(names):
        at, place = np.meshgrid(np.arange(3, 90, 20), np.arange(5), indexing="ij")
        value = rng.uniform(1e6, 9e6, at.shape)
        value[1, 4] = NAN
        order = np.lexsort((at.ravel(), place.ravel()))
        events[name] = Events(at.ravel()[order], place.ravel()[order], value.ravel()[order])
    book = Figures.of(events, shape).array("assets") / 2.0
    return make_panel(
        close,
        calendar="XNYS",
        market_cap=close * 1e6,
        book_equity=book,
        figures=Figures.of(events, shape),
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_score_of_a_later_filing(filed_panel, name: str) -> None:
    entry = get_factor(name)
    full = entry.scores(filed_panel)
    assert np.isfinite(full).mean() > 0.5
    for cut in range(0, 90):
        np.testing.assert_array_equal(entry.scores(filed_panel.as_of(cut)), full[: cut + 1])
    asked = np.array([80, 3, 44])
    np.testing.assert_array_equal(entry.scores(filed_panel, asked), full[asked])


@pytest.mark.parametrize("name", NAMES)
def test_scores_need_a_bar_within_the_week_and_a_filing(filed_panel, name: str) -> None:
    scores = get_factor(name).scores(filed_panel)
    assert np.isnan(scores[:3]).all() and np.isfinite(scores[3, 0])
    # Bars end with row 59: the filing stands, the score does not beyond five sessions.
    assert np.isfinite(scores[64, 1]) and np.isnan(scores[65:, 1]).all()
    assert np.isnan(scores[:30, 2]).all() and np.isfinite(scores[30, 2])
    assert np.isfinite(scores[41, 3])
    # The fifth asset's second filing takes back what was known.
    assert np.isnan(scores[23:43, 4]).all() and np.isfinite(scores[43, 4])


@pytest.mark.parametrize("name", NAMES)
def test_one_asset_and_equal_ones(filed_panel, name: str) -> None:
    entry = get_factor(name)
    full = entry.scores(filed_panel)
    alone = entry.scores(filed_panel.select(np.array([3])))
    np.testing.assert_array_equal(alone[:, 0], full[:, 3])
    twins = entry.scores(filed_panel.select(np.array([3, 0, 3])))
    np.testing.assert_array_equal(twins[:, 0], twins[:, 2])


@pytest.mark.parametrize("name", NAMES)
def test_a_set_without_filings_is_refused(make_panel, name: str) -> None:
    entry = get_factor(name)
    with pytest.raises(ConfigError, match=f"{name} needs .*, which data/x lacks"):
        check_fields(entry, make_panel(), "data/x")


def test_they_are_registered() -> None:
    assert set(NAMES) <= {entry.name for entry in known_factors()}
