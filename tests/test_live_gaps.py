"""Live sessions through gaps: within the bands at each bar, told in the ledger, and resumable."""

from __future__ import annotations

import numpy as np
import pytest

from feeds.store import read_native
from strategies.execution.replay import replay
from tests.live_case import COINS, READY, events, market, neutrality, poll_hours

#: Betas of more bars, and bands of more than twice what the book moves in an hour.
CALM = {"lookback: 72": "lookback: 110", "beta: 0.03}": "beta: 0.06}"}
LAST = READY + 61


def hours(first: int, stop: int) -> set[int]:
    return set(range(READY + first, READY + stop))


#: Candle READY + 12 is that of a decision of the schedule, which the next one fills.
ONE_AFTER_THE_OTHER = {
    "AAA": hours(50, 51),
    "BBB": hours(2, 4) | hours(12, 14) | hours(31, 33) | hours(40, 60),
    "CCC": hours(20, 25) | hours(31, 33),
    "DDD": hours(31, 33),
    "EEE": hours(13, 14) | hours(21, 23) | hours(31, 33) | hours(48, 50),
    "FFF": hours(1, 2) | hours(31, 33),
    "GGG": hours(22, 24) | hours(36, 38),
    "HHH": hours(31, 32),
}
_SAME = ("order", "fill", "carry", "note")
DECISION = {"BBB": hours(12, 14), "EEE": hours(13, 14)}


def often_missing(share: float) -> dict[str, set[int]]:
    rng = np.random.default_rng(5)
    drawn = {name: np.flatnonzero(rng.random(60) < share) for name in COINS}
    return {name: set((READY + 1 + found).tolist()) for name, found in drawn.items()}


def booked(folder, monkeypatch, missing, seed=11):
    with market(folder, monkeypatch, changes=CALM, missing=missing, seed=seed) as place:
        poll_hours(place, [READY + 1, LAST])
        return events(place)


def noted(found, kind: str) -> list:
    return [event for event in found if event.kind == "note" and event.payload["note"] == kind]


def check_within(found) -> None:
    notes = neutrality(found)
    assert len(notes) > 55
    assert all(abs(note["dollar"]) <= 0.02 and abs(note["beta"]) <= 0.06 for note in notes)
    assert all(note["within"] for note in notes)


def check_told(found) -> None:
    """Each hedge: who had no bar, neutral as it says, and filled as it says."""
    traded = {(event.bar, event.symbol) for event in found if event.kind == "fill"}
    for event in noted(found, "hedged"):
        told = event.payload
        assert told["missing"] or told["closed"] or told["rebalance"] is None
        assert not any((event.bar, name) in traded for name in told["missing"])
        assert sum(told["weights"].values()) == pytest.approx(told["after"]["dollar"], abs=1e-12)
        if told["neutral"]:
            assert abs(told["after"]["dollar"]) <= 0.002 + 1e-7
            assert abs(told["after"]["beta"]) <= 0.004 + 1e-7
        filled = {
            one.symbol: one.payload["shares"]
            for one in found
            if one.kind == "fill" and one.bar == event.bar and one.payload["reason"] == "rebalance"
        }
        assert filled == pytest.approx(told["instead"], rel=1e-9)


def check_exposures(folder, found) -> None:
    """Net and gross before a hedge, from the ledger's own shares and the recorded closes."""
    stored = read_native(folder / "hours")
    stamps = stored.time.astype("M8[h]")
    closes = {
        (str(stored.symbols[code]), stamp): value
        for code, stamp, value in zip(
            stored.code.tolist(), stamps.tolist(), stored.columns["close"].tolist(), strict=True
        )
    }
    first = stamps.min()
    held, cash, checked = {}, 100_000.0, 0

    def mark(name: str, stamp: np.datetime64) -> float:
        while (name, stamp.tolist()) not in closes and stamp > first:
            stamp = stamp - 1
        return closes[name, stamp.tolist()]

    for event in found:
        if event.kind == "note" and event.payload["note"] == "hedged":
            before = np.datetime64(event.bar.removesuffix(":00Z"), "h") - 1
            worth = {name: units * mark(name, before) for name, units in held.items()}
            value = cash + sum(worth.values())
            told = event.payload["before"]
            assert told["dollar"] == pytest.approx(sum(worth.values()) / value, abs=1e-9)
            gross = sum(abs(one) for one in worth.values()) / value
            assert told["gross"] == pytest.approx(gross, abs=1e-9)
            checked += 1
        if event.kind == "fill":
            told = event.payload
            held[event.symbol] = held.get(event.symbol, 0.0) + told["shares"]
            cash -= told["shares"] * told["price"] + told["commission"]
    assert checked >= 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 1, 2])
