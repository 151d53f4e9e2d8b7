"""The ledger: only added to, one writer, told faults, and a disk that is full loses nothing."""

import hashlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import DataError, OutputError
from strategies.execution.ledger import (
    KINDS,
    Event,
    canonical_json,
    reading_ledger,
    writing_ledger,
)
from strategies.execution.replay import replay

ROOT = Path(__file__).parent.parent


def note(number, bar="2021-01-04", **payload):
    return Event(bar, "note", "", number, {"note": "said", **payload})


def filled(path, count=3):
    with writing_ledger(path) as ledger:
        for number in range(count):
            ledger.append([note(number, x=number / 3)])
    return path


def test_events_read_as_they_were_written(tmp_path):
    events = [
        Event("2021-01-04", "fill", "NA", 0, {"shares": 0.1 + 0.2, "who": "Zoë", "none": None}),
        Event("2021-01-04", "fill", "TRUE", 0, {"list": [1, 2.5, [True, "x"]], "deep": {"a": {}}}),
        Event("2021-01-05", "note", "", 0, {"note": "close"}),
    ]
    with writing_ledger(tmp_path / "a.db") as ledger:
        assert ledger.append(events) == events
        assert ledger.events() == events
        assert ledger.events("fill") == events[:2]
    with reading_ledger(tmp_path / "a.db") as ledger:
        assert ledger.events() == events
        ledger.check()


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.floats(allow_nan=False, allow_infinity=False)))
def test_any_number_reads_back_to_the_last_bit(payload):
    assert json.loads(canonical_json(payload)) == payload


def test_what_is_not_finite_is_not_written(tmp_path):
    with writing_ledger(tmp_path / "a.db") as ledger:
        ledger.append([note(0)])
        with pytest.raises(ValueError):
            ledger.append([note(1), note(2, x=float("nan"))])
        assert len(ledger.events()) == 1
        ledger.append([note(1)])


