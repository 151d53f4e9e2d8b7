"""Registering, finding and checking factors, and the user's own ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from factors import (
    check_fields,
    check_parameters,
    composite_scores,
    factor,
    get_factor,
    known_factors,
    load_plugins,
    registry,
)
from feeds.errors import ConfigError

ROOT = Path(__file__).parent.parent

PLUGIN = '''
"""Short-term reversal, a user's own factor."""

import numpy as np

from factors import factor


@factor("reversal", label="Short-term reversal", fields=("close",))
def reversal(panel, lookback: int = 5):
    """Minus the return of the last sessions; NaN where there is none."""
    scores = np.full(panel.shape, np.nan)
    scores[lookback:] = 1.0 - panel.close[lookback:] / panel.close[:-lookback]
    return scores
'''


@pytest.fixture(autouse=True)
def _registry_as_it_was(monkeypatch) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    loaded = set(sys.modules)
    yield
    for name in set(sys.modules) - loaded:
        if name.startswith(("plugin_", "own_factors")):
            del sys.modules[name]


def lines(error: pytest.ExceptionInfo) -> list[str]:
    text = str(error.value).splitlines()
    assert len(text) <= 3
    return text


def test_the_families_and_their_labels() -> None:
    labels = {(entry.column, entry.proxy): entry.label for entry in known_factors()}
    expected = {
        ("momentum", None): "Momentum",
        ("size", None): "Size",
        ("size_proxy", "dollar_volume"): "Size (proxy: dollar volume)",
        ("value", None): "Value",
        ("value_proxy", "long_run_return"): "Value (proxy: long-run return)",
        ("volatility", None): "Low volatility",
    }
    assert expected.items() <= labels.items()


@pytest.mark.parametrize(
    "name, proxy, problem, remedy",
    [
        ("momentm", None, "factors.momentm: no factor of this name", "did you mean momentum?"),
        ("vol", None, "factors.vol: no factor of this name", "did you mean volatility?"),
        (
            "value",
            "long_run_retrun",
            "factors.value.proxy: value has no proxy named long_run_retrun",
            "did you mean long_run_return?",
        ),
        (
            "momentum",
            "past",
            "factors.momentum.proxy: momentum has no proxy named past",
            "momentum has no proxy; remove the key",
        ),
    ],
)
def test_unknown_names_get_the_nearest_one(name, proxy, problem, remedy) -> None:
    with pytest.raises(ConfigError) as error:
        get_factor(name, proxy)
    assert lines(error) == [problem, remedy]


def test_a_name_near_to_none_gets_the_known_ones() -> None:
    with pytest.raises(ConfigError) as error:
        get_factor("qqqqqqqq")
    problem, remedy = lines(error)
    assert problem == "factors.qqqqqqqq: no factor of this name"
    assert remedy.startswith("known: ") and "momentum" in remedy


def test_absent_fields_are_named_with_a_proxy_that_would_do(make_panel) -> None:
    panel = make_panel()
    with pytest.raises(ConfigError) as error:
        check_fields(get_factor("value"), panel, "data/sp500_crypto")
    assert lines(error) == [
        "value needs market_cap, book_equity, which data/sp500_crypto lacks",
        "ask for a proxy: factors.value.proxy: long_run_return",
    ]
    with_cap = make_panel(market_cap=np.ones((60, 4)))
    with pytest.raises(ConfigError, match="value needs book_equity, which the data set lacks"):
        check_fields(get_factor("value"), with_cap)
    check_fields(get_factor("size"), with_cap)
    check_fields(get_factor("momentum"), panel)


def test_a_proxy_that_cannot_be_computed_is_not_offered(make_panel) -> None:
    panel = make_panel(volume=np.full((60, 4), np.nan))
    for name, proxy in (("size", None), ("size", "dollar_volume")):
        with pytest.raises(ConfigError) as error:
            check_fields(get_factor(name, proxy), panel)
        assert lines(error)[1] == "remove factors.size, or use a data set that has them"


@pytest.mark.parametrize(
    "given, problem, remedy",
    [
        (
            {"lookbak": 252},
            "factors.momentum.lookbak: momentum has no parameter lookbak",
            "did you mean lookback?",
        ),
        (
            {"wieght": 1},
            "factors.momentum.wieght: momentum has no parameter wieght",
            "did you mean weight?",
        ),
        (
            {"rows": [1]},
            "factors.momentum.rows: momentum has no parameter rows",
            "known: lookback, skip, weight, proxy, preprocess",
        ),
        (
            {"lookback": "long"},
            "factors.momentum.lookback: 'long' is not a whole number or null",
            "correct the value",
        ),
        (
            {"skip": 2.5},
            "factors.momentum.skip: 2.5 is not a whole number or null",
            "correct the value",
        ),
        (
            {"skip": True},
            "factors.momentum.skip: True is not a whole number or null",
            "correct the value",
        ),
    ],
)
def test_parameters_are_checked_by_signature(given, problem, remedy) -> None:
    with pytest.raises(ConfigError) as error:
        check_parameters(get_factor("momentum"), given)
    assert lines(error) == [problem, remedy]


def test_what_fits_is_accepted() -> None:
    check_parameters(get_factor("momentum"), {"lookback": 126, "skip": None})

    @factor("loose")
    def loose(panel, rate: float = 0.5, kind: str = "a", *, names: list[str] = (), **others):
        return panel.close

    check_parameters(get_factor("loose"), {"rate": 1, "names": ["a"], "anything": object()})
    with pytest.raises(ConfigError, match="factors.loose.rate: 'x' is not a number"):
        check_parameters(get_factor("loose"), {"rate": "x"})


def test_a_parameter_without_default_must_be_given() -> None:
    @factor("needy")
    def needy(panel, horizon: int):
        return panel.close

    check_parameters(get_factor("needy"), {"horizon": 3})
    with pytest.raises(ConfigError, match="needy needs the parameter horizon"):
        check_parameters(get_factor("needy"), {})


@pytest.mark.parametrize("name", ["Momentum", "a b", "", "score", "symbol", "../x", "9lives"])
def test_odd_and_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is reserved or not made of a-z"):
        factor(name)(lambda panel: panel.close)


def test_taken_names_are_refused() -> None:
    for name, proxy in (("momentum", None), ("value", "long_run_return"), ("value_proxy", None)):
        with pytest.raises(ConfigError, match="is taken by factors"):
            factor(name, proxy=proxy)(lambda panel: panel.close)


def test_a_parameter_may_not_shadow_a_configuration_key() -> None:
    with pytest.raises(ConfigError, match="its parameter weight is a key of every factor"):
        factor("heavy")(lambda panel, weight=1: panel.close)


def test_a_factor_of_the_users_own_needs_one_file(tmp_path, make_panel) -> None:
    path = tmp_path / "own_factors.py"
    path.write_text(PLUGIN)
    load_plugins([str(path)])
    entry = get_factor("reversal")
    assert (entry.label, entry.column) == ("Short-term reversal", "reversal")
    check_parameters(entry, {"lookback": 1})
    panel = make_panel(np.array([[10.0, 10.0], [11.0, 8.0]]))
    result = composite_scores(panel, panel.tradable, [(entry, 1.0, {"lookback": 1})])
    np.testing.assert_allclose(result.raw[0, 1], [-0.1, 0.2], rtol=1e-12)
    np.testing.assert_array_equal(result.composite[1], [-0.25, 0.25])
    load_plugins([str(path)])  # once more does nothing


def test_a_module_is_found_by_its_dotted_name(tmp_path, monkeypatch) -> None:
    (tmp_path / "own_factors_by_name.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    load_plugins(["own_factors_by_name"])
    assert get_factor("reversal").function.__module__ == "own_factors_by_name"


@pytest.mark.parametrize(
    "text, problem",
    [
        ("import nowhere_to_be_found\n", "ModuleNotFoundError: No module named 'nowhere_to_be_"),
        ("x = 1\ny = 1 / 0\n", r"ZeroDivisionError: division by zero \(line 2\)"),
        ("def broken(:\n", r"SyntaxError: .*\(line 1\)"),
        ("raise SystemExit(0)\n", "SystemExit: 0"),
        (PLUGIN + "\nraise ValueError('a\\nb')\n", "ValueError: a b"),
        (PLUGIN.replace("reversal", "momentum"), "factor momentum of plugin_.* is taken by"),
    ],
)
def test_a_plugin_that_fails_leaves_nothing_behind(tmp_path, text: str, problem: str) -> None:
    path = tmp_path / "own_factors.py"
    path.write_text(text)
    before = known_factors()
    for _ in range(2):
        with pytest.raises(ConfigError, match=problem) as error:
            load_plugins([str(path)])
        assert len(lines(error)) == 2
    assert known_factors() == before


@pytest.mark.parametrize(
    "name, problem",
    [
        ("nowhere/own_factors.py", "plugins: nowhere/own_factors.py: no such file"),
        ("nowhere.own_factors", "plugins: no module named nowhere.own_factors"),
        ("factors.nowhere", "plugins: no module named factors.nowhere"),
        ("own factors", "is neither a module's dotted name nor a path"),
        ("../own", "is neither a module's dotted name nor a path"),
        ("", "is neither a module's dotted name nor a path"),
    ],
)
def test_a_plugin_that_is_not_there_is_refused(name: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as error:
        load_plugins([name])
    assert len(lines(error)) == 2


def test_a_notebook_may_define_its_factor_again() -> None:
    def define(value: float):
        def constant(panel):
            return np.full(panel.shape, value)

        constant.__module__ = "__main__"
        factor("constant")(constant)

    define(1.0)
    define(2.0)
    assert get_factor("constant").function.__closure__[0].cell_contents == 2.0


def test_scoring_needs_no_heavy_package() -> None:
    """The main command's start-up stays short."""
    code = (
        "import sys, factors, configs.load\n"
        "heavy = {'scipy', 'sklearn', 'statsmodels', 'seaborn', 'backtrader'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_documentation_lists_every_factor_and_its_parameters() -> None:
    page = (ROOT / "docs" / "factors.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for entry in known_factors():
        name = f"`{entry.name}`" + (f", `proxy: {entry.proxy}`" if entry.proxy else "")
        row = next(line for line in rows if line.startswith(f"| {name} | {entry.label} |"))
        assert all(f"`{field}`" in row for field in entry.fields)
        owner = f"`{entry.name}`" + (f" by `{entry.proxy}`" if entry.proxy else "")
        for parameter in entry.parameters:
            assert any(f"`{parameter}`" in line and f"| {owner} |" in line for line in rows)


def test_the_example_of_the_documentation_works(tmp_path, make_panel) -> None:
    page = (ROOT / "docs" / "factors.md").read_text(encoding="utf-8")
    path = tmp_path / "own_factors.py"
    path.write_text(page.split("# my_factors.py\n")[1].split("```")[0])
    load_plugins([str(path)])
    panel = make_panel(np.array([[10.0], [8.0]]))
    assert get_factor("reversal").scores(panel, lookback=1)[1, 0] == pytest.approx(0.2)
