"""Schemes of a user's own: the page's example as it stands, and what is refused."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from factors import load_plugins
from feeds.errors import ConfigError
from runs import backtest
from strategies.execution.registry import COMMISSIONS, SLIPPAGES, commission, slippage
from strategies.execution.schemes import make_scheme
from strategies.execution.slippage import Slippage

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, flags=re.DOTALL)
FILES = {
    text.split("\n", 1)[0].removeprefix("# "): text
    for _, text in BLOCKS
    if text.startswith("# own_costs")
}
HEAD = """
from dataclasses import dataclass, field
from typing import Literal
import numpy as np
from strategies.execution.registry import commission, slippage
from strategies.execution.slippage import Slippage
"""


@pytest.fixture(autouse=True)
def registries_as_before():
    before = dict(COMMISSIONS.entries), dict(SLIPPAGES.entries)
    yield
    for registry, entries in zip((COMMISSIONS, SLIPPAGES), before, strict=True):
        registry.entries.clear()
        registry.entries.update(entries)


def plugin(tmp_path, text: str) -> str:
    path = tmp_path / "own_scheme.py"
    path.write_text(HEAD + text, encoding="utf-8")
    return str(path)


def test_the_page_names_every_scheme_and_its_parameters():
    for registry in (COMMISSIONS, SLIPPAGES):
        for name, kind in registry.items():
            assert f"| `{name}` |" in PAGE
            row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
            for item in dataclasses.fields(kind):
                if item.name != "fallback_bps":
                    assert f"`{item.name}" in row, (name, item.name)


def test_the_pages_example_runs_as_it_stands(tmp_path):
    (tmp_path / "project").symlink_to(ROOT)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    lines = [line for line in FILES["own_costs.py"].splitlines()[1:] if line.strip()]
    assert len(lines) <= 12
    (commands,) = (text for language, text in BLOCKS if language == "sh")
    place = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", commands],
        cwd=tmp_path,
        env={**os.environ, "PATH": place},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    fills = pd.read_csv(tmp_path / "run" / "fills.csv", keep_default_na=False)
    bps = 1e4 * (fills["price"] / fills["reference_price"] - 1).abs()
    # At least the 4 of the configuration, and little more: the book is small beside the market.
    assert len(fills) > 50 and bps.between(4.0, 4.1).all()


def test_parameters_of_every_kind_are_checked_like_built_in_ones(tmp_path):
    text = """
@dataclass(frozen=True)
class Step:
    above: float = field(metadata={"key": "from"})
    bps: float

@slippage("own")
@dataclass(frozen=True)
class Own:
    inner: Slippage
    steps: tuple[Step, ...]
    label: str = "x"
    mode: Literal["a", "b"] = "a"
    count: int = 3
    fast: bool = False
    limit: float | None = None
    def fill_price(self, tickets):
        return self.inner.fill_price(tickets)
"""
    load_plugins([plugin(tmp_path, text)])
    entry = {
        "scheme": "own",
        "inner": {"scheme": "bps", "bps": 3},
        "steps": [{"from": 0, "bps": 1}, {"from": 5, "bps": 2}],
        "label": "y",
        "mode": "b",
        "limit": None,
    }
    made = make_scheme(SLIPPAGES, entry, "here")
    assert made.inner.bps == 3.0 and made.steps[1].above == 5.0 and made.fields == ()
    assert (made.label, made.mode, made.count, made.fast, made.limit) == ("y", "b", 3, False, None)
    for change, problem in (
        ({"label": 3}, "here.label is 3"),
        ({"mode": "c"}, "here.mode is 'c'"),
        ({"count": 1.5}, "here.count is 1.5"),
        ({"fast": "yes"}, "here.fast is 'yes'"),
        ({"limit": "x"}, "here.limit is 'x'"),
        ({"inner": 5}, "here.inner is 5, not a scheme"),
        ({"inner": {"scheme": "bps"}}, "here.inner lacks bps"),
        ({"steps": [{"form": 0, "bps": 1}]}, r"here.steps\[0\].form is not a parameter"),
        ({"lable": "z"}, "here.lable is not a parameter of scheme own"),
    ):
        with pytest.raises(ConfigError, match=problem) as caught:
            make_scheme(SLIPPAGES, {**entry, **change}, "here")
        assert len(str(caught.value).splitlines()) == 2


def test_a_scheme_refuses_its_own_parameters(tmp_path):
    text = """