def test_nothing_is_changed_or_removed(tmp_path):
    path = filled(tmp_path / "a.db")
    connection = sqlite3.connect(path)
    for statement in ("UPDATE events SET payload = '{}'", "DELETE FROM events WHERE id = 3"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()
    with pytest.raises(OutputError, match="readonly"):
        with reading_ledger(path) as ledger:
            ledger.append([note(7)])


@pytest.mark.parametrize(
    "statement",
    [
        'UPDATE events SET payload = \'{"note":"else"}\' WHERE id = 2',
        "UPDATE events SET bar = '2020-01-01' WHERE id = 2",
        "DELETE FROM events WHERE id = 2",
        "UPDATE events SET number = 9 WHERE id = 3",
    ],
)
def test_what_was_changed_by_force_is_noticed(tmp_path, statement):
    path = filled(tmp_path / "a.db")
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER events_are_not_changed")
    connection.execute("DROP TRIGGER events_are_not_removed")
    connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(DataError, match="is not what was written"):
        with writing_ledger(path):
            pass


@pytest.mark.parametrize("last", [1, 2, 3])
def test_events_cut_off_at_the_end_are_missed(tmp_path, last):
    """What is left is a whole chain: it is shorter than what SQLite has counted."""
    path = filled(tmp_path / "a.db")
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER events_are_not_removed")
    connection.execute("DELETE FROM events WHERE id >= ?", (last,))
    connection.commit()
    connection.close()
    with pytest.raises(DataError, match=f"{last - 1} events are there, 3 were written"):
        with writing_ledger(path):
            pass


def test_what_failed_is_not_counted(tmp_path):
    path = filled(tmp_path / "a.db")
    with writing_ledger(path) as ledger:
        with pytest.raises(DataError, match="cannot be booked twice"):
            ledger.append([note(3), note(4), note(1)])
        with pytest.raises(ValueError):
            ledger.append([note(3), note(4, x=float("inf"))])
        ledger.check()
        ledger.append([note(3)])
        ledger.check()


@pytest.mark.parametrize(
    "text", ["", "plain", 'qu"ote', "back\\slash", "Zoë 😀\n\t\x00\x7f", "\u2028/"]
)
def test_the_chain_is_that_of_the_json_of_its_six_parts(tmp_path, text):
    event = Event("2021-01-04", "note", text, 7, {"note": text, text: [1.5, None]})
    with writing_ledger(tmp_path / "a.db") as ledger:
        ledger.append([event])
        parts = ["0" * 64, event.bar, "note", text, 7, canonical_json(event.payload)]
        written = json.dumps(parts, ensure_ascii=False).encode()
        assert ledger.head == hashlib.sha256(written).hexdigest()
        ledger.check()


def test_events_of_a_bar_come_with_every_revision(tmp_path):
    first, second = "2021-01-04", "2021-01-05"
    events = [
        Event(first, "note", "", 0, {"note": "close"}),
        Event(first, "revision", "A", 0, {"found": second}),
        Event(first, "correction", "A", 0, {"found": second}),
        Event(second, "fill", "A", 0, {}),
        Event("2021-01-06", "note", "", 0, {"note": "close"}),
    ]
    with writing_ledger(tmp_path / "a.db") as ledger:
        ledger.append(events)
        assert ledger.events_about(second) == events[1:4]


def test_a_folder_is_no_ledger(tmp_path):
    for opened in (writing_ledger, reading_ledger):
        with pytest.raises(DataError, match="is a folder"):
            with opened(tmp_path):
                pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("payload", ['{"note": "said"} {}', "{", ""])
def test_a_payload_that_is_no_json_is_told(tmp_path, payload):
    path = filled(tmp_path / "a.db")
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER events_are_not_changed")
    connection.execute("UPDATE events SET payload = ? WHERE id = 2", (payload,))
    connection.commit()
    connection.close()
    with reading_ledger(path) as ledger, pytest.raises(DataError, match="is no JSON"):
        ledger.events()


def test_an_event_is_written_once_and_its_transaction_with_it(tmp_path):
    path = filled(tmp_path / "a.db")
    with writing_ledger(path) as ledger:
        with pytest.raises(DataError, match="cannot be booked twice"):
            ledger.append([note(3), note(1)])
        assert [event.number for event in ledger.events()] == [0, 1, 2]


def test_kinds_are_known(tmp_path):
    with writing_ledger(tmp_path / "a.db") as ledger:
        for kind in KINDS:
            ledger.append([Event("2021-01-04", kind, "A", 0, {})])
        with pytest.raises(DataError):
            ledger.append([Event("2021-01-04", "guess", "A", 0, {})])


def test_a_later_schema_is_refused(tmp_path):
    path = filled(tmp_path / "a.db")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    for opened in (writing_ledger, reading_ledger):
        with pytest.raises(DataError, match="has schema 2, this program knows 1"):
            with opened(path):
                pass


@pytest.mark.parametrize("content", [b"no database at all, but text\n" * 50, None])
def test_another_file_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "a.db"
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE other (x)")
        connection.close()
        content = path.read_bytes()
    path.write_bytes(content)
    for opened in (writing_ledger, reading_ledger):
        with pytest.raises(DataError, match="is no paper ledger"):
            with opened(path):
                pass
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["a.db"]


def test_a_missing_ledger_is_not_made_by_a_reader(tmp_path):
    with pytest.raises(DataError, match="no such ledger"):
        with reading_ledger(tmp_path / "a.db"):
            pass
    assert not list(tmp_path.iterdir())


def test_one_writer_at_a_time_and_readers_beside_it(tmp_path):
    path = filled(tmp_path / "a.db")
    code = (
        "import sys\n"
        "from strategies.execution.ledger import writing_ledger\n"
        "with writing_ledger(sys.argv[1]):\n"
        "    print('in', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout.readline() == b"in\n"
    with pytest.raises(OutputError) as error:
        with writing_ledger(path):
            pass
    assert f"another run is at work on it, process {child.pid}" in error.value.problem
    with reading_ledger(path) as ledger:
        assert len(ledger.events()) == 3
    child.communicate()
    with writing_ledger(path) as ledger:
        ledger.append([note(3)])
    assert os.listdir(tmp_path) == ["a.db"]


def test_another_program_that_writes_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr("strategies.execution.ledger.PATIENCE", 0.05)
    path = filled(tmp_path / "a.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with writing_ledger(path) as ledger, pytest.raises(OutputError) as error:
        ledger.append([note(3)])
    assert "is locked" in error.value.problem and "sqlite3" in error.value.remedy
    other.execute("ROLLBACK")
    other.close()
    with writing_ledger(path) as ledger:
        ledger.append([note(3)])


def test_a_reader_sees_whole_bars_while_another_is_written(tmp_path):
    path = filled(tmp_path / "a.db")
    with writing_ledger(path) as ledger, reading_ledger(path) as reader:
        ledger._connection.execute("BEGIN IMMEDIATE")
        copied = "SELECT 9, bar, kind, 'B', 0, '', '', 'x' FROM events LIMIT 1"
        ledger._connection.execute(f"INSERT INTO events {copied}")
        assert len(reader.events()) == 3
        ledger._connection.execute("ROLLBACK")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_is_read_only_can_be_read(tmp_path):
    path = filled(tmp_path / "a.db")
    tmp_path.chmod(0o555)
    try:
        with reading_ledger(path) as ledger:
            assert len(ledger.events()) == 3
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize("room", [0, 100, 5_000, 20_000, 33_000, 60_000])
def test_a_full_disk_keeps_what_was_written(tmp_path, room):
    """Files of this process may not grow beyond what they have and some room."""
    path = filled(tmp_path / "a.db")
    child = os.fork()
    if not child:
        code = 1
        with writing_ledger(path) as ledger:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            try:
                ledger.append([note(number, text="x" * 500) for number in range(3, 200)])
            except OutputError as error:
                code = 0 if "cannot write" in str(error) and error.remedy else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with writing_ledger(path) as ledger:
        assert [event.number for event in ledger.events()] == [0, 1, 2]
        ledger.append([note(3)])


def test_a_database_that_may_not_grow_says_so(tmp_path):
    path = filled(tmp_path / "a.db")
    with writing_ledger(path) as ledger:
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OutputError, match="database or disk is full"):
            ledger.append([note(number, text="x" * 500) for number in range(3, 200)])
        assert len(ledger.events()) == 3


def opened_with(cash):
    told = {"note": "opened", "starting_cash": cash, "config": {}, "config_hash": "c"}
    return Event("2021-01-04", "note", "", 1, told)


def close(bar, value, cash, long=0.0, short=0.0):
    told = {
        "note": "close", "value": value, "cash": cash, "long": long, "short": short,
        "margin": 0.0, "closes": {}, "steps": {}, "digest": "", "pending": [], "lots": {},
        "cut": [], "stops": None, "spread": None,
    }  # fmt: skip
    return Event(bar, "note", "", 0, told)


def fill(bar, symbol, shares, price, held, number=0):
    told = {
        "decided": None, "reason": "rebalance", "shares": shares, "price": price,
        "reference": price, "commission": 1.0, "paid": shares * price + 1.0, "held": held,
    }  # fmt: skip
    return Event(bar, "fill", symbol, number, told)


def test_replay_by_hand():
    """1000 in cash buys 10 at 20 for 1: 799. A 2-for-1 split: 20 shares. 0.5 a share is paid on
    them and buys 10 / 10 = 1 at the close of 10. Interest brings 2. Half of them goes at 12."""
    two, four = "2021-01-05", "2021-01-07"
    events = [
        opened_with(1000.0),
        close("2021-01-04", 1000.0, 1000.0),
        fill(two, "A", 10.0, 20.0, 10.0),
        close(two, 999.0, 799.0, 200.0),
        Event("2021-01-06", "split", "A", 0, {"ratio": 2.0, "before": 10.0, "held": 20.0}),
        Event("2021-01-06", "dividend", "A", 0, {"shares": 1.0, "held": 21.0}),
        Event("2021-01-06", "carry", "", 0, {"carry": "interest", "amount": 2.0}),
        close("2021-01-06", 1011.0, 801.0, 210.0),
        fill(four, "A", -10.5, 12.0, 10.5),
        close(four, 926.0 + 126.0, 926.0, 126.0),
    ]
    book = replay(events)
    # 801 + 10.5 x 12 - 1 = 926, and 10.5 at 12 are 126.
    assert (book.cash, book.value, book.held) == (926.0, 1052.0, {"A": 10.5})
    assert (book.bar, book.started) == (four, True)
    assert [one[3] for one in book.recent] == [10.0, -10.5]


@pytest.mark.parametrize(
    "event",
    [
        fill("2021-01-05", "A", 10.0, 20.0, 11.0),
        close("2021-01-05", 1001.0, 1001.0),
        close("2021-01-05", 1005.0, 1000.0, 4.0),
        Event("2021-01-05", "split", "A", 0, {"ratio": 2.0, "before": 0.0, "held": 1.0}),
    ],
)
def test_a_ledger_that_contradicts_itself_is_refused(event):
    with pytest.raises(DataError, match="the ledger contradicts itself on 2021-01-05"):
        replay([opened_with(1000.0), close("2021-01-04", 1000.0, 1000.0), event])
