"""Configuration in: YAML as its authors mean it, overrides, and the way back to text."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.load import dump_config, load_config, to_plain
from configs.overrides import apply_overrides
from configs.reference import configuration_page
from configs.schema import BacktestConfig
from configs.yaml_reader import parse_yaml, resolve_scalar
from factors import check_parameters, get_factor
from feeds.errors import ConfigError

DOCS = Path(__file__).parent.parent / "docs"

MINIMAL = """
name: small
data: {dir: data/set, start: 2010-01-01, end: 2016-12-30}
factors: {momentum: {}}
portfolio: {select: {top: 5}}
"""
FULL = """
name: value-size-momentum
seed: 11
data:
  dir: data/sp500_crypto
  start: 2010-01-01
  end: 2016-12-30
  calendar: 24/7
  universe: [ON, NO, TRUE, NA, Y, NULL, CON, 0700, BRK.B, "123", 1INCH]
  investable: {min_price: 5, min_age: 252}
benchmark: NA
factors:
  value: {weight: 1, proxy: long_run_return}
  momentum: {weight: -0.5, lookback: 252, skip: 21, windows: [1, 2.5, a]}
preprocess: {winsorize: 1e-3, scale: zscore, neutralize: null, min_factors: 2}
portfolio:
  side: long_short
  select: {quantile: .2}
  gross: 1
  net: 0
  max_class_weight: {crypto: 0.2}
  sleeves: {equity: 0.9, crypto: 0.1}
  trend: {lookback: 21, skip: 0}
  rebalance: {dates: [2011-01-31, "2011-02-28"]}
execution: {starting_cash: 1_000_000, lots: {equity: 1, crypto: 1e-8}}
costs:
  commission: {equity: {scheme: per_share, per_share: 0.005}, crypto: {scheme: percent, bps: 20}}
  carry: {borrow_annual: {equity: 0.005}, funding_annual: {crypto: -0.01}}
