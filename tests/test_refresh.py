"""A data set that is brought up to date is made by the same rules as before, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from feeds.cleaning import CleaningRules, changed_rules, load_rules
from feeds.errors import ConfigError
from feeds.store import read_manifest
from runs import refresh
from runs.ingest import main as ingest
from runs.refresh import refresh_dataset
from tests.paper_case import DAYS

#: The tenth day of B: six times the close before, and back again.
LEAP = 10


def write_raw(folder: Path, count: int) -> None:
    """Files by symbol with so many days."""
    (folder / "raw").mkdir(exist_ok=True)
    for name in ("A", "B"):
        lines = ["date,open,high,low,close,volume"]
        for at, day in enumerate(DAYS[:count]):
            close = (50 + at * at % 11 * 0.37) * (6.0 if (name, at) == ("B", LEAP) else 1.0)
            lines.append(f"{day},{close:.2f},{close:.2f},{close:.2f},{close:.2f},1000")
        (folder / "raw" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    rows = "".join(f"{name},equity,files,raw/{name}.csv,USD\n" for name in ("A", "B"))
    head = "symbol,asset_class,source,source_symbol,currency\n"
    (folder / "symbols.csv").write_text(head + rows)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Make the set ``set`` of 30 days with further arguments; then the files have 31."""
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text("actions: {spike: off}\naccept: {ON: [2021-01-05]}\n")

    def make(*arguments: str) -> Path:
        write_raw(tmp_path, 30)
        given = ["--symbols-file", "symbols.csv", "--out", "set", "--quiet", *arguments]
        assert ingest(given) == 0
        write_raw(tmp_path, 31)
        return Path("set")

    return make


def days_of(folder: Path, symbol: str) -> list[str]:
    (path,) = folder.glob("prices_equities.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    return [row[0] for row in rows if row[1] == symbol]


@pytest.mark.parametrize("arguments, kept", [((), False), (("--cleaning", "rules.yaml"), True)])
def test_a_refresh_cleans_by_the_rules_that_made_the_set(made, arguments, kept):
    """By the defaults a close of six times the one before is a spike and dropped."""
    folder = made(*arguments)
    assert (str(DAYS[LEAP]) in days_of(folder, "B")) is kept
    assert refresh_dataset(folder, None, None)
    assert days_of(folder, "B")[-1] == str(DAYS[30])
    assert (str(DAYS[LEAP]) in days_of(folder, "B")) is kept
    rules = {"actions": {"spike": "off"}, "accept": {"ON": ["2021-01-05"]}}
    assert read_manifest(folder).get("cleaning") == (rules if kept else None)


def test_a_set_of_default_rules_says_nothing_of_them(made):
    Path("defaults.yaml").write_text("actions: {gap: flag}\nclasses: {crypto: {spike_up: 10}}\n")
    folder = made("--cleaning", "defaults.yaml")
    assert not {"cleaning", "made_with"} & set(read_manifest(folder))


def test_format_and_options_of_files_are_given_again(made):
    folder = made("--format", "parquet", "--option", "decimal=.", "--option", "price_kind=traded")
    assert (folder / "prices_equities.parquet").is_file()
    told = {"format": "parquet", "option": ["decimal=.", "price_kind=traded"]}
    assert read_manifest(folder)["made_with"] == told
    assert refresh_dataset(folder, None, None)
    assert (folder / "prices_equities.parquet").is_file()
    manifest = read_manifest(folder)
    assert (manifest["made_with"], manifest["end"]) == (told, str(DAYS[30]))


@pytest.mark.parametrize("option", ["--delistings", "--reference", "--plugin"])
def test_what_is_not_remembered_is_refused_by_name(made, option):
    Path("ended.csv").write_text("symbol,date,event\nZZ,2020-01-02,bankruptcy\n")
    Path("own.py").write_text("")
    given = {"--delistings": "ended.csv", "--reference": "A=raw/A.csv", "--plugin": "own.py"}
    folder = made(option, given[option])
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError) as error:
        refresh_dataset(folder, None, None)
    assert f"it was made with {option}, which it does not remember" in error.value.problem
    assert "--ingest" in error.value.remedy
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_arguments_given_in_place_of_remembered_ones_count(made, monkeypatch):
    told: list[str] = []
    # A command sets up logging anew, and what listens to it goes.
    monkeypatch.setattr(refresh._LOG, "warning", lambda text, *given: told.append(text % given))
    folder = made("--cleaning", "rules.yaml")
    assert refresh_dataset(folder, "--symbols-file symbols.csv --cleaning rules.yaml", None)
    assert not told and str(DAYS[LEAP]) in days_of(folder, "B")
    assert refresh_dataset(folder, "--symbols-file symbols.csv", None)
    assert "made with cleaning rules of its own, and --ingest names none" in told[0]
    assert str(DAYS[LEAP]) not in days_of(folder, "B")


def test_text_that_is_no_command_line_is_answered(made):
    with pytest.raises(ConfigError, match="cannot be read: no closing quotation"):
        refresh_dataset(made(), "--symbols-file 'symbols.csv", None)


def test_rules_that_differ_make_the_same_rules_again(tmp_path):
    """Thresholds, actions of a class over general ones, and words that YAML reads as truth."""
    text = """
actions: {gap: refuse, missing_day: flag}
classes:
  crypto: {max_missing: 0.00001, spike_up: 12.5, actions: {gap: flag, level_change: flag}}
  index: {actions: {carried: drop}}
accept: {ON: [2020-01-02], TRUE: ['2020-01-03', 2020-02-03]}
"""
    (tmp_path / "a.yaml").write_text(text)
    rules = load_rules(tmp_path / "a.yaml")
    plain = changed_rules(rules)
    assert json.loads(json.dumps(plain)) == plain
    assert plain["classes"]["crypto"]["actions"] == {"gap": "flag"}
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(plain))
    again = load_rules(tmp_path / "b.yaml")
    assert (again.classes, again.accept) == (rules.classes, rules.accept)
    for name in rules.classes:
        for fault in ("gap", "missing_day", "level_change", "carried"):
            assert again.action(fault, name) == rules.action(fault, name)
    assert (
        changed_rules(CleaningRules()) == changed_rules(load_rules("configs/cleaning.yaml")) == {}
    )
