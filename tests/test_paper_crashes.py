"""Signals and the ledger, killed or out of room at any step: a re-run equals a run without it."""

import errno
import os
import resource
import shutil
import signal
import sqlite3

import pytest

from feeds.errors import OutputError
from runs.paper_account import bring_up_to_date
from runs.signal_files import check_signal_folder, write_signals
from runs.signal_record import signal_record
from strategies.execution.ledger import reading_ledger, writing_ledger
from tests.crash_points import REFUSED, count_points, failed_at, killed_at
from tests.paper_case import DAYS, live_at, write_config, write_set

FIRST, OLD, NEW = 24, 26, 31
SLOW = [pytest.mark.slow]
EXHAUSTIVE = [pytest.mark.exhaustive]


class Case:
    """A place with a ledger and its signals of some days ago, and the run that goes on."""

    def __init__(self, root, live):
        self.root, self.place, self.old, self.live = root, root / "place", root / "old", live

    def work(self, live=None):
        """What ``runs.signals`` does once the study is prepared."""
        live = live or self.live
        check_signal_folder(self.place / "signals")
        with writing_ledger(self.place / "paper.db") as ledger:
            progress = bring_up_to_date(ledger, live, str(DAYS[FIRST]))
            record = signal_record(live, progress.book, ledger.events(), ledger.head)
            write_signals(record, self.place / "signals")

    def restore(self):
        shutil.rmtree(self.place)
        shutil.copytree(self.old, self.place)

    def events(self):
        with reading_ledger(self.place / "paper.db") as ledger:
            ledger.check()
            return ledger.events()

    def files(self):
        paths = sorted((self.place / "signals").rglob("*"))
        return {
            str(path.relative_to(self.place)): path.read_bytes() for path in paths if path.is_file()
        }


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    root = tmp_path_factory.mktemp("crashes")
    config = write_config(root, write_set(root / "set"))
    case = Case(root, live_at(config, DAYS[NEW]))
    case.place.mkdir()
    case.work(live_at(config, DAYS[OLD]))
    shutil.copytree(case.place, case.old)
    case.before = case.events(), case.files()
    case.work()
    case.after = case.events(), case.files()
    assert len(case.after[0]) > len(case.before[0]) + 20
    return case


def check_prefix(case):
    """Whole bars of the undisturbed ledger, and signals that are the old or the new ones."""
    found, files = case.events(), case.files()
    assert found == case.after[0][: len(found)]
    assert len(found) >= len(case.before[0])
    assert found[-1].payload["note"] == "close"
    assert files in (case.before[1], case.after[1])
    return len(found)


def check_rerun(case):
    case.work()
    # Looked at before a reader leaves its own files beside the ledger.
    assert sorted(os.listdir(case.place)) == ["paper.db", "signals"]
    assert (case.events(), case.files()) == case.after


def in_child(work):
    """The status of a child that does the work."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except OutputError:
            os._exit(REFUSED)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
    return os.waitpid(child, 0)[1]


def steps(case, every, at):
    """The work, killed at a step of SQLite's machine counted by `every` instructions."""
    connect, count = sqlite3.connect, [0]

    def counted():
        count[0] += 1
        if count[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def connected(*given, **named):
        connection = connect(*given, **named)
        connection.set_progress_handler(counted, every)
        connection.set_trace_callback(lambda _: counted())
        return connection

    sqlite3.connect = connected
    try:
        case.work()
    finally:
        sqlite3.connect = connect
    return count[0]


@pytest.mark.parametrize("every, stride", [(150, 13), pytest.param(30, 3, marks=SLOW)])
def test_a_kill_at_any_step_of_the_database(case, every, stride):
    case.restore()
    total = steps(case, every, 0)
    assert total > 100
    lengths = set()
    for at in range(1, total + 1, stride):
        case.restore()
        status = in_child(lambda: steps(case, every, at))
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        lengths.add(check_prefix(case))
        check_rerun(case)
    assert len(lengths) > 3


@pytest.mark.parametrize(
    "parts", [14, pytest.param(40, marks=SLOW), pytest.param(90, marks=EXHAUSTIVE)]
)
def test_a_kill_in_the_middle_of_a_write_of_the_database(case, parts):
    """The system ends a process whose file grows beyond a limit, in the middle of the write."""

    def limited(room):
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        case.work()

    killed, lengths = 0, set()
    for part in range(parts):
        case.restore()
        status = in_child(lambda: limited(150 + part * 220_000 // parts))
        killed += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXFSZ
        lengths.add(check_prefix(case))
        check_rerun(case)
    assert killed > parts // 2
    assert len(lengths) > 2


@pytest.mark.parametrize("parts", [8, pytest.param(60, marks=EXHAUSTIVE)])
def test_a_disk_without_room_for_the_database(case, parts):
    def limited(room):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        case.work()

    codes = []
    for part in range(parts):
        case.restore()
        codes.append(os.waitstatus_to_exitcode(in_child(lambda: limited(150 + part * 30_000))))
        check_prefix(case)
        check_rerun(case)
    assert set(codes) <= {0, REFUSED}
    assert REFUSED in codes


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=SLOW)])
def test_a_kill_at_any_write_of_the_files(case, stride):
    case.restore()
    total = count_points(case.place, case.work)
    assert total >= 12
    for at in range(1, total + 1, stride):
        case.restore()
        assert killed_at(case.place, case.work, at)
        check_prefix(case)
        check_rerun(case)


@pytest.mark.parametrize("error", [errno.ENOSPC, pytest.param(errno.EIO, marks=EXHAUSTIVE)])
@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=SLOW)])
def test_a_disk_that_fails_at_any_write_of_the_files(case, stride, error):
    case.restore()
    total = count_points(case.place, case.work)
    for at in range(1, total + 1, stride):
        case.restore()
        assert failed_at(case.place, case.work, at, error) in (0, REFUSED)
        check_prefix(case)
        check_rerun(case)


def test_two_at_once_book_each_bar_once(case):
    """One of them is refused, or comes when the other is done: both end like one alone."""
    for _ in range(3):
        case.restore()
        children = []
        for _ in range(2):
            child = os.fork()
            if not child:
                try:
                    case.work()
                    os._exit(0)
                except OutputError as error:
                    os._exit(REFUSED if "another run is at work" in str(error) else 1)
                except BaseException:
                    os._exit(1)
            children.append(child)
        codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
        assert codes in ([0, 0], [0, REFUSED])
        assert (case.events(), case.files()) == case.after
