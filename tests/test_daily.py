"""The loop that runs the signals once a session: when, how often, and how it ends."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.lock import writer_lock
from runs.daily import build_parser, health_problem, keep_up, main
from runs.daily_schedule import Pause, next_due, retry_at, utc_now
from tests.paper_case import CONFIG, write_set

HALF_HOUR = dt.timedelta(minutes=30)
ROOT = Path(__file__).parents[1]


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.timezone.utc)


class TestNextDue:
    @pytest.mark.parametrize(
        ("now", "due"),
        [
            # Thursday's bar is closed at 24:00 UTC, which is 00:00 of Friday.
            ("2021-03-04 12:00", "2021-03-05 00:30"),
            ("2021-03-05 00:29", "2021-03-05 00:30"),
            # Friday's at 00:00 of Saturday; there is none of Saturday and Sunday.
            ("2021-03-05 00:30", "2021-03-06 00:30"),
            ("2021-03-06 00:30", "2021-03-09 00:30"),
            ("2021-03-08 00:31", "2021-03-09 00:30"),
            # 2021-04-02 is Good Friday: after Thursday's bar comes Monday's.
            ("2021-04-02 00:30", "2021-04-06 00:30"),
            # The last session of 2021 is Friday the 31st, the first of 2022 Monday the 3rd.
            ("2022-01-01 00:30", "2022-01-04 00:30"),
        ],
    )
    def test_of_the_exchange(self, now: str, due: str) -> None:
        assert next_due("XNYS", utc(now), HALF_HOUR) == utc(due)

    def test_every_day_of_the_week(self) -> None:
        assert next_due("24/7", utc("2021-03-06 00:30"), HALF_HOUR) == utc("2021-03-07 00:30")

    def test_the_zone_of_the_clock_does_not_matter(self) -> None:
        east = dt.timezone(dt.timedelta(hours=9))
        # 08:00 in Tokyo on Friday is 23:00 UTC on Thursday.
        now = dt.datetime(2021, 3, 5, 8, tzinfo=east)
        assert next_due("XNYS", now, HALF_HOUR) == utc("2021-03-05 00:30")

    @given(
        st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2023, 1, 1)),
        st.integers(0, 24 * 60 - 1),
        st.sampled_from(["XNYS", "24/7"]),
    )
    def test_is_later_and_the_first(self, now: dt.datetime, after: int, calendar: str) -> None:
        now, wait = now.replace(tzinfo=dt.timezone.utc), dt.timedelta(minutes=after)
        due = next_due(calendar, now, wait)
        assert due > now
        # Whoever asks a moment before it is told the same, so nothing lies between.
        assert next_due(calendar, due - dt.timedelta(seconds=1), wait) == due


class TestRetry:
    @pytest.mark.parametrize(
        ("failures", "minutes"),
        # 10, 20, 40 minutes; the fourth failure of four waits for the session, 600 minutes off.
        [(0, 600), (1, 10), (2, 20), (3, 40), (4, 600), (5000, 600)],
    )
    def test_doubles_and_is_given_up(self, failures: int, minutes: int) -> None:
        now = utc("2021-03-05 00:30")
        due = now + dt.timedelta(minutes=600)
        at = retry_at(now, due, failures, dt.timedelta(minutes=10), 4)
        assert at == now + dt.timedelta(minutes=minutes)

    def test_never_waits_beyond_the_next_bar(self) -> None:
        now = utc("2021-03-05 00:30")
        due = now + dt.timedelta(minutes=5)
        assert retry_at(now, due, 1, dt.timedelta(minutes=10), 4) == due
        assert retry_at(now, due, 90, dt.timedelta(minutes=10), 1000) == due


class Loop:
    """Runs that take a minute each, on a clock that the pause sets."""

    def __init__(self, codes: list[int], start: str) -> None:
        self.codes, self.now = list(codes), utc(start)
        self.starts: list[str] = []
        self.notes: list[dict] = []

    def run(self) -> int:
        self.starts.append(f"{self.now:%m-%d %H:%M}")
        self.now += dt.timedelta(minutes=1)
        return self.codes.pop(0)

    def pause(self, until: dt.datetime) -> bool:
        self.now = max(self.now, until)
        return bool(self.codes)

    def go(self, attempts: int = 3) -> Loop:
        keep_up(
            self.run,
            lambda now: next_due("XNYS", now, HALF_HOUR),
            self.pause,
            lambda: self.now,
            self.notes.append,
            retry=dt.timedelta(minutes=10),
            attempts=attempts,
        )
        return self


class TestLoop:
    def test_runs_at_once_and_once_a_session(self) -> None:
        loop = Loop([0, 0, 0], "2021-03-04 12:00").go()
        assert loop.starts == ["03-04 12:00", "03-05 00:30", "03-06 00:30"]

    def test_a_failure_is_tried_again_and_then_left_until_the_next_bar(self) -> None:
        # It ends at 00:31; 10 minutes later 00:41, ends 00:42, 20 minutes later 01:02. The third
        # failure is the last attempt of three: Friday's bar is next, at 00:30 of Saturday.
        loop = Loop([0, 2, 2, 2, 0], "2021-03-04 12:00").go()
        assert loop.starts[1:] == ["03-05 00:30", "03-05 00:41", "03-05 01:02", "03-06 00:30"]
        assert [note["failures"] for note in loop.notes[1::2]] == [0, 1, 2, 3, 0]

    def test_a_bar_that_closes_during_a_run_is_not_left_out(self) -> None:
        # From 00:29 to 00:30: what closed meanwhile may not have been there yet.
        loop = Loop([0, 0], "2021-03-05 00:29").go()
        assert loop.starts == ["03-05 00:29", "03-05 00:30"]

    def test_notes_say_what_is_going_on(self) -> None:
        loop = Loop([0], "2021-03-04 12:00").go()
        assert loop.notes == [
            {
                "state": "running",
                "since": "2021-03-04T12:00:00+00:00",
                "next": "2021-03-04T15:00:00+00:00",
                "exit_code": None,
                "failures": 0,
            },
            {
                "state": "waiting",
                "since": "2021-03-04T12:01:00+00:00",
                "next": "2021-03-05T00:30:00+00:00",
                "exit_code": 0,
                "failures": 0,
            },
        ]


class TestPause:
    def test_ends_when_the_instant_has_come(self) -> None:
        with Pause(utc_now) as pause:
            started = time.monotonic()
            assert pause.until(utc_now() + dt.timedelta(seconds=0.2))
            assert 0.15 < time.monotonic() - started < 5

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it(self, number: int) -> None:
        with Pause(utc_now) as pause:
            timer = threading.Timer(0.1, os.kill, (os.getpid(), number))
            timer.start()
            started = time.monotonic()
            assert not pause.until(utc_now() + dt.timedelta(days=1))
            assert time.monotonic() - started < 5
            timer.join()

    def test_a_signal_during_a_run_is_not_forgotten(self) -> None:
        with Pause(utc_now) as pause:
            os.kill(os.getpid(), signal.SIGTERM)
            assert not pause.until(utc_now() + dt.timedelta(days=1))
            assert not pause.until(utc_now() - dt.timedelta(days=1))

    def test_afterwards_signals_are_as_they_were(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        with Pause(utc_now):
            assert signal.getsignal(signal.SIGTERM) is not before
        assert signal.getsignal(signal.SIGTERM) is before

    def test_a_clock_that_is_set_forward_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("runs.daily_schedule._LONGEST_SLEEP", 0.05)
        times = iter([utc("2021-03-04 12:00"), utc("2021-03-06 12:00")])
        with Pause(lambda: next(times)) as pause:
            assert pause.until(utc("2021-03-05 00:30"))


class TestHealth:
    STATE = {"state": "waiting", "since": "x", "next": "2021-03-05T00:30:00+00:00", "exit_code": 0}

    def problem(self, tmp_path: Path, now: str, **state) -> str | None:
        path = tmp_path / "state.json"
        path.write_text(json.dumps(self.STATE | {"failures": 0} | state))
        return health_problem(path, utc(now))

    def test_in_time_and_a_little_late(self, tmp_path: Path) -> None:
        assert self.problem(tmp_path, "2021-03-04 12:00") is None
        assert self.problem(tmp_path, "2021-03-05 00:40") is None

    def test_a_loop_that_is_dead(self, tmp_path: Path) -> None:
        assert "nothing has happened" in self.problem(tmp_path, "2021-03-05 00:41")

    def test_runs_that_fail(self, tmp_path: Path) -> None:
        told = self.problem(tmp_path, "2021-03-04 12:00", failures=2, exit_code=2)
        assert told == "the last 2 runs failed, with exit code 2"

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"next": 3, "failures": 0}', "\x00"])
    def test_a_damaged_file(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "state.json").write_text(text)
        assert "no run has begun" in health_problem(tmp_path / "state.json", utc_now())

    def test_the_command(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "state.json"
        assert main(["--check", "--state", str(path)]) == 1
        assert "no run has begun" in capsys.readouterr().err
        later = (utc_now() + dt.timedelta(hours=1)).isoformat()
        path.write_text(json.dumps({"next": later, "failures": 0}))
        with writer_lock(path):
            assert main(["--check", "--state", str(path)]) == 0
        assert capsys.readouterr().err == ""
        assert main(["--check", "--state", str(path)]) == 1
        assert capsys.readouterr().err == f"{path}: the loop that wrote it has ended\n"


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--", "--config", "nowhere.yaml"], "nowhere.yaml"),
            (["--", "--as-of", "2021-03-04"], "--as-of"),
            (["--", "--live"], "without a daily loop"),
        ],
    )
    def test_are_told_before_anything_is_waited_for(
        self, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(arguments) == 2
        assert told in capsys.readouterr().err

    @pytest.mark.parametrize("text", ["0", "-1", "many", ""])
    def test_of_attempts(self, text: str) -> None:
        with pytest.raises(SystemExit) as error:
            build_parser().parse_args([f"--attempts={text}"])
        assert error.value.code == 2

    def test_of_a_second_loop(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with writer_lock(tmp_path / "state.json"):
            given = ["--state", str(tmp_path / "state.json"), "--"]
            assert main([*given, "--config", str(ROOT / "configs" / "backtest.yaml")]) == 2
        told = capsys.readouterr().err
        assert f"another loop is at work, process {os.getpid()}" in told
        assert len(told.splitlines()) <= 3

    @pytest.mark.parametrize("text", ["-1", "1440", "soon"])
    def test_of_minutes(self, text: str) -> None:
        with pytest.raises(SystemExit) as error:
            build_parser().parse_args(["--after", text])
        assert error.value.code == 2

    def test_of_arguments_of_the_signals(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as error:
            main(["--", "--confg", "x.yaml"])
        assert error.value.code == 2
        assert "--confg" in capsys.readouterr().err


def test_a_real_loop_books_copies_and_ends_when_asked(tmp_path: Path) -> None:
    data = write_set(tmp_path / "set", last=60)
    (tmp_path / "c.yaml").write_text(CONFIG.replace("DIR", str(data)))
    command = [sys.executable, "-m", "runs.daily", "--state", f"{tmp_path}/state.json"]
    command += ["--backups", f"{tmp_path}/copies", "--", "--config", f"{tmp_path}/c.yaml"]
    command += ["--offline", "--quiet", "--ledger", f"{tmp_path}/paper.db", "--out"]
    loop = subprocess.Popen([*command, f"{tmp_path}/signals"], cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and loop.poll() is None:
            state = tmp_path / "state.json"
            if state.exists() and json.loads(state.read_text())["state"] == "waiting":
                break
            time.sleep(0.1)
        assert main(["--check", "--state", f"{tmp_path}/state.json"]) == 0
        loop.send_signal(signal.SIGTERM)
        assert loop.wait(timeout=30) == 0
    finally:
        loop.kill()
    assert main(["--check", "--state", f"{tmp_path}/state.json"]) == 1
    assert not list(tmp_path.glob(".*"))
    state = json.loads((tmp_path / "state.json").read_text())
    assert (state["exit_code"], state["failures"]) == (0, 0)
    assert (tmp_path / "signals/signals.json").is_file()
    # The first bar of a new ledger is the set's last, its 61st session: 19 in January from the
    # 4th, 19 in February, 23 in March.
    assert [path.name[:16] for path in (tmp_path / "copies").iterdir()] == ["paper-2021-03-31"]
