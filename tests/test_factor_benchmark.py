"""The factor benchmark: its peers are second witnesses of every family, with holes and without."""

from __future__ import annotations

import json

import pytest

from benchmarks.factor_peers import PEERS, Frames
from benchmarks.factors import Machine, Measured, factor_panel, main, measure_factor
from factors import known_factors

MACHINE = Machine(1e-10, {"divide": 1e-9, "log": 5e-9, "sqrt": 2e-9})


def test_every_registered_factor_has_its_peer() -> None:
    registered = {(entry.name, entry.proxy) for entry in known_factors()}
    assert {peer.factor for peer in PEERS.values()} == registered


def test_the_limit_is_what_memory_and_arithmetic_take() -> None:
    # 1000 scores out of two arrays: 3 x 8000 bytes at 0.1 ns, and 1000 x (1 + 5) ns.
    assert MACHINE.limit(1000, 2, ("divide", "log")) == pytest.approx(2.4e-6 + 6e-6)


@pytest.mark.parametrize(
    "ours, pandas, limit, difference, reached",
    [
        (1.0, 5.0, 0.1, 0.0, "5x"),
        (1.0, 2.0, 0.75, 0.0, "limit"),
        (1.0, 4.9, 0.74, 0.0, "missed"),
        (1.0, 9.0, 0.9, 1e-6, "differs"),
    ],
)
def test_what_a_family_has_reached(ours, pandas, limit, difference, reached) -> None:
    found = Measured("momentum", "1x1", ours, pandas, limit, difference, 0)
    assert found.reached == reached


@pytest.mark.exhaustive
@pytest.mark.parametrize("holes", [False, True])
def test_every_family_gives_the_numbers_of_its_pandas_expression(holes: bool) -> None:
    panel = factor_panel(1400, 12, 3, holes)
    frames = Frames(panel)
    for name in PEERS:
        result = measure_factor(name, panel, frames, 1, MACHINE)
        assert result.unlike == 0, name
        assert result.difference <= 1e-9, name


@pytest.mark.exhaustive
def test_the_command_prints_a_table_and_writes_its_lines(tmp_path, capsys) -> None:
    path = tmp_path / "lines.json"
    given = ["--panel", "300x6", "--factors", "momentum,size", "--repeats", "1", "--no-compiler"]
    assert main([*given, "--out", str(path)]) == 0
    assert "| 300x6 | momentum |" in capsys.readouterr().out
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["factor"] for line in lines] == ["momentum", "size"]
    assert all(line["difference"] <= 1e-9 and line["ratio"] > 0 for line in lines)
