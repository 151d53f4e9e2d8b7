"""The rules of cleaning: defaults, file, errors."""

from __future__ import annotations

import pytest

from feeds.cleaning import FAULTS, CleaningRules, load_rules
from feeds.errors import ConfigError


def _written(tmp_path, text: str):
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_of_defaults_holds_the_defaults():
    given, built_in = load_rules("configs/cleaning.yaml"), CleaningRules()
    assert given.classes == built_in.classes
    assert list(given.actions) == sorted(fault.name for fault in FAULTS)
    for name in given.classes:
        for fault in FAULTS:
            assert given.action(fault.name, name) == built_in.action(fault.name, name)


def test_every_fault_has_a_default_and_a_line_of_what_it_is():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 35
    for fault in FAULTS:
        assert fault.about and fault.default == fault.actions[0]


def test_a_file_needs_to_hold_only_what_differs(tmp_path):
    path = _written(tmp_path, "actions: {gap: off}\nclasses: {crypto: {max_gap: 9}}\n")
    rules = load_rules(path)
    assert rules.action("gap", "equity") == "off"
    assert rules.of("crypto").max_gap == 9
    assert rules.of("crypto").spike_up == 10.0
    assert rules.action("level_change", "crypto") == "flag"
    assert rules.of("equity") == CleaningRules().of("equity")


def test_an_empty_file_is_the_defaults(tmp_path):
    assert load_rules(_written(tmp_path, "")) == CleaningRules()


def test_the_actions_of_a_class_go_before_the_general_ones(tmp_path):
    text = "actions: {gap: refuse}\nclasses: {crypto: {actions: {gap: flag}}}\n"
    rules = load_rules(_written(tmp_path, text))
    assert (rules.action("gap", "equity"), rules.action("gap", "crypto")) == ("refuse", "flag")


def test_symbols_and_actions_stay_text(tmp_path):
    text = "actions: {gap: off}\naccept: {ON: [2020-01-02], TRUE: ['2020-01-03']}\n"
    rules = load_rules(_written(tmp_path, text))
    assert dict(rules.accept) == {"ON": ("2020-01-02",), "TRUE": ("2020-01-03",)}


def test_a_class_that_has_no_rules_has_those_of_equities():
    assert CleaningRules().of("bond") == CleaningRules().of("equity")


def test_the_rules_cannot_be_changed():
    rules = CleaningRules()
    with pytest.raises(Exception, match="frozen"):
        rules.actions = {}
    with pytest.raises(TypeError):
        rules.actions["gap"] = "off"


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("actions: {spik: off}", "unknown fault 'spik'", "did you mean spike?"),
        ("actions: {spike: dropp}", "spike cannot be 'dropp'", "did you mean drop?"),
        ("actions: {conflict: flag}", "conflict cannot be 'flag'", "known: refuse"),
        ("classes: {cryto: {}}", "unknown asset class 'cryto'", "did you mean crypto?"),
        ("classes: {crypto: {spike_pu: 9}}", "classes.crypto.spike_pu: unknown key", "spike_up?"),
        ("action: {}", "action: unknown key", "did you mean actions?"),
        ("classes: {equity: {max_gap: two}}", "classes.equity.max_gap", "not two"),
        ("classes: {equity: {max_gap: 1.5}}", "classes.equity.max_gap", "not 1.5"),
        ("classes: {equity: {connect: 1}}", "classes.equity.connect", "greater than 1"),
        ("classes: {equity: {max_loss: .inf}}", "classes.equity.max_loss", "finite"),
        ("classes: {equity: 3}", "classes.equity", "3"),
        ("classes: {crypto: {actions: {gap: drop}}}", "classes.crypto.actions", "known: flag"),
        ("accept: {LUNA: [yesterday]}", "accept", "yesterday"),
        ("accept: {LUNA: 3}", "accept.LUNA", "3"),
        ("- 1", "top level", ""),
        ("a: [", "line 1: not valid YAML", ""),
        ("actions: {gap: off, gap: flag}", "line 1: not valid YAML: gap is given twice", ""),
        ("actions: &a {}\nclasses: *a", "aliases are not allowed", ""),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy(tmp_path, text, problem, remedy):
    path = _written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_rules(path)
    told = str(caught.value)
    assert problem in told and remedy in told and str(path) in told
    assert len(told.splitlines()) <= 3 and "Traceback" not in told


def test_files_that_are_none(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_rules(path)
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfea")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_rules(tmp_path / "bad.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * 300_000)
    with pytest.raises(ConfigError, match="too large"):
        load_rules(tmp_path / "large.yaml")
    (tmp_path / "deep.yaml").write_text("a: " + "[" * 5000)
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_rules(tmp_path / "deep.yaml")
