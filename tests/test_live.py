"""Live sessions against an exchange on this machine: neutral, interrupted, faulty, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from feeds.errors import ConfigError, OutputError
from feeds.store import read_native
from strategies.execution.ledger import writing_ledger
from tests.exchange_server import Fault
from tests.live_case import READY, events, head, market, neutrality, poll_hours

pytestmark = pytest.mark.xdist_group("live sessions")
ROOT = Path(__file__).parents[1]
FIRST, LAST = READY + 1, READY + 14
#: The bar of hour h is closed when the clock shows h + 1.
EVERY = list(range(FIRST, LAST + 1))
KLINES = "/api/v3/klines"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Head and events of a session without faults, hour by hour."""
    with pytest.MonkeyPatch.context() as patch:
        with market(tmp_path_factory.mktemp("plain"), patch) as place:
            poll_hours(place, EVERY)
            return head(place), events(place), place.folder


@pytest.mark.slow
def test_the_book_is_within_its_bands_at_each_bar(undisturbed):
    _, found, folder = undisturbed
    notes = neutrality(found)
    assert len(notes) == len(EVERY) + 1
    assert all(abs(note["dollar"]) <= 0.02 and abs(note["beta"]) <= 0.03 for note in notes)
    assert all(note["within"] for note in notes)
    # The schedule decides every twelve hours; drift past the midpoint, 0.017 of beta, does too.
    forced = [note for note in notes if note["forced"]]
    assert forced and all(
        abs(note["beta"]) > 0.017 or abs(note["dollar"]) > 0.011 for note in forced
    )
    decided = [event.bar for event in found if event.kind == "decision"]
    assert len(decided) == len(set(decided)) > len(forced)
    assert any(event.kind == "fill" for event in found)
    status = json.loads((folder / "signals" / "status.json").read_text())
    assert status["state"] == "stopped" and status["last_bar"] == found[-1].bar
    assert status["neutrality"]["within"] and status["faults"]["total"] == 0


@pytest.mark.slow
def test_the_neutrality_that_is_noted_follows_from_fills_and_closes(undisturbed):
    """Net weight from the ledger's own shares and the recorded closes, by hand."""
    _, found, folder = undisturbed
    closes = read_native(folder / "hours")
    held, cash, checked = {}, 100_000.0, 0
    price = {}
    frames = {
        (str(closes.symbols[code]), str(stamp)): value
        for code, stamp, value in zip(
            closes.code.tolist(), closes.time.astype("M8[h]"), closes.columns["close"], strict=True
        )
    }
    for event in found:
        if event.kind == "fill":
            held[event.symbol] = held.get(event.symbol, 0.0) + event.payload["shares"]
            cash -= event.payload["shares"] * event.payload["price"] + event.payload["commission"]
        if event.kind == "note" and event.payload["note"] == "neutrality" and held:
            stamp = event.bar.removesuffix(":00Z")
            price = {name: frames[name, stamp] for name in held}
            worth = sum(held[name] * price[name] for name in held)
            assert event.payload["dollar"] == pytest.approx(worth / (cash + worth), abs=1e-9)
            checked += 1
    assert checked >= 10


@pytest.mark.slow
def test_stop_and_restart_equal_one_session(undisturbed, tmp_path, monkeypatch):
    with market(tmp_path, monkeypatch) as place:
        poll_hours(place, EVERY[:5])
        poll_hours(place, EVERY[5:6])
        poll_hours(place, EVERY[6:])
        assert head(place) == undisturbed[0]


@pytest.mark.slow
def test_faults_that_pass_within_the_hour_leave_no_trace_in_the_ledger(
    undisturbed, tmp_path, monkeypatch
):
    """Each fault outlasts the attempts of one poll; the next poll of the same hour succeeds."""
    kinds = {
        FIRST + 1: "status 429 0",
        FIRST + 2: "slow",
        FIRST + 4: "reset",
        FIRST + 5: "html",
        FIRST + 6: "truncated",
        FIRST + 7: "empty",
    }
    seen, told = set(), []
    with market(tmp_path, monkeypatch) as place:

        def break_first(hour: int) -> None:
            place.exchange.faults.clear()
            if hour in kinds and hour not in seen:
                seen.add(hour)
                # The first coins are served; the rest fail.
                place.exchange.faults.append(Fault(kinds[hour], KLINES, skip=4))

        hours = sorted([*EVERY, *kinds])
        poll_hours(place, hours, break_first, told)
        assert head(place) == undisturbed[0]
    faulty = [one for one in told if one["state"] == "fault"]
    assert len(faulty) == len(kinds) and told[-1]["faults"]["total"] == len(kinds)
    assert all(one["behind"] for one in faulty) and told[-1]["behind"] == []


