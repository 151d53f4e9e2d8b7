"""Factors of daily figures of coins: the network to the cap, and carry."""

from __future__ import annotations

import numpy as np
import pytest

from factors.carry import funding_carry
from factors.network import active_addresses, transfer_volume
from factors.registry import check_fields, get_factor
from feeds.errors import ConfigError

NAN = np.nan
NETWORK = {"transfer_volume": transfer_volume, "active_addresses": active_addresses}
NAMES = (*NETWORK, "carry")
FIGURE = {"carry": "funding_rate"}


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def scores(panel, name: str, window: int | None = None) -> np.ndarray:
    given = {} if window is None else {"window": window}
    return get_factor(name).scores(panel, **given)


@pytest.fixture
def with_figure(make_panel):
    """A panel of one figure and caps of 100."""

    def make(name: str, values: np.ndarray, close=None, cap=None, **given):
        close = np.full(values.shape, 10.0) if close is None else close
        cap = np.full(values.shape, 100.0) if cap is None else cap
        figures = {FIGURE.get(name, name): values}
        return make_panel(close, market_cap=cap, figures=figures, **given)

    return make


@pytest.mark.parametrize("name", NETWORK)
def test_the_network_to_the_cap_by_hand(with_figure, name: str) -> None:
    # Means of two days: 2 alone is half of the window, then 3, 5; caps 100, 100, 200.
    panel = with_figure(name, column(2.0, 4.0, 6.0), cap=column(100.0, 100.0, 200.0))
    np.testing.assert_allclose(scores(panel, name, 2)[:, 0], [0.02, 0.03, 0.025], rtol=1e-15)


def test_carry_by_hand(with_figure) -> None:
    # Minus the means of three days, of which two must be known: none, -(1 + 2) / 2, then
    # -(1 + 2 - 6) / 3 = 1, and with a day not known -(2 - 6) / 2 = 2.
    panel = with_figure("carry", column(1.0, 2.0, -6.0, NAN))
    np.testing.assert_allclose(scores(panel, "carry", 3)[:, 0], [NAN, -1.5, 1.0, 2.0], rtol=1e-15)
    assert not np.signbit(scores(with_figure("carry", column(0.0)), "carry", 1))[0, 0]


@pytest.mark.parametrize("name, weeks", [("carry", 1), *((name, 4) for name in NETWORK)])
@pytest.mark.parametrize("calendar, week", [("XNYS", 5), ("24/7", 7)])
def test_the_usual_window_and_its_warm_up(with_figure, name, weeks, calendar, week) -> None:
    window = weeks * week
    values = np.arange(1.0, 2 * window + 1)[:, None]
    panel = with_figure(name, values, calendar=calendar)
    found = scores(panel, name)
    np.testing.assert_array_equal(found, scores(panel, name, window))
    least = (window + 1) // 2
    assert np.isnan(found[: least - 1]).all() and np.isfinite(found[least - 1 :]).all()


@pytest.mark.parametrize("name", NETWORK)
def test_without_a_cap_there_is_no_score(with_figure, name: str) -> None:
    values = np.full((1, 4), 5.0)
    values[0, 3] = 0.0
    panel = with_figure(name, values, cap=np.array([[NAN, 0.0, 10.0, 10.0]]))
    np.testing.assert_array_equal(scores(panel, name, 1)[0], [NAN, NAN, 0.5, 0.0])


@pytest.mark.parametrize("name", NAMES)
def test_a_coin_without_a_bar_for_a_week_is_not_scored(with_figure, name: str) -> None:
    close = np.full((12, 1), 10.0)
    close[3:] = NAN
    cap = np.where(np.isfinite(close), 100.0, NAN)
    found = scores(with_figure(name, np.ones((12, 1)), close, cap), name, 2)
    assert np.isfinite(found[:10]).all() and np.isnan(found[10:]).all()


@pytest.mark.parametrize("name", NAMES)
def test_no_score_looks_ahead_or_aside(with_figure, name: str) -> None:
    rng = np.random.default_rng(11)
    shape = (70, 4)
    values = np.where(rng.random(shape) < 0.8, rng.normal(5.0, 2.0, shape), NAN)
    values[:, 3] = 4.0
    close = np.where(rng.random(shape) < 0.9, rng.uniform(5.0, 9.0, shape), NAN)
    panel = with_figure(name, values, close, close * 10.0)
    full = scores(panel, name)
    assert np.isfinite(full).mean() > 0.5
    for cut in range(70):
        np.testing.assert_array_equal(scores(panel.as_of(cut), name), full[: cut + 1])
    for place in range(4):
        alone = scores(panel.select(np.array([place])), name)
        np.testing.assert_allclose(alone[:, 0], full[:, place], rtol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_is_refused(make_panel, with_figure, name: str) -> None:
    with pytest.raises(ConfigError, match=f"factors.{name}: lookback 0: no window"):
        scores(with_figure(name, column(1.0)), name, 0)
    with pytest.raises(ConfigError, match=f"{name} needs .*, which data/x lacks"):
        check_fields(get_factor(name), make_panel(), "data/x")


def test_what_the_functions_are_called() -> None:
    functions = [get_factor(name).function for name in NAMES]
    assert functions == [transfer_volume, active_addresses, funding_carry]
