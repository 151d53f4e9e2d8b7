"""Killed, out of room, read-only, two at a time: the old set or the new one, and nothing beside."""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from feeds import atomic
from feeds.errors import OutputError
from feeds.ingestion import collect, writer_lock
from feeds.lock import _locked
from tests.crash_points import REFUSED, count_points, failed_at, killed_at
from tests.ingestion_case import NOW, Vendor, coin, contents, fetch_and_write, options, write_set

ROOT = Path(__file__).parent.parent
SYMBOLS = [coin("BTC"), coin("eth"), coin("NA")]
LATER = NOW + dt.timedelta(days=3)


#: Every point takes its minute; a few of them are looked at each time, a third in the slow suite.
EVERY = pytest.mark.parametrize(
    "step",
    [
        17,
        pytest.param(3, marks=pytest.mark.slow),
        pytest.param(1, marks=pytest.mark.exhaustive),
    ],
)


def revised(table):
    """One price of the overlap is another."""
    table = table.copy()
    table.loc["2024-03-05", "close"] *= 1.01
    return table


def old_run(out: Path) -> None:
    fetch_and_write(SYMBOLS, out, Vendor(), options())


def new_run(out: Path) -> Vendor:
    """Three days later: one series goes on, one was revised, one is new and one is gone."""
    vendor = Vendor(now=LATER, change={"BTC": revised})
    requests = [coin("BTC"), coin("eth"), coin("ON")]
    fetch_and_write(requests, out, vendor, options(now=lambda: LATER))
    return vendor


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, dict[str, bytes], dict[str, bytes]]:
    """The data set as the old run left it, its content, and that of the new one."""
    out = tmp_path / "place" / "mine"
    old_run(out)
    shutil.copytree(out, tmp_path / "old")
    shutil.copytree(out, tmp_path / "new" / "mine")
    new_run(tmp_path / "new" / "mine")
    new = contents(tmp_path / "new" / "mine")
    shutil.rmtree(tmp_path / "new")
    return out, contents(out), new


def restore(out: Path) -> None:
    shutil.rmtree(out.parent)
    shutil.copytree(out.parent.parent / "old", out)


def litter(out: Path) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir() if path.name != out.name)


@EVERY
def test_a_kill_at_any_point_of_an_update(sets, step):
    out, old, new = sets
    total = count_points(out.parent, lambda: new_run(out))
    assert contents(out) == new and litter(out) == []
    assert total > 60
    for at in range(1, total + 1, step):
        restore(out)
        assert killed_at(out.parent, lambda: new_run(out), at)
        assert contents(out) in (old, new), at
        new_run(out)
        assert contents(out) == new, at
        assert litter(out) == [], at


