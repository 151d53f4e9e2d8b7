"""The command that a manifest names gives the run again, typed into a shell as it stands."""

from __future__ import annotations

import shlex
import subprocess

from runs.command import command_text


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