@pytest.mark.slow
def test_a_clock_that_jumps_neither_skips_nor_trades_a_bar_twice(
    undisturbed, tmp_path, monkeypatch
):
    wrong = {FIRST + 1: 1, FIRST + 3: -5, FIRST + 5: 1000, FIRST + 7: -1000, FIRST + 9: 2}
    seen = set()
    with market(tmp_path, monkeypatch) as place:

        def jump(hour: int) -> None:
            place.wrong = wrong[hour] if hour in wrong and hour not in seen else 0
            seen.add(hour)

        poll_hours(place, sorted([*EVERY, *wrong]), jump)
        assert head(place) == undisturbed[0]


def test_a_candle_in_the_making_is_not_read_by_a_clock_that_is_ahead(tmp_path, monkeypatch):
    with market(tmp_path, monkeypatch) as place:
        before = read_native(tmp_path / "hours")
        place.wrong = 1
        place.write_set()
        after = read_native(tmp_path / "hours")
    # 120 candles are closed; the one of hour 120 is open, with a high of three times its open.
    assert len(before.time) == len(after.time) == 8 * READY
    assert after.columns["close"].max() < 500


@pytest.mark.slow
def test_a_gap_is_waited_for_and_then_gone_past(tmp_path, monkeypatch):
    missing = (READY + 2, READY + 3)
    with market(tmp_path, monkeypatch, missing={"BBB": missing}) as place:
        told = []
        poll_hours(place, EVERY[:8], told=told)
        found = events(place)
    bars = list(dict.fromkeys(event.bar for event in found))
    assert len(bars) == 9 and bars == sorted(bars)
    # The basket of 01:00 is void, since BBB has no bar at 02:00; others are traded in its place.
    assert all(abs(note["dollar"]) <= 0.02 for note in neutrality(found))
    assert all(abs(note["beta"]) <= 0.03 and note["within"] for note in neutrality(found))
    traded = {(event.bar, event.symbol) for event in found if event.kind == "fill"}
    assert any(bar == "2026-01-06T02:00Z" for bar, _ in traded)
    assert not any((f"2026-01-06T0{hour}:00Z", "BBB") in traded for hour in (2, 3))
    # Candle 122 is missing: with 123 clocks on the exchange it is waited for, and then not.
    assert [one["behind"] for one in told[2:4]] == [["BBB"], ["BBB"]]
    assert told[1]["last_bar"] == told[2]["last_bar"] and told[4]["behind"] == []


@pytest.mark.slow
def test_bars_that_were_missed_are_caught_up_once(undisturbed, tmp_path, monkeypatch):
    """The same bars, fills and closes; decisions that came late say so."""
    with market(tmp_path, monkeypatch) as place:
        poll_hours(place, [FIRST, FIRST, LAST])
        found = events(place)
    kinds = ("fill", "order", "carry")
    both = [[e for e in some if e.kind in kinds] for some in (found, undisturbed[1])]
    assert both[0] == both[1] and both[0]
    assert neutrality(found) == neutrality(undisturbed[1])
    decided = [
        [e.payload | {"late": None} for e in some if e.kind == "decision"]
        for some in (found, undisturbed[1])
    ]
    assert decided[0] == decided[1]
    late = [event.payload["late"] for event in found if event.kind == "decision"]
    assert any(late)


def test_a_session_stops_at_a_signal_and_refuses_a_second(tmp_path, monkeypatch):
    with market(tmp_path, monkeypatch):
        pass
    command = [sys.executable, "-m", "runs.signals", "--live", "--offline", "--quiet"]
    command += ["--config", str(tmp_path / "live.yaml"), "--ledger", str(tmp_path / "paper.db")]
    command += ["--out", str(tmp_path / "signals")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as session:
        status = tmp_path / "signals" / "status.json"
        for _ in range(300):
            if status.is_file() and json.loads(status.read_text())["state"] == "waiting":
                break
            time.sleep(0.1)
        with pytest.raises(OutputError, match="another run is at work on it"):
            with writing_ledger(tmp_path / "paper.db"):
                pass
        session.send_signal(signal.SIGTERM)
        assert session.wait(30) == 0 and session.stderr.read() == ""
    told = json.loads(status.read_text())
    assert told["state"] == "stopped" and told["next_poll"] is None
    assert told["last_bar"] == "2026-01-05T23:00Z"
    assert not list(tmp_path.glob("*.lock")) and not (tmp_path / ".signals.status").exists()
    assert os.path.getsize(tmp_path / "paper.db") > 0


def test_a_configuration_without_live_and_another_interval_are_refused(tmp_path, monkeypatch):
    with market(tmp_path, monkeypatch) as place:
        text = (tmp_path / "live.yaml").read_text()
        (tmp_path / "live.yaml").write_text(text[: text.index("live: {")])
        with pytest.raises(ConfigError, match="no block live"):
            poll_hours(place, EVERY[:1])