def test_within_the_bands_at_each_bar_of_gaps_of_all_kinds(seed, tmp_path, monkeypatch):
    found = booked(tmp_path, monkeypatch, ONE_AFTER_THE_OTHER, seed)
    check_within(found)
    check_told(found)
    check_exposures(tmp_path, found)
    assert replay(found).neutrality == neutrality(found)[-1]


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(20, 32))
@pytest.mark.parametrize(
    "missing",
    [
        {"BBB": hours(2, 4)},
        DECISION,
        {"BBB": hours(5, 9), "EEE": hours(5, 7), "GGG": hours(6, 8)},
        {"CCC": hours(4, 11), "FFF": hours(10, 16)},
        {"BBB": hours(3, 20), "FFF": hours(6, 25)},
        often_missing(0.1),
        often_missing(0.3),
    ],
    ids=["two", "decision", "several", "long", "closed", "tenth", "third"],
)
def test_the_bands_in_other_markets(seed, missing, tmp_path, monkeypatch):
    check_told(booked(tmp_path, monkeypatch, missing, seed))


@pytest.mark.slow
def test_a_decision_of_the_schedule_waits_for_a_holding_without_a_bar(tmp_path, monkeypatch):
    """BBB has no bar at 12:00, when the schedule decides, nor at 13:00."""
    found = booked(tmp_path, monkeypatch, DECISION, 2)
    decided = {event.bar: event.payload for event in found if event.kind == "decision"}
    assert "2026-01-06T12:00Z" not in decided and "2026-01-06T13:00Z" not in decided
    assert "2026-01-06T14:00Z" in decided
    put_off = {event.bar: event.payload.get("put_off") for event in noted(found, "neutrality")}
    told = [put_off[f"2026-01-06T{hour}:00Z"] for hour in (11, 12, 13, 14)]
    assert told == [None, {"bars": 0, "for": ["BBB"]}, {"bars": 1, "for": ["BBB"]}, None]
    check_within(found)


@pytest.mark.slow
def test_what_was_void_is_decided_again_once_all_trade(tmp_path, monkeypatch):
    """The schedule decides at 12:00; at 13:00, when it is filled, BBB and EEE have no bar."""
    missing = {"BBB": hours(13, 14), "EEE": hours(13, 15)}
    found = booked(tmp_path, monkeypatch, missing, 11)
    (hedge,) = [one for one in noted(found, "hedged") if one.bar == "2026-01-06T13:00Z"]
    assert hedge.payload["rebalance"] == "2026-01-06T12:00Z"
    decided = [event.bar for event in found if event.kind == "decision"]
    assert "2026-01-06T15:00Z" in decided and "2026-01-06T14:00Z" not in decided
    check_within(found)
    check_told(found)


@pytest.mark.slow
def test_a_book_that_drifts_in_a_gap_is_hedged_and_not_ranked(tmp_path, monkeypatch):
    """Six of eight coins have no bar from 00:00 to 04:00; at 00:00 it is past the midpoint."""
    missing = {name: hours(24, 29) for name in COINS[2:]}
    found = booked(tmp_path, monkeypatch, missing, 1)
    notes = {event.bar: event.payload for event in noted(found, "neutrality")}
    drifted = notes["2026-01-07T00:00Z"]
    assert drifted["hedge"] and not drifted["forced"]
    assert abs(drifted["beta"]) > 0.032 or abs(drifted["dollar"]) > 0.011
    (hedge,) = [one for one in noted(found, "hedged") if one.bar == "2026-01-07T01:00Z"]
    assert hedge.payload["rebalance"] is None and hedge.payload["neutral"]
    assert set(hedge.payload["instead"]) <= {"AAA", "BBB"}
    decided = {event.bar for event in found if event.kind == "decision"}
    # Put off at 00:00 and, after two bars, made without what is still missing.
    assert not decided & {"2026-01-07T00:00Z", "2026-01-07T01:00Z"}
    assert "2026-01-07T02:00Z" in decided
    check_within(found)
    check_told(found)


@pytest.mark.slow
def test_stopped_and_restarted_in_the_middle_of_a_gap(tmp_path, monkeypatch):
    """Poll by poll in three sessions, and caught up at once: the same orders, fills and notes.

    Of the decisions, some are late.
    """
    missing = {"BBB": hours(1, 4), "EEE": hours(2, 4)}
    every = list(range(READY + 1, READY + 8))
    found = []
    sessions = {"three": [every[:2], every[2:4], every[4:]], "late": [[every[0], every[-1]]]}
    for name, parts in sessions.items():
        with market(tmp_path / name, monkeypatch, changes=CALM, missing=missing) as place:
            for part in parts:
                poll_hours(place, part)
            found.append(events(place))
    kept = [[event for event in some if event.kind in _SAME] for some in found]
    assert kept[0] == kept[1]
    assert all(note["within"] for note in neutrality(found[0]))
    assert noted(found[0], "hedged")
