"""Slippage by estimates of the market, against prices worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import ConfigError
from strategies.execution.account import Account
from strategies.execution.costs import make_trading_costs
from strategies.execution.impact import AlmgrenSlippage, SquareRootSlippage, VolumeShareSlippage
from strategies.execution.registry import SLIPPAGES
from strategies.execution.schemes import check_scheme_fields
from strategies.execution.slippage import BpsSlippage, SumSlippage
from strategies.execution.spread_slippage import HalfSpreadSlippage
from tests.engine_case import events_of, make_account, run_account
from tests.known_market import NAN, filled, made, tickets


def test_half_a_spread_is_charged():
    # A spread of 40 bps: half of it is 20 bps of 100.
    found = filled(HalfSpreadSlippage(), [5, -5, 0], corwin_schultz=0.004)
    assert found == pytest.approx([100.2, 99.8, 100.0])


def test_a_half_spread_is_scaled_and_kept_between_floor_and_cap():
    scheme = HalfSpreadSlippage("abdi_ranaldo", 21, 1.5, floor_bps=4, cap_bps=30)
    # 1.5 x 20 / 2 = 15 bps; 1.5 x 2 / 2 = 1.5, raised to 4; 1.5 x 60 / 2 = 45, cut to 30.
    found = filled(scheme, [1, 1, 1], abdi_ranaldo=[0.002, 0.0002, 0.006])
    assert found == pytest.approx([100.15, 100.04, 100.3])
    at = tickets([1.0], abdi_ranaldo=0.002)
    scheme.fill_price(at)
    assert at.market.asked == [("abdi_ranaldo", 21)]


def test_volume_share_is_quadratic_in_participation():
    # 2,000 of 100,000 are 2 %: 0.1 x 0.0004 = 0.4 bps of 100; at 10 %: 0.1 x 0.01 = 10 bps.
    found = filled(VolumeShareSlippage(), [2000, -10_000, 0], volume=100_000)
    assert found == pytest.approx([100.004, 99.9, 100.0])
    # 5 of 200 are 2.5 %: 3 x (1 + 0.3 x 0.000625) = 3.0005625.
    found = filled(VolumeShareSlippage(price_impact=0.3), [5], 3.0, volume=200)
    assert found == pytest.approx([3.0005625])


def test_the_square_root_charges_two_thirds_of_its_peak():
    # 400 of 10,000: sqrt(0.04) = 0.2; x 2 % a day x 2/3 x 1.5 = 0.4 %.
    scheme = SquareRootSlippage(coefficient=1.5)
    found = filled(scheme, [400, -400, 0], volatility=0.02, average_volume=10_000)
    assert found == pytest.approx([100.4, 99.6, 100.0])


def test_almgren_gives_the_costs_of_its_paper():
    """IBM in the paper's table: 10 % of a day's volume within a tenth, a fifth and half a day.

    V = 6.561 million, shares outstanding 1,728 million, daily volatility 157 basis points. X/V =
    0.1; permanent 0.314 x 0.1 x (1728 / 6.561)^(1/4) = 0.1265, half of it 0.0632; temporary
    0.142 x (0.1 / T)^(3/5) = 0.142, 0.0937, 0.0541. Costs 32.2, 24.6 and 18.4 basis points.
    """
    known = {"volatility": 0.0157, "average_volume": 6.561e6, "shares_outstanding": 1728e6}
    for days, bps in ((0.1, 32.2), (0.2, 24.6), (0.5, 18.4)):
        (price,) = filled(AlmgrenSlippage(days=days), [656_100], **known)
        assert price - 100 == pytest.approx(bps / 100, abs=0.0006)
    # Without the factor of shares outstanding: 0.0157 x (0.0157 + 0.142 x 0.2511886).
    plain = AlmgrenSlippage(liquidity_factor=False)
    (price,) = filled(plain, [-656_100], **known)
    assert price == pytest.approx(100 * (1 - 0.0157 * (0.0157 + 0.142 * 0.1**0.6)))
    assert AlmgrenSlippage().fields == ("volume", "market_cap") and plain.fields == ("volume",)


@pytest.mark.parametrize(
    ("scheme", "known"),
    [
        (HalfSpreadSlippage(fallback_bps=25), {}),
        (VolumeShareSlippage(fallback_bps=25), {}),
        (VolumeShareSlippage(fallback_bps=25), {"volume": 0.0}),
        (SquareRootSlippage(fallback_bps=25), {"volatility": 0.01}),
        (SquareRootSlippage(fallback_bps=25), {"volatility": 0.01, "average_volume": 0.0}),
        (SquareRootSlippage(fallback_bps=25), {"average_volume": 10.0}),
        (AlmgrenSlippage(fallback_bps=25), {"volatility": 0.01, "average_volume": 10.0}),
        (SumSlippage((SquareRootSlippage(fallback_bps=25),)), {}),
    ],
)
def test_what_is_not_known_is_charged_the_fallback_and_said(scheme, known):
    at = tickets([4, -4, 0], **known)
    assert scheme.fill_price(at).tolist() == pytest.approx([100.25, 99.75, 100.0])
    ((mask, why),) = scheme.remarks(at)
    assert mask.tolist() == [True, True, False]
    assert why.endswith("not known, filled at the fallback of 25 bps")


def test_an_impact_beyond_the_cap_is_cut_and_said():
    at = tickets([1e6, 1.0], volatility=0.5, average_volume=100.0)
    scheme = SquareRootSlippage(cap_bps=3000)
    # 0.5 x 2/3 x sqrt(0.01) = 333 bps for one unit; a million are cut to 3,000.
    assert scheme.fill_price(at).tolist() == pytest.approx([130.0, 100 * (1 + 0.1 / 3)])
    ((mask, why),) = scheme.remarks(at)
    assert mask.tolist() == [True, False] and why == "impact above the cap, filled at 3000 bps"


def test_a_sum_takes_each_from_the_reference():
    # 20 bps and 0.4 %: 0.20 + 0.40.
    scheme = SumSlippage((BpsSlippage(20), SquareRootSlippage(coefficient=1.5)))
    found = filled(scheme, [400, -400, 0], volatility=0.02, average_volume=10_000)
    assert found == pytest.approx([100.6, 99.4, 100.0])
    assert scheme.fields == ("volume",)
    assert SumSlippage((BpsSlippage(1), VolumeShareSlippage(volume_limit=0.1))).volume_limit == 0.1
    # Three times half the price: nobody sells at zero or less.
    three = SumSlippage((BpsSlippage(5000),) * 3)
    assert filled(three, [1, -1]) == pytest.approx([250.0, 0.1])


# Any of them


PARAMETERS = {
    "bps": {"bps": 10},
    "sampled": {"mean_bps": 10},
    "sum": {"of": [{"scheme": "half_spread"}, {"scheme": "square_root"}]},
}


@given(
    st.sampled_from(sorted(SLIPPAGES)),
    st.floats(1e-6, 0.2),
    st.floats(1e-3, 1e9),
    st.lists(st.floats(1e-6, 1e9), min_size=2, max_size=6),
)
@settings(derandomize=True, max_examples=200, deadline=None)
def test_slippage_costs_more_for_more_and_never_pays(name, volatility, volume, sizes):
    scheme = made(name, **PARAMETERS.get(name, {}))
    known = {
        "volatility": volatility,
        "average_volume": volume,
        "volume": volume,
        "shares_outstanding": 100 * volume,
        "corwin_schultz": volatility / 3,
    }
    for side in (1.0, -1.0):
        away = [side * (filled(scheme, side * size, **known)[0] - 100.0) for size in sorted(sizes)]
        assert min(away) >= 0.0 and (np.diff(away) >= -1e-9).all()
        assert max(away) <= 100.0 * (1.1 if side > 0 else 0.9991)
    assert filled(scheme, 0.0, **known) == [100.0]


@pytest.mark.parametrize(
    ("name", "parameters", "problem"),
    [
        ("half_spread", {"estimator": "corwin"}, "here.estimator is 'corwin'"),
        ("half_spread", {"window": 1}, "here: window 1 is too short"),
        ("half_spread", {"window": 2.5}, "here.window is 2.5"),
        ("half_spread", {"window": float("inf")}, "here.window is inf"),
        ("half_spread", {"floor_bps": 9, "cap_bps": 8}, "here: floor_bps 9 and cap_bps 8 are no"),
        ("square_root", {"cap_bps": 10_000}, "here: fallback_bps 10 or cap_bps 10000 would sell"),
        ("square_root", {"coeficient": 1}, "here.coeficient is not a parameter"),
        ("volume_share", {"volume_limit": 0}, "here: volume_limit 0 is not a share"),
        ("volume_share", {"volume_limit": 2}, "here: volume_limit 2 is not a share"),
        ("almgren", {"days": 0}, "here: days 0 is no duration"),
        ("almgren", {"liquidity_factor": "no"}, "here.liquidity_factor is 'no'"),
        ("sampled", {}, "here: sampled slippage needs one mean"),
        ("sampled", {"mean_bps": 1, "of": {"scheme": "none"}}, "here: sampled slippage needs one"),
        ("sampled", {"mean_bps": 10_000}, "here: slippage of 10000 bps would sell"),
        ("sampled", {"mean_bps": 1, "distribution": "normal"}, "here.distribution is 'normal'"),
        ("sampled", {"mean_bps": 1, "dispersion": 0}, "here: dispersion 0 leaves nothing"),
        ("sampled", {"mean_bps": 1, "seed": -1}, "here.seed is -1"),
        ("sampled", {"of": {"scheme": "bsp"}}, "here.of.scheme 'bsp' is unknown"),
        ("sampled", {"of": {"scheme": "bps"}}, "here.of lacks bps"),
        ("sampled", {"of": "bps"}, "here.of is 'bps', not a scheme"),
        ("sum", {}, "here lacks of, which scheme sum needs"),
        ("sum", {"of": []}, r"here.of is \[\]"),
        ("sum", {"of": [{"scheme": "bps", "bps": "x"}]}, r"here.of\[0\].bps is 'x'"),
    ],
)
def test_wrong_parameters_are_refused_with_their_place(name, parameters, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        made(name, **parameters)
    assert len(str(caught.value).splitlines()) == 2


def test_no_limit_is_null():
    assert made("volume_share", volume_limit=None).volume_limit is None


# In an account


def test_fields_that_are_missing_are_named(make_panel):
    panel = make_panel(np.full((5, 1), 10.0), volume=np.full((5, 1), NAN))
    for name, fields in (
        ("half_spread", "high, low"),
        ("square_root", "volume"),
        ("volume_share", "volume"),
        ("almgren", "volume, market_cap"),
        ("sum", "high, low, volume"),
    ):
        entry = {"equity": {"scheme": name, **PARAMETERS.get(name, {})}}
        with pytest.raises(ConfigError, match=f"costs.slippage.equity: .* needs {fields}, which"):
            make_trading_costs(panel, {}, entry, "data/sample")
    check_scheme_fields(made("sampled", mean_bps=3), "sampled", panel, "here", "data/sample")


def test_fills_without_an_estimate_are_events(make_panel):
    panel = make_panel(np.full((8, 2), 10.0), calendar="XNYS")
    scheme = made("square_root", window=3, fallback_bps=50)
    account = make_account(panel, cash=1e4, slippage=scheme)
    assert account.costs.has_remarks
    run_account(account, {1: [10.0, -10.0], 5: [0.0, -10.0]})
    assert events_of(account, "estimate") == [(2, -1), (6, -1)]
    first, *_ = [detail for *_, kind, detail in account.journal.events if kind == "estimate"]
    assert first == "impact not known, filled at the fallback of 50 bps: A00, A01"
    assert account.journal.fills[0][5].tolist() == pytest.approx([10.05, 9.95])


def test_a_multiple_of_a_cost_never_sells_at_zero(make_panel):
    entry = {"equity": {"scheme": "bps", "bps": 5000}}
    costs = make_trading_costs(make_panel(), {}, entry, "data").scaled(4)
    found = costs.fill_price(np.array([0, 1]), np.array([1.0, -1.0]), np.array([10.0, 10.0]))
    # Four times half the price: 10 + 20 to buy, a thousandth of the reference to sell.
    assert found == pytest.approx([30.0, 0.01])


@pytest.mark.parametrize("name", ["half_spread", "square_root", "almgren", "volume_share", "sum"])
def test_fills_do_not_know_what_comes_after_them(make_panel, name):
    panel = make_panel(shape=(60, 3), calendar="XNYS", market_cap=np.full((60, 3), 1e9))
    window = {} if name in ("sum", "volume_share") else {"window": 9}
    entry = {"scheme": name, **PARAMETERS.get(name, {}), **window}
    targets = {12: [30.0, -20.0, 10.0], 30: [-30.0, 20.0, 0.0], 45: [10.0, 20.0, -30.0]}
    prices = []
    for row in (59, 31):
        later = np.arange(60)[:, None] > row
        fields = ("open", "high", "low", "close", "volume", "market_cap")
        other = {key: np.where(later, 1.7, 1.0) * getattr(panel, key) for key in fields}
        changed = replace(panel, **other)
        costs = make_trading_costs(changed, {}, {"equity": entry}, "data")
        plain = make_account(changed, cash=1e5)
        account = Account(changed, costs, plain.carry, plain.rules)
        run_account(account, targets, instant="open")
        prices.append([fill[5].tolist() for fill in account.journal.fills])
    assert prices[0][:2] == prices[1][:2] and prices[0][2] != prices[1][2]
    away = np.array(prices[0][1]) / account.journal.fills[1][6] - 1
    assert (away[np.array(account.journal.fills[1][4]) != 0] != 0).all()


def test_volume_share_caps_what_a_session_fills(make_panel):
    panel = make_panel(np.full((8, 2), 10.0), calendar="XNYS", volume=np.full((8, 2), 1000.0))
    scheme = made("volume_share", volume_limit=0.1)
    account = make_account(panel, cash=1e6, slippage=scheme)
    run_account(account, {1: [250.0, 40.0]}, lot=1.0)
    sizes = [(row, size.tolist()) for row, _, _, _, size, *_ in account.journal.fills]
    # 10 % of 1,000: 100, 100 and 50 on three sessions; the other asset fits.
    assert sizes == [(2, [100.0, 40.0]), (3, [100.0]), (4, [50.0])]
    # A cap of the account's own that is tighter prevails.
    account = make_account(panel, cash=1e6, slippage=scheme, participation_rate=0.05)
    run_account(account, {1: [250.0, 40.0]}, lot=1.0)
    assert account.journal.fills[0][4].tolist() == [50.0, 40.0]
