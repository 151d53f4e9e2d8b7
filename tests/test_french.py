"""French's factors on a market small enough to add up by hand, and without look-ahead."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from factors.french import french_factors, month_end_rows
from factors.french_cells import CELLS, FrenchRules
from factors.holdings import series_endings
from feeds.errors import ConfigError, DataError

NAN = np.nan
SMALL = FrenchRules(fewest_names=2)


@pytest.fixture
def six(make_panel):
    """Six names over January and February: caps 1..6 at the end of January, one a cell."""
    rows = 43  # 2020-01-01 .. 2020-02-28 on weekdays
    close = np.full((rows, 6), 10.0)
    # Returns of the first February session: +1 % for the first name up to +6 % for the sixth.
    close[23:] *= 1.0 + np.arange(1, 7) / 100
    caps = close / 10.0 * np.arange(1, 7)
    book = np.array([1.0, 3, 5, 2, 4, 6]) * np.arange(1, 7)  # book / cap 1 3 5 2 4 6
    return make_panel(
        close, calendar="XNYS", market_cap=caps, book_equity=np.broadcast_to(book, close.shape)
    )


def test_month_ends(six) -> None:
    assert six.dates[month_end_rows(six)].astype(str).tolist() == ["2020-01-31", "2020-02-28"]
    assert six.dates[month_end_rows(six.as_of(40))].astype(str).tolist() == ["2020-01-31"]


def test_factors_by_hand(six) -> None:
    # One name a cell: small low..high earn 1, 2, 3 %, big low..high 4, 5, 6 %.
    # SMB = 2 - 5 = -3 %. HML = (3 + 6) / 2 - (1 + 4) / 2 = 2 %.
    # Market: sum of i x i / 100 over i = 1..6, over 21: 91 / 21 = 4.333 %.
    found = french_factors(six, SMALL)
    row = found.returns().iloc[23]
    assert row["smb"] == pytest.approx(-0.03)
    assert row["hml"] == pytest.approx(0.02)
    assert row["mkt"] == pytest.approx(0.91 / 21)
    assert np.isnan(row["umd"])  # no year of months
    np.testing.assert_allclose(found.cells["value"].iloc[23], np.arange(1, 7) / 100)
    assert found.returns().iloc[:23].isna().all(axis=None)
    assert found.breadth["value"].tolist() == [6, 6]


def test_equal_weights_and_excess_return(six) -> None:
    rules = dataclasses.replace(SMALL, weighting="equal")
    rf = pd.Series(0.001, index=pd.DatetimeIndex(six.dates.astype("datetime64[ns]")))
    row = french_factors(six, rules).returns(rf).iloc[23]
    assert row["mkt_rf"] == pytest.approx(0.035 - 0.001)
    assert "mkt" not in row


def test_profitability_and_investment_by_hand(six) -> None:
    # Profit over book 1 3 5 2 4 6 again, and growth minus that: both sorts equal the value sort.
    over = np.array([1.0, 3, 5, 2, 4, 6])
    profit = np.broadcast_to(over * six.book_equity[0], six.shape)
    growth = np.broadcast_to(-over, six.shape)
    found = french_factors(
        six, dataclasses.replace(SMALL, smb="mean"), profit=profit, growth=growth
    ).returns()
    row = found.iloc[23]
    assert (row["rmw"], row["cma"]) == (pytest.approx(0.02), pytest.approx(0.02))
    assert row["smb"] == pytest.approx(-0.03)
    # The mean is of the sorts that are known: without growth of two.
    fewer = french_factors(six, dataclasses.replace(SMALL, smb="mean"), profit=profit).returns()
    assert fewer["smb"].iloc[23] == pytest.approx(-0.03)


def test_negative_books_are_in_no_value_sort(six) -> None:
    book = np.array(six.book_equity)
    book[:, 2] = -1.0
    found = french_factors(six, SMALL, book=book)
    assert found.breadth["value"].tolist() == [5, 5]
    assert found.breadth["market"].tolist() == [6, 6]
    # The third name was alone in small high: the cell is empty, and HML not known.
    assert found.cells["value"]["small_high"].isna().all()
    assert found.returns()[["smb", "hml"]].isna().all(axis=None)
    assert found.returns()["mkt"].iloc[23] == pytest.approx(0.91 / 21)


def test_bounds_and_universe(six) -> None:
    def names(rules=SMALL, **given):
        return french_factors(six, rules, **given).breadth["market"].tolist()

    assert names(dataclasses.replace(SMALL, min_cap=2.0)) == [5, 5]
    # By the end of February the sixth cap is 6.36.
    assert names(dataclasses.replace(SMALL, max_cap=6.0)) == [6, 5]
    assert names(dataclasses.replace(SMALL, min_price=10.35)) == [0, 3]
    eligible = np.zeros(six.shape, dtype=bool)
    eligible[:, :2] = True
    assert names(eligible=eligible) == [2, 2]


def test_a_silent_name_is_not_held(six) -> None:
    # Its last bar is six sessions before the end of January; the cap is still known.
    close = np.array(six.close)
    close[17:, 5] = NAN
    silent = dataclasses.replace(six, close=close, tradable=np.isfinite(close))
    assert french_factors(silent, SMALL).breadth["market"].tolist() == [5, 5]
    close[17] = 10.0
    fresh = dataclasses.replace(six, close=close, tradable=np.isfinite(close))
    assert french_factors(fresh, SMALL).breadth["market"].tolist() == [6, 5]


@pytest.mark.parametrize("cell", CELLS)
def test_an_empty_cell_leaves_its_factors_unknown(six, cell) -> None:
    found = french_factors(six, SMALL)
    holed = {**found.cells, "value": found.cells["value"].assign(**{cell: NAN})}
    row = dataclasses.replace(found, cells=holed).returns().iloc[23]
    assert np.isnan(row["smb"])
    assert np.isnan(row["hml"]) == (not cell.endswith("middle"))


def test_one_asset_and_equal_caps_give_no_factor(make_panel) -> None:
    close = np.full((43, 1), 10.0)
    one = make_panel(close, calendar="XNYS", market_cap=close, book_equity=close)
    found = french_factors(one, SMALL).returns()
    assert found[["smb", "hml"]].isna().all(axis=None)
    assert found["mkt"].iloc[23:].tolist() == pytest.approx([0.0] * 20)
    # All caps equal the median: all are small, there is no big.
    close = np.full((43, 4), 10.0)
    flat = make_panel(close, calendar="XNYS", market_cap=close, book_equity=close)
    cells = french_factors(flat, SMALL).cells["value"]
    assert cells[list(CELLS[3:])].isna().all(axis=None)


def test_momentum_is_the_return_from_twelve_to_one_month_ago(make_panel) -> None:
    rows = 300
    close = np.full((rows, 6), 10.0)
    panel = make_panel(close, calendar="XNYS", start="2019-01-01")
    months = month_end_rows(panel)
    assert len(months) == 13
    # One month after the twelfth month's end ago each name moves; what it does in the last
    # month is not counted: it would turn the order round.
    close[months[3] :] *= 1.0 + np.array([1.0, 3, 5, 2, 4, 6]) / 10
    close[months[12] :] /= np.array([1.0, 3, 5, 2, 4, 6])
    close[months[12] + 1 :] *= 1.0 + np.arange(1, 7) / 100
    panel = make_panel(
        close,
        calendar="XNYS",
        start="2019-01-01",
        market_cap=np.broadcast_to(np.arange(1.0, 7), close.shape),
    )
    found = french_factors(panel, SMALL)
    # Cells as in the value sort: (3 + 6) / 2 - (1 + 4) / 2.
    assert found.returns()["umd"].iloc[months[12] + 1] == pytest.approx(0.02)
    assert found.returns()["umd"].iloc[: months[12] + 1].isna().all()
    assert list(found.cells) == ["market", "momentum"]


def test_june_sorts_and_the_cap_of_december(make_panel) -> None:
    close = np.full((420, 6), 10.0)
    panel = make_panel(close, calendar="XNYS", start="2019-09-02")
    months = month_end_rows(panel)
    labels = panel.dates[months].astype("datetime64[M]").astype(str).tolist()
    december, june = months[labels.index("2019-12")], months[labels.index("2020-06")]
    caps = np.array([1.0, 2, 3, 4, 5, 6])
    # Since December prices moved by f: book over the cap of June is 1 3 5 2 4 6 / f, over that
    # of December, with the shares of June, 1 3 5 2 4 6.
    moved = np.array([9.0, 1, 1, 9, 1, 0.1])
    close[december + 1 :] *= moved
    # The fourth pays a half of its price in dividends: that moves no cap.
    dividend = np.ones(close.shape)
    dividend[december + 9 :, 3] = 1.5
    dividend[5:, 2] = 1.4
    close *= dividend
    close[june + 1 :] *= 1.0 + np.arange(1, 7) / 100
    fields = {
        "market_cap": np.broadcast_to(caps, close.shape),
        "book_equity": np.broadcast_to(np.array([1.0, 3, 5, 2, 4, 6]) * caps / moved, close.shape),
        "dividend_factor": dividend,
    }
    panel = make_panel(close, calendar="XNYS", start="2019-09-02", **fields)
    rules = dataclasses.replace(SMALL, rebalance="june", book_over="december")
    found = french_factors(panel, rules)
    assert found.breadth["value"].dropna().index.astype(str).tolist() == ["2020-06-30"]
    assert found.returns()["hml"].iloc[june + 1] == pytest.approx(0.02)
    with pytest.raises(ConfigError, match="december does not go with monthly"):
        dataclasses.replace(SMALL, book_over="december")


def test_december_before_the_panel_is_its_first_month_end(make_panel) -> None:
    close = np.full((120, 6), 10.0)
    close[30:] = 20.0
    fields = {"market_cap": close, "book_equity": close}
    panel = make_panel(
        close, calendar="XNYS", start="2020-02-03", split_factor=close / 10, **fields
    )
    rules = dataclasses.replace(SMALL, rebalance="june", book_over="december")
    assert french_factors(panel, rules).breadth["value"].dropna().tolist() == [6]


def test_conditional_sorts_differ(make_panel) -> None:
    rng = np.random.default_rng(5)
    close = np.exp(rng.normal(0, 0.02, (60, 40)).cumsum(axis=0))
    caps = np.broadcast_to(np.exp(rng.normal(0, 1, 40)), close.shape)
    panel = make_panel(close, calendar="XNYS", market_cap=caps, book_equity=caps**1.5)
    free = french_factors(panel, SMALL).cells["value"]
    within = french_factors(panel, dataclasses.replace(SMALL, conditional=True)).cells["value"]
    # Book over cap rises with the cap: no small name is high unless told apart within the small.
    assert free["small_high"].isna().all()
    assert within["small_high"].iloc[24:].notna().all()


def test_months_are_compounded_before_they_are_subtracted(six) -> None:
    found = french_factors(six, SMALL).returns(monthly=True)
    assert found.index.astype(str).tolist() == ["2020-01-31", "2020-02-29"]
    assert found.iloc[0].isna().all()  # bought at its end
    assert found["smb"].iloc[1] == pytest.approx(-0.03)
    unfinished = french_factors(six.as_of(40), SMALL).returns(monthly=True)
    assert unfinished.index.astype(str).tolist() == ["2020-01-31"]
    # Two sessions of +10 % small and -10 % big: 21 % less -19 %, not the compounded difference.
    cells = dict.fromkeys(CELLS[:3], [0.1, 0.1]) | dict.fromkeys(CELLS[3:], [-0.1, -0.1])
    frame = pd.DataFrame(cells, index=pd.DatetimeIndex(["2020-01-30", "2020-01-31"], name="date"))
    market = pd.DataFrame({"market": [0.0, 0.0]}, index=frame.index)
    two = dataclasses.replace(
        french_factors(six, SMALL),
        cells={"market": market, "value": frame},
        next_session=np.datetime64("2020-02-03"),
    )
    assert two.returns(monthly=True)["smb"].tolist() == pytest.approx([0.40])


def test_what_is_lacking_is_said(make_panel, six) -> None:
    with pytest.raises(DataError, match="no market caps"):
        french_factors(make_panel(calendar="XNYS"))
    with pytest.raises(DataError, match="no june rebalance"):
        french_factors(six, dataclasses.replace(SMALL, rebalance="june"))
    with pytest.raises(ConfigError, match="is empty"):
        FrenchRules(lookback_months=1, skip_months=1)


@pytest.fixture
def lively(make_panel):
    """Two years of 60 names with gaps, late listings, endings, splits and changing books."""
    rng = np.random.default_rng(11)
    shape = (560, 60)
    close = 20 * np.exp(rng.normal(0, 0.03, shape).cumsum(axis=0))
    close[rng.random(shape) < 0.03] = NAN
    for column in range(10):
        close[: rng.integers(10, 400), column] = NAN
        close[rng.integers(150, 540) :, 10 + column] = NAN
    split, dividend = np.ones(shape), np.ones(shape)
    split[300:, 20:25] = 2.0
    dividend[200:, 30:35] = 1.03
    shares = rng.lognormal(10, 2, 60)
    book = shares * rng.normal(12, 8, 60) * (1 + 0.1 * (np.arange(560)[:, None] // 63))
    return make_panel(
        close,
        calendar="XNYS",
        start="2018-11-01",
        market_cap=close * shares,
        book_equity=book,
        split_factor=split,
        dividend_factor=dividend,
        end_reason=np.array(["unknown"] * 60),
    )


@pytest.mark.parametrize(
    "rules",
    [
        FrenchRules(fewest_names=5, breakpoint_names=40, smb="mean"),
        FrenchRules(fewest_names=5, rebalance="june", book_over="december", conditional=True),
    ],
    ids=["monthly", "june"],
)
def test_no_construction_looks_ahead(lively, rules) -> None:
    profit = lively.book_equity * np.sin(np.arange(60))
    growth = np.cos(np.arange(560)[:, None] // 63 + np.arange(60))

    def returns(panel):
        rows = panel.shape[0]
        return french_factors(
            panel,
            rules,
            profit=profit[:rows],
            growth=growth[:rows],
            ends=series_endings(panel, {"unknown": -0.3}),
        ).returns()

    full = returns(lively)
    assert full.notna().mean().min() > 0.2
    cuts = [*range(440, 560, 3), *month_end_rows(lively)[8:19], 443, 559]
    assert len(set(cuts)) >= 50
    for cut in cuts:
        known = returns(lively.as_of(cut))
        # Sums over longer blocks may round their last bit differently.
        pd.testing.assert_frame_equal(known, full.iloc[: cut + 1], rtol=1e-12, atol=1e-14)


def test_the_order_of_names_never_matters(lively) -> None:
    rules = FrenchRules(fewest_names=5)
    order = np.random.default_rng(1).permutation(60)
    found = french_factors(lively, rules).returns()
    again = french_factors(lively.select(order), rules).returns()
    pd.testing.assert_frame_equal(found, again, rtol=1e-9, atol=1e-12)
