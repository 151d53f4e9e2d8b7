"""How schemes are made from a configuration, for any registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from feeds.errors import ConfigError
from strategies.execution.commission import NoCommission, PerShareCommission
from strategies.execution.registry import COMMISSIONS, SLIPPAGES
from strategies.execution.schemes import check_scheme_fields, make_scheme
from strategies.execution.slippage import BpsSlippage, NoSlippage


@dataclass(frozen=True)
class Needy:
    rate: float
    floor: float = 2.0
    fields: ClassVar[tuple[str, ...]] = ("market_cap", "volume")


REGISTRY = {"needy": Needy}


def test_parameters_are_numbers_and_defaults_stand():
    scheme = make_scheme(REGISTRY, {"scheme": "needy", "rate": 3}, "here")
    assert scheme == Needy(3.0, 2.0)
    assert isinstance(scheme.rate, float)
    assert make_scheme(REGISTRY, {"scheme": "needy", "rate": 0, "floor": 0}, "here").floor == 0.0


@pytest.mark.parametrize(
    ("entry", "problem", "remedy"),
    [
        ({}, "here has no scheme", "give one of needy"),
        ({"scheme": "nedy", "rate": 1}, "here.scheme 'nedy' is unknown", "needy"),
        ({"scheme": None}, "here has no scheme", "needy"),
        ({"scheme": "needy"}, "here lacks rate, which scheme needy needs", "add rate: ..."),
        ({"scheme": "needy", "rat": 1}, "here.rat is not a parameter of scheme needy", "rate"),
        ({"scheme": "needy", "rate": None}, "here.rate is None", "give a number"),
        ({"scheme": "needy", "rate": -1}, "here.rate is -1", "not negative"),
        ({"scheme": "needy", "rate": float("nan")}, "here.rate is nan", "finite"),
        ({"scheme": "needy", "rate": 1, "fields": 1}, "here.fields is not a parameter", "rate"),
    ],
)
def test_a_wrong_entry_names_value_place_and_remedy(entry, problem, remedy):
    with pytest.raises(ConfigError) as caught:
        make_scheme(REGISTRY, entry, "here")
    assert caught.value.problem.startswith(problem)
    assert remedy in caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 3


def test_twins_named_none_take_no_parameters():
    assert make_scheme(COMMISSIONS, {"scheme": "none"}, "here") == NoCommission()
    assert make_scheme(SLIPPAGES, {"scheme": "none"}, "here") == NoSlippage()
    with pytest.raises(ConfigError, match="here.bps is not a parameter of scheme none"):
        make_scheme(SLIPPAGES, {"scheme": "none", "bps": 5}, "here")


def test_a_scheme_may_refuse_its_own_parameters():
    with pytest.raises(ConfigError, match="price of zero or less"):
        make_scheme(SLIPPAGES, {"scheme": "bps", "bps": 10_000}, "here")


def test_missing_fields_are_named_with_the_data_set(make_panel):
    with pytest.raises(
        ConfigError, match="here: scheme needy needs market_cap, which data/x lacks"
    ):
        check_scheme_fields(Needy(1.0), "needy", make_panel(), "here", "data/x")
    check_scheme_fields(
        Needy(1.0), "needy", make_panel(market_cap=make_panel().close), "here", "data/x"
    )


def test_schemes_are_values():
    assert BpsSlippage(5.0) == BpsSlippage(5.0)
    assert hash(PerShareCommission(0.005)) == hash(PerShareCommission(0.005))
    with pytest.raises(AttributeError):
        BpsSlippage(5.0).bps = 6.0