plugins: [my_factors]
"""
repeatable = settings(derandomize=True, max_examples=30, deadline=None)


@pytest.fixture
def load(tmp_path):
    """Write a configuration and load it."""

    def write_and_load(text: str, *overrides: str) -> BacktestConfig:
        path = tmp_path / "c.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, overrides)

    return write_and_load


def test_a_small_file_gets_the_defaults(load) -> None:
    config = load(MINIMAL)
    assert config.seed == 7 and config.benchmark == "equal_weight"
    assert config.data.start == dt.date(2010, 1, 1)
    assert config.factors["momentum"].weight == 1.0
    assert config.portfolio.select.top == 5 and config.portfolio.rebalance == "monthly"
    assert config.execution.lots == {"equity": 1.0, "crypto": 1e-8}
    assert config.plugins == ()


def test_values_mean_what_their_author_wrote(load) -> None:
    config = load(FULL)
    symbols = "ON NO TRUE NA Y NULL CON 0700 BRK.B 123 1INCH".split()
    assert list(config.data.universe) == symbols
    assert config.benchmark == "NA" and config.data.calendar == "24/7"
    assert config.preprocess.winsorize == 0.001
    assert config.preprocess.neutralize is None
    assert config.portfolio.select.quantile == 0.2
    assert config.portfolio.gross == 1.0 and isinstance(config.portfolio.gross, float)
    assert config.portfolio.rebalance.dates == (dt.date(2011, 1, 31), dt.date(2011, 2, 28))
    assert config.execution.starting_cash == 1e6
    assert config.execution.lots["crypto"] == 1e-8
    assert config.factors["momentum"].parameters == {
        "lookback": 252,
        "skip": 21,
        "windows": [1, 2.5, "a"],
    }
    assert list(config.factors) == ["value", "momentum"]


@pytest.mark.parametrize(
    "text, value",
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("True", "True"),
        ("yes", "yes"),
        ("off", "off"),
        ("NULL", "NULL"),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("1_000", 1000),
        ("1_0", "1_0"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1:30", "1:30"),
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5E+2", -150.0),
        ("00.5", 0.5),
        ("1e", "1e"),
        ("2010-01-31", dt.date(2010, 1, 31)),
        ("2010-1-31", "2010-1-31"),
        ("2010-01-31 10:00:00", "2010-01-31 10:00:00"),
    ],
)
def test_unquoted_scalars(text: str, value: object) -> None:
    found = resolve_scalar(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("text", ["2010-02-30", "1e999", ".inf", "-.INF", ".NaN", "9" * 5000])
def test_scalars_that_are_no_value(text: str) -> None:
    with pytest.raises(ValueError):
        resolve_scalar(text)


def test_quoted_scalars_and_keys_are_text() -> None:
    document = parse_yaml("'1': \"true\"\n2: '2010-01-01'\nON: |\n  a\n  b\n", "x")
    assert document.data == {"1": "true", "2": "2010-01-01", "ON": "a\nb\n"}
    assert document.lines[("ON",)] == 3


def test_overrides_follow_the_same_rules(load) -> None:
    config = load(
        MINIMAL,
        "portfolio.gross=2",
        "data.start=2012-01-01",
        "data.universe=[ON, 'AAPL', NO]",
        "execution.lots.crypto=1e-6",
        "data.investable.min_price=5",
        "factors.momentum.lookback=126",
        "factors.size={weight: 2, proxy: dollar_volume}",
        "name=a = b: c # d",
        "preprocess.neutralize=null",
        "portfolio.gross=1.5",
    )
    assert config.portfolio.gross == 1.5
    assert config.data.start == dt.date(2012, 1, 1)
    assert config.data.universe == ("ON", "AAPL", "NO")
    assert config.execution.lots["crypto"] == 1e-6
    assert config.data.investable.min_price == 5.0
    assert config.factors["momentum"].parameters == {"lookback": 126}
    assert config.factors["size"].proxy == "dollar_volume"
    assert config.name == "a = b: c # d"
    assert config.preprocess.neutralize is None


def test_overrides_leave_what_they_are_given() -> None:
    data = {"data": {"start": 1}}
    changed, _ = apply_overrides(data, ["data.start=2", "data.end=3"])
    assert data == {"data": {"start": 1}}
    assert changed == {"data": {"start": 2, "end": 3}}


def test_of_two_overrides_of_one_key_the_last_is_named() -> None:
    _, places = apply_overrides({}, ["data.end=1", "data.start=2", "data.end=3"])
    assert list(places.values()) == ["--set data.start=2", "--set data.end=3"]


@pytest.mark.parametrize("text", [MINIMAL, FULL], ids=["minimal", "full"])
def test_a_configuration_survives_the_way_to_text_and_back(load, text: str) -> None:
    config = load(text)
    written = dump_config(config)
    assert load(written) == config
    assert dump_config(load(written)) == written
    plain = json.loads(json.dumps(to_plain(config)))
    assert BacktestConfig.model_validate(plain) == config


AMBIGUOUS = "ON no 1e-3 2010-01-01 2010-02-30 007 null ~ 1_000 .inf 0x1F 1:30 -".split()


@pytest.mark.parametrize("text", [*AMBIGUOUS, "- a", "a: b", "a #x", "#x", "'", "é", "[a", "&a"])
def test_text_that_looks_like_something_else_stays_text(load, text: str) -> None:
    plain = to_plain(load(MINIMAL)) | {"plugins": [text]}
    plain["data"]["dir"] = text
    config = BacktestConfig.model_validate(plain)
    assert load(dump_config(config)) == config
    assert config.plugins == (text,)


@repeatable
@given(
    st.text(min_size=1, max_size=12),
    st.floats(min_value=1e-300, max_value=1e300),
    st.floats(0.0, 0.49),
)
def test_any_valid_value_survives(name: str, cash: float, share: float) -> None:
    plain = {
        "name": name,
        "data": {"dir": name, "start": "2010-01-01", "end": "2011-01-01"},
        "factors": {"momentum": {"note": name}},
        "portfolio": {"select": {"top": 1}},
        "execution": {"starting_cash": cash},
        "preprocess": {"winsorize": share},
    }
    try:
        config = BacktestConfig.model_validate(plain)
    except ValidationError:
        return  # not a name
    written = parse_yaml(dump_config(config), "dump").data
    assert BacktestConfig.model_validate(written) == config


def test_an_ordinary_yaml_reader_agrees_on_what_was_written(load) -> None:
    import yaml

    config = load(FULL)
    assert yaml.safe_load(dump_config(config)) == parse_yaml(dump_config(config), "x").data


def test_the_text_does_not_depend_on_the_hash_seed(tmp_path) -> None:
    (tmp_path / "c.yaml").write_text(FULL)
    code = (
        "import sys; from configs.load import *; "
        "sys.stdout.write(dump_config(load_config(sys.argv[1])))"
    )
    written = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "c.yaml")],
            cwd=Path(__file__).parent.parent,
            env={"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(written) == 1


def test_further_checks_see_the_configuration_and_name_the_file(tmp_path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(MINIMAL)
    seen = []
    load_config(path, checks=[seen.append])
    assert seen[0].name == "small"

    def refuse(config: BacktestConfig) -> None:
        raise ConfigError("costs.commission.equity: no scheme of this name", "did you mean x?")

    with pytest.raises(ConfigError) as error:
        load_config(path, checks=[refuse])
    assert error.value.problem.endswith("c.yaml: costs.commission.equity: no scheme of this name")
    assert error.value.remedy == "did you mean x?"


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert load_config(str(path)).name == "small"


def test_the_documentation_is_made_from_the_schema_of_today() -> None:
    page = DOCS / "configuration.md"
    remedy = "run python -m configs.reference docs/configuration.md"
    assert page.read_text(encoding="utf-8") == configuration_page(), remedy


def test_the_smallest_configuration_of_the_documentation_works(load) -> None:
    example = configuration_page().split("```yaml\n")[1].split("```")[0]
    config = load(example, "portfolio.gross=1.5", "data.universe=[AAPL, ON, BTC]")
    assert config.name == "large and rising"


#: The rules of cleaning are no configuration of a run.
CONFIGURATIONS = sorted(
    set(DOCS.parent.glob("configs/*.yaml")) - {DOCS.parent / "configs/cleaning.yaml"}
)


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda p: p.stem)
def test_the_configurations_that_come_with_the_project_are_valid(load, path: Path) -> None:
    config = load_config(path)
    for name, entry in config.factors.items():
        check_parameters(get_factor(name, entry.proxy), entry.parameters)
    assert load(dump_config(config)) == config
