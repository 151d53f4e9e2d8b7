"""Every mistake in a configuration is refused with its place and its remedy."""

from __future__ import annotations

import os
import re
import string
import time
from collections.abc import Iterator

import pytest

from configs.classes import check_asset_classes
from configs.describe import fields_at, walk
from configs.load import load_config
from configs.schema import BacktestConfig
from configs.yaml_reader import parse_yaml
from factors import check_parameters, get_factor
from feeds.errors import ConfigError
from feeds.suggestions import nearest, remedy_for

VALID = """name: small
data:
  dir: data/set
  start: 2010-01-01
  end: 2016-12-30
factors:
  momentum: {weight: 1}
portfolio:
  select: {top: 5}
"""
#: Every key of the schema, each with a valid value somewhere.
EVERY_KEY = {
    "name": "n",
    "seed": 1,
    "data": {
        "dir": "d",
        "start": "2010-01-01",
        "end": "2011-01-01",
        "calendar": "XNYS",
        "universe": None,
        "investable": {
            "min_price": 1,
            "min_market_cap": 1,
            "min_dollar_volume": 1,
            "min_age": 1,
        },
    },
    "benchmark": "cash",
    "factors": {
        "momentum": {
            "weight": 1,
            "proxy": None,
            "lookback": 252,
            "skip": 21,
            "preprocess": {"winsorize": 0.01, "scale": "rank", "neutralize": None},
        }
    },
    "preprocess": {
        "steps": [
            {"winsorize": {"fraction": 0.01, "deviations": None, "within": "asset_class"}},
            {"neutralize": {"by": ["sector", "size"], "within": None}},
            {"rank": {"within": None}},
            {"zscore": {"within": ["asset_class", "sector"]}},
            {"gaussian": {"within": []}},
            {"lag": 1},
        ],
        "min_factors": 1,
    },
    "portfolio": {
        "side": "long_short",
        "select": {"quantile": 0.2, "top": None},
        "weighting": "equal",
        "gross": 1,
        "net": 0,
        "max_weight": 1,
        "max_class_weight": {},
        "max_sector_weight": {},
        "max_gross": 2,
        "neutral": {
            "dollar": 0,
            "beta": 0.1,
            "asset_class": ["equity"],
            "sector": False,
            "market": "equal_weight",
        },
        "volatility_target": {"annual": 0.1, "max_leverage": 2},
        "stagger": 3,
        "covariance": {"estimator": "oas", "lookback": 252, "halflife": 63, "min_history": 60},
        "mean_variance": {
            "risk_aversion": 5,
            "turnover_penalty": 0,
            "information_coefficient": 0.05,
        },
        "risk_budget": {"factors": {}, "sleeves": {}, "streams": "realised"},
        "sleeves": None,
        "min_breadth": {"long_only": 4, "long_short": 6},
        "thin_sleeve": "cash",
        "trend": {"lookback": 21, "skip": 0},
        "no_trade_band": 0.01,
        "band_to": "edge",
        "trade_fraction": 0.5,
        "turnover_budget": 0.2,
        "stops": {
            "loss": 0.2,
            "trailing": 0.2,
            "drawdown": 0.2,
            "drawdown_lookback": 63,
            "cool_off": 21,
            "barred": "cash",
        },
        "rebalance": {"every": 5},
    },
    "execution": {
        "fill": "auto",
        "starting_cash": 1,
        "cash_buffer": 0,
        "lots": {},
        "ticks": {},
        "min_ticket": {},
        "spread_over": 1,
        "short_available": {
            "equity": {"figure": None, "min_market_cap": 0, "min_dollar_volume": 0}
        },
        "unborrowable": "cash",
        "participation_rate": 0.1,
        "maintenance_margin": 0.25,
        "stale_after": 10,
    },
    "costs": {
        "commission": {},
        "slippage": {},
        "carry": {
            "borrow_annual": {
                "one": {"by": "market_cap", "tiers": [{"from": 0, "rate": 0.05}]},
                "another": {"figure": "fee", "missing_annual": 0.1},
            },
            "funding_annual": {"third": {"figure": "funding_rate", "missing_annual": 0.1}},
            "cash_annual": [{"from": "2010-01-01", "rate": 0.01}],
            "short_rebate_annual": {"series": "rf", "spread_annual": -0.01},
            "day_count": 365,
        },
    },
    "delisting_return": {"bankruptcy": -1, "unknown": -0.3, "merger": 0, "data_end": 0},
    "live": {
        "interval": "1h",
        "bands": {"dollar": 0.05, "beta": 0.05},
        "max_age": 2,
        "poll_seconds": 60,
    },
    "plugins": [],
}


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Load a text that must be refused; gives (problem, remedy)."""
    monkeypatch.chdir(tmp_path)

    def refuse(content: str | bytes, *overrides: str) -> tuple[str, str]:
        content = content.encode() if isinstance(content, str) else content
        (tmp_path / "c.yaml").write_bytes(content)
        with pytest.raises(ConfigError) as error:
            load_config("c.yaml", overrides)
        text = str(error.value)
        assert len(text.splitlines()) == 2 and len(text) < 400, text
        return error.value.problem, error.value.remedy

    return refuse


def changed(old: str, new: str) -> str:
    assert old in VALID
    return VALID.replace(old, new)


@pytest.mark.parametrize(
    "text, problem, remedy",
    [
        (
            changed("portfolio:", "portfolio:\n  grosss: 2"),
            "c.yaml, line 9: unknown key portfolio.grosss",
            "did you mean gross?",
        ),
        (
            changed("  start:", "  strat:"),
            "c.yaml, line 4: unknown key data.strat",
            "did you mean start?",
        ),
        (
            VALID + "gross: 1\n",
            "c.yaml, line 10: unknown key gross",
            "gross belongs under portfolio",
        ),
        (
            VALID + "  seed: 1\n",
            "c.yaml, line 10: unknown key portfolio.seed",
            "seed is a top-level key",
        ),
        (
            changed("  end: 2016-12-30", "  end: 2009-12-30"),
            "c.yaml, line 2: data.end 2009-12-30 is not after data.start 2010-01-01",
            "exchange them, or correct one",
        ),
        (
            changed("2010-01-01", "2010-02-30"),
            "c.yaml, line 4: data.start: 2010-02-30 is not a day of the calendar",
            "mend it, or quote it if it is text",
        ),
        (
            changed("2010-01-01", "01/02/2010"),
            "c.yaml, line 4: data.start: '01/02/2010' is not a date",
            "write the date as 2010-01-31; start: first day on which the strategy may decide",
        ),
        (
            VALID + "  gross: much\n",
            "c.yaml, line 10: portfolio.gross: 'much' is not a number",
            "gross: sum of absolute weights",
        ),
        (
            VALID + "  gross: 0\n",
            "c.yaml, line 10: portfolio.gross: 0 is not above 0",
            "gross: sum of absolute weights",
        ),
        (
            VALID + "  weighting: equl\n",
            "c.yaml, line 10: portfolio.weighting: equl is not one of 'equal', 'rank', 'score', "
            "'cap', 'inverse_volatility', 'minimum_variance', 'equal_risk_contribution', "
            "'hierarchical_risk_parity', 'mean_variance' or 'factor_risk_parity'",
            "did you mean equal?",
        ),
        (
            changed("  select: {top: 5}", "  select: {top: 5, quantile: 0.2}"),
            "c.yaml, line 9: portfolio.select needs exactly one of quantile and top",
            "remove the other, or set it to null",
        ),
        (
            changed("name: small\n", ""),
            "c.yaml, line 1: name is missing",
            "add it; name: title of the run",
        ),
        (
            changed("  dir: data/set\n", ""),
            "c.yaml, line 2: data.dir is missing",
            "add it; dir: folder of the data set",
        ),
        (
            changed("name: small", "name: true"),
            "c.yaml, line 1: name: true is not text",
            "quote it if it is text: 'true'",
        ),
        (
            changed("  dir:", "  universe: [AAPL, 600519]\n  dir:"),
            "c.yaml, line 3: data.universe.1: 600519 is not text",
            "quote it if it is text: '600519'",
        ),
        (
            changed("  dir:", "  universe: AAPL\n  dir:"),
            "c.yaml, line 3: data.universe: 'AAPL' is not a list",
            "universe: symbols to use; null means every tradable symbol of the set",
        ),
        (
            changed("  dir:", "  universe: [A, B, A]\n  dir:"),
            "c.yaml, line 3: A is listed twice in data.universe",
            "keep one of them",
        ),
        (
            changed("momentum: {weight: 1}", "momentum:"),
            "c.yaml, line 7: factors.momentum: null is not a mapping of keys",
            "write its keys below it: weight, proxy",
        ),
        (
            changed("weight: 1", "weight: 0"),
            "c.yaml, line 1: every weight in factors is 0, so that nothing is ranked",
            "give one factor a weight",
        ),
        (
            VALID + "  rebalance: {evry: 5}\n",
            "c.yaml, line 10: unknown key portfolio.rebalance.evry",
            "did you mean every?",
        ),
        (
            VALID + "  rebalance: {dates: [2010-01-01, soon]}\n",
            "c.yaml, line 10: portfolio.rebalance.dates.1: 'soon' is not a date",
            "write the date as 2010-01-31",
        ),
        (
            VALID + "  rebalance: 5\n",
            "c.yaml, line 10: portfolio.rebalance: 5 is not one of 'weekly', 'monthly' or "
            "'quarterly'",
            "rebalance: last session of each period, {every: n} or {dates: [...]}",
        ),
        (
            VALID + "  trend: {lookbak: 5}\n",
            "c.yaml, line 10: unknown key portfolio.trend.lookbak",
            "did you mean lookback?",
        ),
        (
            VALID + "  sleeves: {equity: 0.5}\n",
            "c.yaml, line 8: portfolio.sleeves sum to 0.5, they must sum to 1",
            "gross scales all of them; give each its share of it",
        ),
        (
            VALID + "costs: {carry: {borrow_annual: {a: 1}, funding_annual: {a: 1}}}\n",
            "c.yaml, line 10: costs.carry charges a both borrow and funding",
            "keep one of them",
        ),
        (
            VALID + "preprocess: {min_factors: 2}\n",
            "c.yaml, line 1: preprocess.min_factors 2 exceeds the 1 factors asked for",
            "lower it, or ask for more factors",
        ),
        (
            VALID + "data: {}\n",
            "c.yaml, line 10: data is given twice, first on line 2",
            "keep one of them",
        ),
        (
            changed("weight: 1", "weight: 1, weight: 2"),
            "c.yaml, line 7: factors.momentum.weight is given twice, first on line 7",
            "keep one of them",
        ),
        (
            changed("2010-01-01", "soon") + "  gross: much\nseed: a\n",
            "c.yaml, line 11: seed: 'a' is not a whole number (and 2 more)",
            "seed: seed of everything random",
        ),
    ],
)
def test_each_mistake_has_its_place_and_remedy(refused, text, problem, remedy) -> None:
    found = refused(text)
    assert found[0] == problem
    assert found[1].startswith(remedy)


@pytest.mark.parametrize(
    "override, problem, remedy",
    [
        ("portfolio.grosss=2", "unknown key portfolio.grosss", "did you mean gross?"),
        ("data.end=2009-01-01", "data.end 2009-01-01 is not after data.start 2010-01-01", ""),
        ("data.end=2010-02-30", "2010-02-30 is not a day of the calendar", "mend it"),
        ("portfolio.gross=abc", "portfolio.gross: 'abc' is not a number", "gross: sum"),
        ("portfolio.select.quantile=0.1", "portfolio.select needs exactly one of", "remove"),
        ("data.universe=[*a]", "anchors and aliases are not allowed", "write it out"),
        ("data.universe=[a", "not valid YAML: expected ',' or ']'", "mend the line"),
        ("name=", "name: null is not text", "quote it if it is text: 'null'"),
        ("name.x=1", "name is small, which holds no keys", "set the whole of it: --set 'name={x:"),
        ("gross", "not of the form key=value", "write --set key=value"),
        ("=1", "not of the form key=value", "write --set key=value"),
        ("a..b=1", "not of the form key=value", "write --set key=value"),
        ("name=a\nb", "the value holds a control character", "write --set key=value"),
    ],
)
def test_overrides_are_named_in_their_errors(refused, override, problem, remedy) -> None:
    found = refused(VALID, "seed=3", override)
    shown = override.replace("\n", "\\n")
    assert found[0].startswith(f"--set {shown}: {problem}")
    assert found[1].startswith(remedy)


@pytest.mark.parametrize("name", ["../x", "/etc", "..", "a/../b", "~x", ".hidden", "a\\b", " a"])
def test_names_that_lead_elsewhere_are_refused(refused, name: str) -> None:
    for key in ("name", "benchmark", "data.universe"):
        value = f"['{name}']" if key == "data.universe" else f"'{name}'"
        problem, _ = refused(VALID, f"{key}={value}")
        assert "is not a name" in problem


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"", "c.yaml: is empty"),
        (b"# nothing\n", "c.yaml: is empty"),
        (b"- a\n- b\n", "c.yaml: is not a mapping of keys"),
        (b"<html><body>Not found</body></html>", "c.yaml: is not a mapping of keys"),
        (VALID.encode("utf-16"), "c.yaml: is UTF-16 text, not UTF-8"),
        (VALID.encode("utf-16-le"), "c.yaml, line 1: holds a NUL byte"),
        (b"name: a\nseed: \x00\n", "c.yaml, line 2: holds a NUL byte"),
        (b"name: a\nx: caf\xe9\n", "c.yaml, line 2: not UTF-8 text"),
        (b"name: a\nx: \x07\n", "c.yaml, line 2: character U+0007 is not allowed"),
        (b"name: a\n\tx: 1\n", "c.yaml, line 2: not valid YAML: found character"),
        (b"name: [a\nb: c\n", "c.yaml, line 2: not valid YAML: expected ',' or ']'"),
        (b"name: &x a\nseed: *x\n", "c.yaml, line 1: anchors and aliases are not allowed"),
        (b"name: *x\n", "c.yaml, line 1: anchors and aliases are not allowed"),
        (b"name: !!python/object/apply:os.system [ls]\n", "the tag tag:yaml.org,2002:python/obj"),
        (b"name: !!str 12\n", "c.yaml, line 1: the tag tag:yaml.org,2002:str is not allowed"),
        (b"? [a, b]\n: c\n", "c.yaml, line 1: a key is not text"),
        (b"name: a\n---\nname: b\n", "c.yaml, line 2: a second document begins"),
        (b"name: .nan\n", "c.yaml, line 1: name: .nan is not a finite number"),
        (b"<<: {a: 1}\n" + VALID.encode(), "c.yaml, line 1: unknown key <<"),
        (b"name: " + b"9" * 4500 + b"\n", "has too many digits"),
        (b"x" * 900 + b": 1\n" + VALID.encode(), "unknown key xxx"),
        ("name: a\n\u202e\u0416: 1\n".encode() + VALID.encode()[12:], "unknown key \\u202e"),
        (b'"a\\nb": 1\n' + VALID.encode(), "unknown key a\\nb"),
    ],
)
def test_files_that_are_no_configuration(refused, content: bytes, problem: str) -> None:
    assert problem in refused(content)[0]


def test_files_that_cannot_be_read(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.yaml")
    for path, problem in (
        ("none.yaml", "none.yaml: no such file"),
        (".", ".: not a plain file"),
        ("pipe.yaml", "pipe.yaml: not a plain file"),
        ("a\0b", "no such file"),
        ("x" * 5000, "cannot be read: File name too long"),
    ):
        with pytest.raises(ConfigError) as error:
            load_config(path)
        assert problem in str(error.value) and len(str(error.value).splitlines()) <= 3


BOMBS = {
    "aliases": b"a: &a [x,x,x,x]\n"
    + b"".join(b"%c: &%c [*%c,*%c,*%c]\n" % (i + 1, i + 1, i, i, i) for i in range(97, 120)),
    "brackets": b"a: " + b"[" * 200_000,
    "braces": b"{" * 200_000,
    "keys": b"a: {" * 50_000,
    "indented": b"".join(b" " * i + b"a:\n" for i in range(600)),
    "dashes": b"- " * 100_000,
    "large": b"name: a\n" * 1_300_000,
    "questions": b"? " * 100_000,
    "long line": b"a: " + b"b " * 120_000,
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_at_once(refused, content: bytes) -> None:
    before = time.process_time()
    refused(content)
    assert time.process_time() - before < 1.0


def test_a_file_beyond_use_is_not_parsed(refused) -> None:
    problem, _ = refused(VALID + "# nothing\n" * 1_000_000)
    assert problem == "c.yaml: larger than 256 KB, too large for a configuration"


def typos(word: str) -> Iterator[str]:
    """Every deletion, transposition, substitution and insertion of one character."""
    letters = string.ascii_lowercase + "_"
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        yield from (head + letter + tail for letter in letters)


KeyPath = tuple[str | int, ...]


def mappings(data: dict | list, path: KeyPath = ()) -> Iterator[tuple[KeyPath, dict]]:
    if isinstance(data, dict):
        yield path, data
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(value, (dict, list)):
            yield from mappings(value, (*path, key))


def test_the_whole_schema_is_tried() -> None:
    """The configuration that the typos are made of has every key."""
    own = "factors.momentum.preprocess"  # the same keys as those of the run's preprocess
    tried = set()
    for path, keys in mappings(EVERY_KEY):
        parts = ("<n>" if isinstance(part, int) else part for part in path)
        parent = ".".join(parts).replace(own, "preprocess")
        tried |= {f"{_one_form(parent)}.{key}".lstrip(".") for key in keys}
    for parent, key, _ in walk():
        where = parent.replace("short_available.<name>", "short_available.equity")
        where = where.replace("<name>", "momentum").replace(own, "preprocess")
        if key != "dates":
            assert f"{_one_form(where)}.{key}".lstrip(".") in tried
    BacktestConfig.model_validate(EVERY_KEY)


def _one_form(path: str) -> str:
    """Rates of carry have several forms, of which each key has one: all under one name."""
    path = re.sub(r"(borrow|funding)_annual\.\w+", "borrow_annual.one", path)
    return path.replace("short_rebate_annual", "cash_annual")


@pytest.mark.exhaustive
def test_nineteen_of_twenty_typos_get_the_right_suggestion() -> None:
    right = total = 0
    for path, keys in mappings(EVERY_KEY):
        if path == ("factors",):
            continue
        known = list(keys) if path[:1] == ("factors",) else list(fields_at(path)) or list(keys)
        for key in keys:
            for typo in sorted(set(typos(key)) - set(known) - {""}):
                total += 1
                right += nearest(typo, known) == key
    assert total > 20_000
    assert right / total >= 0.95


def test_typos_of_every_key_are_refused_with_the_key(tmp_path) -> None:
    """The whole way through the loader, for some typos of each key."""
    wrong = []
    path = tmp_path / "c.yaml"
    import json

    for where, keys in mappings(EVERY_KEY):
        # Keys that are names of factors and classes are judged elsewhere.
        by_class = ("short_available", "borrow_annual", "funding_annual")
        if where[:1] == ("factors",) or where[-1:] and where[-1] in by_class:
            continue
        for key in keys:
            typo = key[:-1] + "q"
            text = json.dumps(_renamed(EVERY_KEY, where, key, typo))
            path.write_text(text)
            with pytest.raises(ConfigError) as error:
                load_config(path)
            dotted = ".".join(map(str, (*where, typo)))
            if f"unknown key {dotted}" not in error.value.problem:
                wrong.append(str(error.value))
            elif error.value.remedy != f"did you mean {key}?":
                wrong.append(str(error.value))
    assert wrong == []


def _renamed(data: dict | list, where: KeyPath, key: str, typo: str) -> dict | list:
    if where and isinstance(data, list):
        at, inner = where[0], _renamed(data[where[0]], where[1:], key, typo)
        return [*data[:at], inner, *data[at + 1 :]]
    if where:
        return {**data, where[0]: _renamed(data[where[0]], where[1:], key, typo)}
    return {typo if name == key else name: value for name, value in data.items()}


def test_typos_of_a_factors_keys_are_refused_with_the_key() -> None:
    for key in ("lookback", "skip", "weight", "proxy", "preprocess"):
        for typo in sorted(set(typos(key)) - {key, "weight", "proxy", ""}):
            with pytest.raises(ConfigError) as error:
                check_parameters(get_factor("momentum"), {typo: 1})
            assert error.value.remedy == f"did you mean {key}?", typo


@pytest.mark.parametrize(
    "word, options, found",
    [
        ("Momentum", ["size", "momentum"], "momentum"),
        ("momentmu", ["size", "momentum"], "momentum"),
        ("vol", ["value", "volatility"], "volatility"),
        ("sizes_of_all", ["size"], "size"),
        ("zzz", ["size", "momentum"], None),
        ("en", ["end", "dir"], "end"),
        ("", ["end"], None),
        ("anything", [], None),
    ],
)
def test_the_nearest_word(word: str, options: list[str], found: str | None) -> None:
    assert nearest(word, options) == found


def test_the_remedy_lists_what_there_is_where_nothing_is_near() -> None:
    assert remedy_for("zzz", ["size", "value"]) == "known: size, value"
    assert remedy_for("zzz", []) == "none is allowed here; remove it"
    assert remedy_for("zzz", [f"k{n}" for n in range(20)]).endswith("k11, ...")


def test_depth_is_counted_in_levels() -> None:
    parse_yaml("[" * 19 + "]" * 19, "x")
    with pytest.raises(ConfigError, match="nested deeper than 20 levels"):
        parse_yaml("[" * 21 + "]" * 21, "x")


@pytest.mark.parametrize(
    "override",
    [
        "execution.lots.equty=1",
        "portfolio.max_class_weight={crpto: 0.1}",
        "portfolio.sleeves={equityy: 1}",
        "costs.commission={Crypto: {scheme: none}}",
        "costs.carry.borrow_annual.eqiuty=0.01",
    ],
)
def test_misspelt_asset_classes_are_refused(refused, override: str) -> None:
    problem, remedy = refused(VALID, override)
    assert "unknown asset class" in problem
    assert remedy in ("did you mean equity?", "did you mean crypto?")


def test_settings_of_a_class_that_the_data_set_lacks_are_refused(tmp_path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(VALID)
    config = load_config(path, ["execution.lots={bonds: 1}"])
    check_asset_classes(config, ["equity", "bonds"])
    with pytest.raises(ConfigError) as error:
        check_asset_classes(config, ["equity"])
    assert error.value.problem == "execution.lots.bonds: there is no asset class of this name"
    assert error.value.remedy == "known: crypto, equity"
    check_asset_classes(load_config(path), ["equity"])