@EVERY
def test_a_kill_at_any_point_where_folders_cannot_be_exchanged(sets, monkeypatch, step):
    out, old, new = sets
    monkeypatch.setattr(atomic, "_exchange", lambda one, two: False)
    total = count_points(out.parent, lambda: new_run(out))
    for at in range(total // 2, total + 1, step):
        restore(out)
        assert killed_at(out.parent, lambda: new_run(out), at)
        # Between two renames the old set stands aside, and the next run puts it back.
        assert not out.exists() or contents(out) in (old, new), at
        new_run(out)
        assert contents(out) == new and litter(out) == [], at


@EVERY
def test_a_kill_at_any_point_of_a_first_run(tmp_path, step):
    out = tmp_path / "place" / "mine"
    total = count_points(out.parent, lambda: old_run(out))
    whole = contents(out)
    for at in range(1, total + 1, step):
        shutil.rmtree(out.parent)
        assert killed_at(out.parent, lambda: old_run(out), at)
        assert not out.exists() or contents(out) == whole, at
        old_run(out)
        assert contents(out) == whole and litter(out) == [], at


@EVERY
def test_two_kills_in_a_row(sets, step):
    out, old, new = sets
    total = count_points(out.parent, lambda: new_run(out))
    for at in range(5, total, step):
        restore(out)
        assert killed_at(out.parent, lambda: new_run(out), at)
        killed_at(out.parent, lambda: new_run(out), max(at - 4, 1))
        assert contents(out) in (old, new), at
        new_run(out)
        assert contents(out) == new and litter(out) == [], at


@EVERY
def test_what_was_staged_is_not_fetched_again(sets, step):
    out, old, new = sets
    total = count_points(out.parent, lambda: new_run(out))
    asked = set()
    for at in range(1, total + 1, step):
        restore(out)
        assert killed_at(out.parent, lambda: new_run(out), at)
        asked.add(len(new_run(out).asked))
    # Two parts, one whole history after a revision and one new symbol at first, none at the end.
    assert max(asked) == 4 and min(asked) == 0 and len(asked) >= 4


@EVERY
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_files_that_fail_from_any_point_on(sets, error, step):
    out, old, new = sets
    total = count_points(out.parent, lambda: new_run(out))
    codes = set()
    for at in range(1, total + 1, step):
        restore(out)
        code = failed_at(out.parent, lambda: new_run(out), at, error)
        codes.add(code)
        assert contents(out) == new if code == 0 else contents(out) in (old, new), at
        assert not list(out.parent.rglob(".unfinished-*")) or error == errno.EROFS, at
        new_run(out)
        assert contents(out) == new and litter(out) == [], at
    assert codes <= {0, REFUSED} and REFUSED in codes


def can_mount(kind: str, place: Path, *more: str) -> bool:
    place.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", kind, *more, kind, str(place)]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.fixture
def tiny(tmp_path: Path):
    """A disk of 64 KiB."""
    place = tmp_path / "disk"
    if not can_mount("tmpfs", place, "-o", "size=64k"):
        pytest.skip("a file system cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_keeps_the_old_set(tiny):
    out = tiny / "mine"
    fetch_and_write([coin("BTC")], out, Vendor(), options())
    before = contents(out)
    many = [coin(f"C{number}") for number in range(20)]
    with pytest.raises(OutputError, match="No space left on device"):
        fetch_and_write([coin("BTC"), *many], out, Vendor(), options())
    assert contents(out) == before
    assert not list(tiny.rglob(".unfinished-*")) and litter(out) == [".mine.fetching"]
    # With room again, or with fewer symbols, it goes on.
    fetch_and_write([coin("BTC"), coin("C1")], out, Vendor(), options())
    assert sorted(path.name for path in (out / "raw").iterdir()) == [
        "BTC.csv",
        "C1.csv",
        "index.json",
    ]
    assert litter(out) == []


def test_a_read_only_file_system_is_refused_and_loses_nothing(tiny):
    out = tiny / "mine"
    fetch_and_write([coin("BTC")], out, Vendor(), options())
    before = contents(out)
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    vendor = Vendor(now=LATER)
    with pytest.raises(OutputError, match="cannot lock .*Read-only file system"):
        fetch_and_write([coin("BTC")], out, vendor, options(now=lambda: LATER))
    assert vendor.asked == [] and contents(out) == before


class TestTheLock:
    def test_the_second_writer_is_refused_at_once_and_told_by_whom(self, tmp_path):
        out = tmp_path / "mine"
        code = (
            "import sys, time; from pathlib import Path; from feeds.ingestion import writer_lock\n"
            "with writer_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(out)], cwd=ROOT, stdout=subprocess.PIPE
        )
        try:
            assert child.stdout.readline() == b"held\n"
            vendor, began = Vendor(), time.monotonic()
            with pytest.raises(OutputError, match=f"being written by process {child.pid}\n"):
                with collect(SYMBOLS, out, options(), vendor):
                    raise AssertionError
            assert vendor.asked == [] and time.monotonic() - began < 1.0
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
        # The kernel gave the lock back; the file that was left goes with the next run.
        assert litter(out) == [".mine.lock"]
        old_run(out)
        assert litter(out) == []

    def test_the_same_process_is_refused_too(self, tmp_path):
        with writer_lock(tmp_path / "mine"):
            with pytest.raises(OutputError, match=str(os.getpid())):
                with writer_lock(tmp_path / "mine"):
                    raise AssertionError
            with writer_lock(tmp_path / "other"):
                pass
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_its_holder_removed_is_not_taken_for_the_lock(self, tmp_path, monkeypatch):
        path, real, opened = tmp_path / ".mine.lock", os.open, []

        def slow_open(*arguments):
            handle = real(*arguments)
            opened.append(handle)
            if len(opened) == 1:
                path.unlink()
            return handle

        monkeypatch.setattr(os, "open", slow_open)
        handle = _locked(path, tmp_path / "mine")
        assert len(opened) == 2 and os.fstat(handle).st_ino == path.stat().st_ino
        with open(path) as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)

    def test_it_is_given_back_after_a_mistake(self, tmp_path):
        with pytest.raises(ValueError):
            with writer_lock(tmp_path / "mine"):
                raise ValueError
        assert list(tmp_path.iterdir()) == []


class TestStaging:
    def interrupted(self, out: Path, requests, vendor: Vendor, now: dt.datetime = NOW) -> None:
        with pytest.raises(KeyboardInterrupt):
            with collect(requests, out, options(now=lambda: now), vendor):
                raise KeyboardInterrupt
        assert litter(out) == [".mine.fetching"]

    def resumed(self, out: Path, requests, now: dt.datetime) -> list[str]:
        vendor = Vendor(now=now)
        fetch_and_write(requests, out, vendor, options(now=lambda: now))
        assert litter(out) == []
        return [request.symbol for request in vendor.asked]

    @pytest.mark.parametrize(("hours", "asked"), [(0, 0), (23, 0), (25, 3), (-1, 3)])
    def test_bars_up_to_now_are_good_for_a_day(self, tmp_path, hours, asked):
        out = tmp_path / "place" / "mine"
        self.interrupted(out, SYMBOLS, Vendor())
        assert len(self.resumed(out, SYMBOLS, NOW + dt.timedelta(hours=hours))) == asked

    def test_bars_of_days_long_past_are_good_for_ever(self, tmp_path):
        out = tmp_path / "place" / "mine"
        past = [coin("BTC", end=dt.date(2024, 3, 1))]
        self.interrupted(out, past, Vendor())
        assert self.resumed(out, past, NOW + dt.timedelta(days=400)) == []

    def test_another_request_is_not_mixed_in(self, tmp_path):
        out = tmp_path / "place" / "mine"
        self.interrupted(out, SYMBOLS, Vendor())
        other = [coin("BTC", start=dt.date(2024, 2, 1)), coin("eth"), coin("NEW")]
        assert self.resumed(out, other, NOW) == ["BTC", "NEW"]
        assert sorted(contents(out))[2:] == [
            "raw/BTC.csv",
            "raw/NEW.csv",
            "raw/eth~c69ea132.csv",
            "raw/index.json",
        ]

    @pytest.mark.parametrize(
        "damage",
        [
            lambda path: path.write_bytes(path.read_bytes()[:-7]),
            lambda path: path.with_suffix(".json").write_text("{"),
            lambda path: path.with_suffix(".json").write_text("[]"),
            lambda path: path.unlink(),
        ],
    )
    def test_what_is_damaged_is_fetched_again(self, tmp_path, damage: Callable[[Path], None]):
        out = tmp_path / "place" / "mine"
        self.interrupted(out, SYMBOLS, Vendor())
        damage(out.parent / ".mine.fetching" / "BTC.csv")
        assert self.resumed(out, SYMBOLS, NOW) == ["BTC"]

    def test_an_error_of_the_writer_keeps_what_was_fetched(self, tmp_path):
        out = tmp_path / "place" / "mine"
        with pytest.raises(ZeroDivisionError):
            with collect(SYMBOLS, out, options(), Vendor()) as made:
                write_set(out.with_name("elsewhere"), made)
                raise ZeroDivisionError
        shutil.rmtree(out.with_name("elsewhere"))
        assert self.resumed(out, SYMBOLS, NOW) == []

    def test_bars_made_over_a_stored_file_that_is_another_now_do_not_count(self, tmp_path):
        out = tmp_path / "place" / "mine"
        old_run(out)
        self.interrupted(out, SYMBOLS, Vendor(now=LATER), LATER)
        shutil.rmtree(out)
        assert self.resumed(out, SYMBOLS, LATER) == ["BTC", "eth", "NA"]

    def test_what_no_writer_took_stays(self, tmp_path):
        out = tmp_path / "place" / "mine"
        with collect(SYMBOLS, out, options(), Vendor()):
            pass
        assert litter(out) == [".mine.fetching"]
        assert self.resumed(out, SYMBOLS, NOW) == []

    def test_a_set_that_stands_aside_is_put_back_before_it_is_read(self, tmp_path):
        out = tmp_path / "place" / "mine"
        old_run(out)
        before = contents(out)
        # As a kill between two renames leaves it; no process has this number.
        out.rename(out.with_name(".mine.old-4999999"))
        vendor = Vendor()
        with collect(SYMBOLS, out, options(), vendor) as made:
            assert not made.changed
        assert vendor.asked == [] and contents(out) == before and litter(out) == []

    def test_a_report_survives_the_crash(self, tmp_path):
        out = tmp_path / "place" / "mine"
        old_run(out)
        vendor = Vendor(now=LATER, change={"BTC": revised})
        self.interrupted(out, SYMBOLS, vendor, LATER)
        with collect(SYMBOLS, out, options(now=lambda: LATER), Vendor(now=LATER)) as made:
            write_set(out, made)
        assert [o.status for o in made.outcomes] == ["revised", "updated", "updated"]
        assert made.revisions["date"].tolist() == ["2024-03-05"]
        assert made.outcomes[0].attempts == 0 and made.outcomes[1].added == 3
