"""Slippage schemes against prices worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from feeds.errors import ConfigError
from strategies.execution.registry import SLIPPAGES
from strategies.execution.slippage import BpsSlippage, NoSlippage
from strategies.execution.tickets import Tickets

SIZE = np.array([10.0, -10.0, 0.0])
REFERENCE = np.array([200.0, 200.0, 200.0])


def test_none_fills_at_the_reference_and_gives_a_copy():
    filled = NoSlippage().fill_price(Tickets(SIZE, REFERENCE))
    assert filled.tolist() == [200.0, 200.0, 200.0]
    assert filled is not REFERENCE


def test_bps_moves_the_price_against_the_trader():
    # 200 x (1 + 25/10,000) = 200.5 to buy, 199.5 to sell; nothing traded moves nothing.
    assert BpsSlippage(25).fill_price(Tickets(SIZE, REFERENCE)) == pytest.approx(
        [200.5, 199.5, 200.0]
    )


def test_bps_does_not_depend_on_size():
    small, large = np.array([1e-8]), np.array([1e8])
    at = np.array([3.0])
    assert BpsSlippage(5).fill_price(Tickets(small, at)) == BpsSlippage(5).fill_price(
        Tickets(large, at)
    )


@pytest.mark.parametrize("bps", [-1.0, 10_000.0])
def test_a_sale_at_zero_or_less_is_refused(bps):
    with pytest.raises(ConfigError, match="at a price of zero or less\ngive basis points"):
        BpsSlippage(bps)


def test_the_registry_names_every_scheme():
    assert sorted(SLIPPAGES) == [
        "almgren",
        "bps",
        "half_spread",
        "none",
        "sampled",
        "square_root",
        "sum",
        "volume_share",
    ]