@commission("picky")
@dataclass(frozen=True)
class Picky:
    bps: float
    def __post_init__(self):
        if self.bps > 10:
            raise ValueError("too dear")
    def charge(self, tickets):
        return np.zeros(len(tickets))

@commission("odd")
@dataclass(frozen=True)
class Odd:
    when: np.ndarray
    def charge(self, tickets):
        return np.zeros(len(tickets))
"""
    load_plugins([plugin(tmp_path, text)])
    with pytest.raises(ConfigError, match="here: too dear"):
        make_scheme(COMMISSIONS, {"scheme": "picky", "bps": 11}, "here")
    with pytest.raises(ConfigError, match="here.when: a parameter annotated ndarray has no form"):
        make_scheme(COMMISSIONS, {"scheme": "odd", "when": 1}, "here")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('@slippage("bps")\n@dataclass(frozen=True)\nclass A: pass\n', "named bps exists already"),
        ('@slippage("a")\n@dataclass\nclass A:\n    x: float\n', "a of slippage is not a frozen"),
        (
            '@commission("a")\n@dataclass(frozen=True)\nclass A: pass\n',
            r"a method charge\(tickets\)",
        ),
        ('@commission("")\n@dataclass(frozen=True)\nclass A: pass\n', "has the name ''"),
        ("@commission\n@dataclass(frozen=True)\nclass A: pass\n", "has the name <class"),
    ],
)
def test_what_is_no_scheme_is_refused(tmp_path, text, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        load_plugins([plugin(tmp_path, text)])
    assert len(str(caught.value).splitlines()) == 2


def test_a_module_that_fails_leaves_no_scheme_behind(tmp_path):
    good = """
@commission("first")
@dataclass(frozen=True)
class First:
    def charge(self, tickets):
        return np.zeros(len(tickets))

@slippage("second")
@dataclass(frozen=True)
class Second:
    def fill_price(self, tickets):
        return tickets.reference
"""
    before = sorted(COMMISSIONS), sorted(SLIPPAGES)
    for _ in range(2):
        with pytest.raises(ConfigError, match="ZeroDivisionError"):
            load_plugins([plugin(tmp_path, good + "\n1 / 0\n")])
        assert (sorted(COMMISSIONS), sorted(SLIPPAGES)) == before
    load_plugins([plugin(tmp_path, good)])
    assert "first" in COMMISSIONS and "second" in SLIPPAGES


def test_decorators_give_the_class_back():
    from dataclasses import dataclass

    @slippage("own_here")
    @dataclass(frozen=True)
    class Here:
        def fill_price(self, tickets):
            return tickets.reference

    assert SLIPPAGES["own_here"] is Here and Here.fields == ()
    assert commission.__doc__ and Slippage.__doc__


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("costs.commission={equity: {scheme: krakn_pro}}", "did you mean kraken_pro?"),
        ("costs.commission={equity: {scheme: ibkr_pro_fixed}}", "needs split_factor, which"),
        ("costs.slippage={equity: {scheme: half_spread}}", "needs high, low, which"),
        ("costs.slippage={equity: {scheme: almgren}}", "needs market_cap, which"),
        ("costs.slippage={crypto: {scheme: sum, of: {scheme: bps, bps: 1}}}", "give a list"),
        ("costs.slippage={crypto: {scheme: square_root, window: 1}}", "window 1 is too short"),
        ("costs.carry.cash_annual={series: fr}", "publishes no 'fr'"),
        ("costs.carry.borrow_annual={equity: {figure: fee, missing_annual: 0}}", "has no figure"),
        ("plugins=[nowhere.py]", "nowhere.py: no such file"),
    ],
)
def test_mistakes_end_the_command_with_two_lines(override, problem, capsys, tmp_path):
    config = str(ROOT / "configs" / "backtest.yaml")
    arguments = ["--config", config, "--set", override, "--out", str(tmp_path / "run")]
    assert backtest.main([*arguments, "--no-tearsheet", "--quiet"]) == 2
    told = capsys.readouterr().err
    assert problem in told and len(told.strip().splitlines()) <= 3
    assert "Traceback" not in told and not (tmp_path / "run").exists()
