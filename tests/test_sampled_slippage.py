"""Sampled slippage: its distributions by their formulas, its draws independent of order."""

from __future__ import annotations

import math

import numpy as np
import pytest

from strategies.execution.costs import make_trading_costs
from strategies.execution.sampled import SampledSlippage
from strategies.execution.tickets import Tickets
from tests.known_market import NAN, Known, made, tickets


def test_lognormal_noise_by_its_formula():
    scheme = SampledSlippage(mean_bps=20, dispersion=0.5, seed=11)
    at = tickets([3, -3, 0])
    z, s2 = at.normal(11), math.log(1.25)
    m = np.exp(math.sqrt(s2) * z - s2 / 2)
    expected = 100 + np.array([1, -1, 0]) * m * 0.2
    assert scheme.fill_price(at) == pytest.approx(expected)
    assert scheme.multipliers(at) == pytest.approx(m)


def test_gamma_noise_by_its_quantiles():
    from scipy.stats import gamma

    scheme = SampledSlippage(mean_bps=20, distribution="gamma", dispersion=0.5, seed=11)
    at = tickets([3, -3, 0])
    expected = gamma(4, scale=0.25).ppf(at.uniform(11))
    assert scheme.multipliers(at) == pytest.approx(expected)


@pytest.mark.parametrize("distribution", ["lognormal", "gamma"])
@pytest.mark.parametrize("dispersion", [0.3, 1.0])
def test_noise_has_a_mean_of_one_and_its_dispersion(distribution, dispersion):
    count = 60_000
    at = Tickets(np.ones(count), np.ones(count), np.arange(count), 9, market=Known())
    scheme = SampledSlippage(mean_bps=10, distribution=distribution, dispersion=dispersion)
    m = scheme.multipliers(at)
    assert (m > 0).all()
    # Standard error of the mean is dispersion / 245; that of the deviation is larger.
    assert m.mean() == pytest.approx(1.0, abs=5 * dispersion / 245)
    assert m.std() == pytest.approx(dispersion, rel=0.08)


def test_another_scheme_is_sampled_with_its_fields_limit_and_remarks():
    scheme = made("sampled", of={"scheme": "volume_share", "volume_limit": 0.2}, seed=3)
    assert scheme.fields == ("volume",) and scheme.volume_limit == 0.2 and scheme.seed == 3
    at = tickets([2000, 2000], volume=[100_000, NAN])
    m = scheme.multipliers(at)
    # 0.4 bps, and the fallback of 10.
    assert scheme.fill_price(at) == pytest.approx(100 + m * [0.004, 0.1])
    assert [mask.tolist() for mask, _ in scheme.remarks(at)] == [[False, True]]


def test_samples_neither_depend_on_the_order_nor_on_the_others():
    scheme = SampledSlippage(mean_bps=20, seed=4)
    size = np.array([1.0, -2.0, 3.0, -4.0])
    column, order = np.array([7, 3, 9, 1]), np.array([2, 0, 3, 1])
    reference = np.full(4, 50.0)
    whole = scheme.fill_price(Tickets(size, reference, column, 8))
    shuffled = scheme.fill_price(Tickets(size[order], reference, column[order], 8))
    assert shuffled.tolist() == whole[order].tolist()
    alone = scheme.fill_price(Tickets(size[2:3], reference[:1], column[2:3], 8))
    assert alone.tolist() == whole[2:3].tolist()
    # Another size of the same asset that day has the same noise.
    double = scheme.fill_price(Tickets(2 * size, reference, column, 8))
    assert double.tolist() == whole.tolist()
    assert scheme.fill_price(Tickets(size, reference, column, 9)).tolist() != whole.tolist()


def test_a_seed_is_the_runs_own_unless_given(make_panel):
    entry = {"equity": {"scheme": "sampled", "mean_bps": 5}}
    costs = make_trading_costs(make_panel(), {}, entry, "data", 31)
    assert costs.slippages[0].seed == 31
    nested = {"equity": {"scheme": "sum", "of": [{**entry["equity"]}, {"scheme": "none"}]}}
    assert make_trading_costs(make_panel(), {}, nested, "data", 31).slippages[0].of[0].seed == 31
    entry["equity"]["seed"] = 2
    assert make_trading_costs(make_panel(), {}, entry, "data", 31).slippages[0].seed == 2
