"""The factor benchmark: its peers are second witnesses of every family, with holes and without."""

from __future__ import annotations

import json

import pytest

from benchmarks.factor_peers import PEERS, Frames
from benchmarks.factors import factor_panel, main, measure_factor


@pytest.mark.parametrize("holes", [False, True])
def test_every_family_gives_the_numbers_of_its_pandas_expression(holes: bool) -> None:
    panel = factor_panel(1400, 12, 3, holes)
    frames = Frames(panel)
    for name in PEERS:
        result = measure_factor(name, panel, frames, 1, 1e9)
        assert result.unlike == 0, name
        assert result.difference <= 1e-9, name


def test_the_command_prints_a_table_and_writes_its_lines(tmp_path, capsys) -> None:
    path = tmp_path / "lines.json"
    given = ["--panel", "300x6", "--factors", "momentum,size", "--repeats", "1"]
    main([*given, "--out", str(path)])
    assert "| 300x6 | momentum |" in capsys.readouterr().out
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["factor"] for line in lines] == ["momentum", "size"]
    assert all(line["difference"] <= 1e-9 and line["ratio"] > 0 for line in lines)
