"""What commands share: mistakes in their arguments, and the text that gives a run again."""

from __future__ import annotations

import importlib
import shlex
import subprocess
from pathlib import Path

import pytest

from runs.command import command_text

ROOT = Path(__file__).parents[1]
#: Every module of runs that is a command.
COMMANDS = sorted(
    path.stem for path in (ROOT / "runs").glob("*.py") if "= CommandParser(" in path.read_text()
)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_misspelt_option_is_answered_with_the_one_that_is_meant(name, capsys):
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"runs.{name}").main(["--quiett"])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    if "arguments are required" not in told:
        assert told == (
            "error: --quiett is no argument of this command; did you mean --quiet?\n"
            f"  python -m runs.{name} --help tells them all\n"
        )
    assert "usage" not in told and len(told.splitlines()) == 2


def test_a_wrong_value_and_a_word_that_is_nothing_are_named(capsys):
    main = importlib.import_module("runs.costs").main
    for given, said in (
        (["--paths", "many"], "argument --paths: invalid int value: 'many'"),
        (["elsewhere"], "elsewhere is no argument of this command"),
        (["--oot=here"], "--oot=here is no argument of this command; did you mean --out?"),
    ):
        with pytest.raises(SystemExit):
            main(given)
        assert capsys.readouterr().err.splitlines()[0] == f"error: {said}"


def test_commands_are_found():
    assert len(COMMANDS) == 14


def test_a_shell_reads_the_very_arguments_that_were_given():
    overrides = ["costs.commission.equity={scheme: fixed, amount: 5}", "name=it's $HOME"]
    text = command_text("runs.backtest", "my configs/a.yaml", overrides, ["--no-tearsheet"])
    told = [part for override in overrides for part in ("--set", override)]
    expected = ["-m", "runs.backtest", "--config", "my configs/a.yaml", *told, "--no-tearsheet"]
    shown = text.replace("python", 'printf "%s\\n"', 1)
    answer = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == expected
    assert shlex.split(text)[0] == "python"


def test_plain_words_stay_as_they_are():
    assert (
        command_text("runs.paper", "configs/backtest.yaml", ["seed=3"])
        == "python -m runs.paper --config configs/backtest.yaml --set seed=3"
    )
