"""The engine comparison: its panels, its tables, and that all engines come to one value."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import panels
from benchmarks.contest import measure, missing
from benchmarks.engines import ENGINES, main
from benchmarks.growth import extrapolate
from benchmarks.hot_spots import main as show_hot_spots
from benchmarks.memory import measure_memory, memory_table
from benchmarks.panels import make_case, make_panel, open_panel, save_panel, target_weights
from benchmarks.phases import PHASES, measure_phases
from benchmarks.report import Line, growth_table, ratio_table, speed_table
from feeds.errors import UserError
from strategies.factor_rebalance import FactorRebalance

BARS = ("open", "high", "low", "close", "volume", "split_factor", "dividend_factor", "tradable")


def line(engine, cpu, *, assets=100, sessions=50, fills=20):
    return Line(engine, engine, assets, sessions, "long_only", 3, fills, cpu, cpu, cpu, 1, 1e6, 0.0)


def cells(row):
    return [cell.strip() for cell in row.strip("|").split("|")]


def outcome(name, case):
    engine = ENGINES[name]
    if missing(engine):
        pytest.skip(f"{', '.join(missing(engine))} is in benchmarks/requirements.txt only")
    return engine.prepare(case)()


def by_hand(case):
    """Value at the last close, fill by fill: a ledger that shares no code with the engines."""
    cash, units = 1e6, dict.fromkeys(range(case.panel.shape[1]), 0.0)
    opens, closes = case.panel.open.tolist(), case.panel.close.tolist()
    for row, weights in zip(case.rows.tolist(), case.weights.tolist(), strict=True):
        value = cash + sum(held * closes[row][column] for column, held in units.items())
        for column, weight in enumerate(weights):
            change = weight * value / closes[row][column] - units[column]
            # 5 bps of slippage, then 5 bps of commission on what is paid.
            price = opens[row + 1][column] * (1.0005 if change > 0 else 0.9995)
            cash -= change * price + abs(change) * price * 0.0005
            units[column] += change
    return cash + sum(held * closes[-1][column] for column, held in units.items())


@pytest.fixture(scope="module", params=["long_only", "long_short"])
def case(request):
    return make_case(30, 150, request.param, seed=3)


def test_a_panel_is_the_same_whatever_the_size_of_a_block(monkeypatch):
    whole = make_panel(5, 30, seed=1)
    monkeypatch.setattr(panels, "_BLOCK", 7)
    blocks = make_panel(5, 30, seed=1)
    for field in BARS:
        np.testing.assert_array_equal(getattr(whole, field), getattr(blocks, field))


def test_a_saved_panel_is_the_one_in_memory(tmp_path):
    save_panel(tmp_path, 4, 20, seed=5)
    mapped, made = open_panel(tmp_path), make_panel(4, 20, seed=5)
    for field in ("dates", *BARS):
        np.testing.assert_array_equal(getattr(mapped, field), getattr(made, field))


def test_another_seed_is_another_panel():
    assert make_panel(2, 5, seed=1).close[0, 0] != make_panel(2, 5, seed=2).close[0, 0]


def test_walks_start_at_a_hundred_and_have_daily_volatility_of_one_and_a_half_percent():
    close = make_panel(200, 2000, seed=7).close
    changes = np.diff(np.log(close), axis=0)
    own = changes - changes.mean(axis=1, keepdims=True)
    assert np.log(close[0] / 100.0).std() < 0.05
    assert own.std() == pytest.approx(0.015, rel=0.02)


def test_long_only_weights_are_the_best_decile():
    weights = target_weights(np.array([f"S{n:02d}" for n in range(40)]), 6, "long_only", seed=0)
    # 40 assets: four of them, 0.95 / 4 each.
    assert (np.count_nonzero(weights, axis=1) == 4).all()
    assert set(weights[weights != 0].tolist()) == {0.2375}


def test_long_short_weights_are_neutral():
    weights = target_weights(np.array([f"S{n:02d}" for n in range(20)]), 6, "long_short", seed=0)
    # 20 assets: two a side, 0.5 / 2 each.
    assert sorted(set(weights.ravel().tolist())) == [-0.25, 0.0, 0.25]
    assert (weights.sum(axis=1) == 0).all()
    assert np.abs(weights).sum(axis=1).tolist() == [1.0] * 6


def test_every_decision_has_a_session_left_to_fill_in():
    # 2010-01-04 and 43 working days on: 2010-03-04, so that January and February decide.
    assert make_case(10, 44, "long_only", seed=0).rows.tolist() == [19, 39]
    # 40 sessions end with February, whose decision could not fill.
    assert make_case(10, 40, "long_only", seed=0).rows.tolist() == [19]


def test_our_lanes_and_vanilla_come_to_the_value_computed_by_hand(case):
    value = by_hand(case)
    fills = set()
    for name in ("factor", "listened", "general", "vanilla"):
        found = outcome(name, case)
        assert found.final_value == pytest.approx(value, rel=1e-9), name
        fills.add(found.fills)
    assert len(fills) == 1


@pytest.mark.parametrize("name", ["vectorbt_auto", "vectorbt_expert", "vectorbt_flexible", "numba"])
def test_peers_come_to_the_same_value(name, case):
    assert outcome(name, case).final_value == pytest.approx(by_hand(case), rel=1e-9)


def test_bt_comes_close(case):
    assert outcome("bt", case).final_value == pytest.approx(by_hand(case), rel=1e-3)


@pytest.mark.parametrize(
    "half, whole, expected",
    [
        # 22 s more for 100 assets more: 42 + 8 x 22 = 218; five times 42 is less.
        (20.0, 42.0, 210.0),
        # 20 s more: 42 + 8 x 20 = 202 is less than 210.
        (22.0, 42.0, 202.0),
    ],
)
def test_growth_is_extrapolated_to_the_lower_guess(half, whole, expected):
    measured = [line("vanilla", cpu, assets=n) for n, cpu in ((200, whole), (50, 9.0), (100, half))]
    far = extrapolate(measured, 1000)
    assert (far.assets, far.extrapolated) == (1000, True)
    assert far.cpu_seconds == pytest.approx(expected)
    assert "extrapolated" in speed_table([*measured, far])


def test_ratios_are_judged_against_their_limits():
    lines = [line("factor", 0.04), line("vectorbt_auto", 4.0), line("numba", 0.004)]
    text, held = ratio_table(lines, judged=True)
    # 4 / 0.04 = 100 >= 50; 0.04 / 0.004 = 10 <= 20, but not <= 3.
    assert held
    auto, loop = (cells(row) for row in text.splitlines()[2:])
    assert auto[1:] == ["100.0", "at least 20: holds", "at least 50: holds"]
    assert loop[1:] == ["10.0", "at most 20: holds", "at most 3: missed"]
    slow = [line("factor", 0.4), line("vectorbt_auto", 4.0)]
    assert not ratio_table(slow, judged=True)[1]
    assert ratio_table(slow, judged=False)[1]


def test_slow_engines_take_no_more_turns_than_they_have():
    case = make_case(10, 60, "long_only", seed=1)
    slow = replace(ENGINES["factor"], turns=1)
    first, second = measure([slow, ENGINES["factor"]], case, repeats=3)
    assert (len(first.seconds), len(second.seconds)) == (1, 3)


def test_growth_is_shown_a_fill_and_an_asset_bar():
    # 0.01 s / 20 fills = 500 us; 0.01 s / (100 x 50) = 2,000 ns.
    row = cells(growth_table([line("factor", 0.01)]).splitlines()[2])
    assert row[-2:] == ["500.00", "2000.00"]


def test_json_is_one_object_a_result(capsys):
    assert (
        main(["--assets", "10", "--sessions", "60", "--engines", "factor,general", "--json"]) == 0
    )
    found = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [one["engine"] for one in found] == ["factor", "general"]
    assert found[1]["difference"] == pytest.approx(0.0, abs=1e-12)


def test_the_page_says_what_each_engine_does_otherwise():
    page = Path(__file__).parents[1] / "docs" / "engine_speed.md"
    words = " ".join(page.read_text(encoding="utf-8").split())
    for engine in ENGINES.values():
        assert f"* **{engine.title}**: {engine.differs}." in words


def test_an_unknown_engine_is_named(capsys):
    assert main(["--engines", "factor,zipline"]) == 2
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "--engines zipline: unknown" and len(shown) == 2


def test_sizes_that_make_no_sense_are_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--assets", "3"])
    assert stopped.value.code == 2
    assert "--assets must be at least 10" in capsys.readouterr().err


def test_memory_is_measured_in_a_process_of_its_own():
    found = measure_memory(["factor"], 20, 100, "long_short", seed=1)
    # 20 x 100 x (7 x 8 + 2) bytes.
    assert found[0]["panel_mb"] == pytest.approx(116_000 / 2**20)
    assert found[0]["fills"] > 0
    assert found[0]["peak_anonymous_mb"] >= found[0]["opened_anonymous_mb"] > 0
    # All of a process's memory is more than the part of it that is anonymous.
    assert found[0]["peak_resident_mb"] > found[0]["peak_anonymous_mb"]
    assert "growth of anonymous in the run" in memory_table(found)


def test_a_panel_too_large_for_the_disk_is_refused_before_it_is_written():
    with pytest.raises(UserError, match="GB free, the panel takes"):
        measure_memory(["factor"], 10**6, 10**7, "long_only", seed=1)


def test_phases_of_the_factor_lane_are_all_met_and_leave_no_timer_behind():
    case = make_case(12, 70, "long_short", seed=1)
    before = ENGINES["factor"].prepare(case)()
    phases = measure_phases(case, repeats=1)
    # A phase whose function is no longer called would say that it takes no time.
    assert [name for name, seconds in phases.items() if seconds <= 0] == []
    assert len(phases) == len(PHASES) + 1
    assert FactorRebalance._basket.__code__.co_name == "_basket"
    assert ENGINES["factor"].prepare(case)() == before


@pytest.mark.exhaustive
def test_hot_spots_are_shares_of_a_whole(capsys):
    size = ["--assets", "12", "--sessions", "70", "--lane", "general", "--top", "1000"]
    assert show_hot_spots([*size, "--seconds", "0.3"]) == 0
    _, modules, functions = capsys.readouterr().out.split("\n\n")
    for table in (modules, functions):
        shares = [float(cells(row)[1].removesuffix(" %")) for row in table.splitlines()[2:]]
        # Rounded to a tenth each.
        assert sum(shares) == pytest.approx(100.0, abs=0.05 * len(shares))
    for row in functions.splitlines()[2:]:
        own, within = (float(cell.removesuffix(" %")) for cell in cells(row)[1:])
        assert own <= within <= 100.0
    assert "strategies/execution/cerebro.py: PanelCerebro._walk" in functions
