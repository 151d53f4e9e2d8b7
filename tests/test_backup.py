"""Copies of the paper ledger: taken at any moment, checked, named by what they hold, put back."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from feeds.errors import DataError, OutputError
from feeds.lock import writer_lock
from runs.backup import backup_ledger, main, restore_ledger
from strategies.execution.ledger import Event, Ledger, reading_ledger, writing_ledger


def note(bar: str, number: int = 0) -> Event:
    return Event(bar, "note", "", number, {"text": f"note {number}"})


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "paper.db"
    with writing_ledger(path) as book:
        book.append([note("2021-03-03"), note("2021-03-03", 1)])
        book.append([note("2021-03-04")])
    return path


def read(path: Path) -> tuple[list[Event], str]:
    with reading_ledger(path) as book:
        book.check()
        return book.events(), book.head


class TestBackup:
    def test_holds_every_event_and_is_named_by_the_last(self, ledger: Path, tmp_path: Path) -> None:
        copy = backup_ledger(ledger, tmp_path / "copies")
        assert read(copy) == read(ledger)
        assert copy.name == f"paper-2021-03-04-{read(ledger)[1][:12]}.db"

    def test_is_one_file(self, ledger: Path, tmp_path: Path) -> None:
        copy = backup_ledger(ledger, tmp_path / "copies")
        assert list(copy.parent.iterdir()) == [copy]
        # 1 in the bytes 18 and 19 of the header: no log; 2 would be one.
        assert copy.read_bytes()[18:20] == b"\x01\x01"

    def test_of_the_same_ledger_is_the_same_file(self, ledger: Path, tmp_path: Path) -> None:
        first = backup_ledger(ledger, tmp_path / "copies")
        assert backup_ledger(ledger, tmp_path / "copies") == first
        with writing_ledger(ledger) as book:
            book.append([note("2021-03-05")])
        second = backup_ledger(ledger, tmp_path / "copies")
        assert second != first and len(read(first)[0]) == 3 and len(read(second)[0]) == 4

    def test_in_the_middle_of_a_run_holds_what_was_committed(
        self, ledger: Path, tmp_path: Path
    ) -> None:
        with writing_ledger(ledger) as book:
            book.append([note("2021-03-05")])
            # A transaction that is open: its event is not there yet.
            book._connection.execute("BEGIN IMMEDIATE")
            book._connection.execute(
                "INSERT INTO events (bar, kind, symbol, number, payload, prev_hash, hash) "
                "VALUES ('2021-03-08', 'note', '', 0, '{}', 'a', 'b')"
            )
            copy = backup_ledger(ledger, tmp_path / "copies")
            book._connection.execute("ROLLBACK")
        assert [event.bar for event in read(copy)[0]] == [
            *["2021-03-03"] * 2,
            "2021-03-04",
            "2021-03-05",
        ]

    def test_of_an_empty_ledger(self, tmp_path: Path) -> None:
        with writing_ledger(tmp_path / "new.db"):
            pass
        copy = backup_ledger(tmp_path / "new.db", tmp_path / "copies")
        assert copy.name == "new-empty-000000000000.db"

    def test_of_a_ledger_that_was_changed_is_refused_and_leaves_nothing(
        self, ledger: Path, tmp_path: Path
    ) -> None:
        tamper(ledger)
        with pytest.raises(DataError, match="paper.db: event 2 .* is not what was written"):
            backup_ledger(ledger, tmp_path / "copies")
        assert list((tmp_path / "copies").iterdir()) == []

    def test_of_nothing_makes_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such ledger"):
            backup_ledger(tmp_path / "paper.db", tmp_path / "copies")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
    def test_of_a_ledger_that_stands_where_nothing_can_be_written(
        self, ledger: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        copies = tmp_path_factory.mktemp("copies")
        tmp_path.chmod(0o555)
        try:
            assert read(backup_ledger(ledger, copies)) == read(ledger)
        finally:
            tmp_path.chmod(0o755)

    def test_where_nothing_can_be_written(self, ledger: Path, tmp_path: Path) -> None:
        (tmp_path / "copies").write_text("a file")
        with pytest.raises(OutputError, match="cannot write to"):
            backup_ledger(ledger, tmp_path / "copies")


def tamper(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER events_are_not_changed")
    connection.execute("UPDATE events SET payload = '{}' WHERE id = 2")
    connection.commit()
    connection.close()


class TestRestore:
    def test_gives_the_ledger_back_and_it_goes_on(self, ledger: Path, tmp_path: Path) -> None:
        before = read(ledger)
        copy = backup_ledger(ledger, tmp_path / "copies")
        for path in tmp_path.glob("paper.db*"):
            path.unlink()
        assert restore_ledger(copy, ledger) == ledger
        assert read(ledger) == before
        with writing_ledger(ledger) as book:
            book.append([note("2021-03-05")])
        assert len(read(ledger)[0]) == 4 and read(copy) == before

    def test_does_not_overwrite(self, ledger: Path, tmp_path: Path) -> None:
        copy = backup_ledger(ledger, tmp_path / "copies")
        with pytest.raises(OutputError, match="paper.db is there"):
            restore_ledger(copy, ledger)

    @pytest.mark.parametrize("suffix", ["-wal", "-shm"])
    def test_does_not_meet_the_log_of_another(
        self, ledger: Path, tmp_path: Path, suffix: str
    ) -> None:
        copy = backup_ledger(ledger, tmp_path / "copies")
        (tmp_path / f"other.db{suffix}").write_bytes(b"")
        with pytest.raises(OutputError, match=f"other.db{suffix} is there"):
            restore_ledger(copy, tmp_path / "other.db")
        assert not (tmp_path / "other.db").exists()

    def test_of_a_copy_that_was_changed_is_refused(self, ledger: Path, tmp_path: Path) -> None:
        copy = backup_ledger(ledger, tmp_path / "copies")
        tamper(copy)
        with pytest.raises(DataError, match="paper-.*: event 2 .* is not what was") as error:
            restore_ledger(copy, tmp_path / "other.db")
        assert error.value.remedy == "name another copy with --restore"
        assert not list(tmp_path.glob("*other*"))

    def test_is_refused_while_a_run_is_at_work(self, ledger: Path, tmp_path: Path) -> None:
        copy = backup_ledger(ledger, tmp_path / "copies")
        other = tmp_path / "other.db"
        # As a run that has begun and has not made its file yet.
        with writer_lock(other), pytest.raises(OutputError, match="another run is at work"):
            restore_ledger(copy, other)
        assert not other.exists()

    def test_of_nothing_makes_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such ledger") as error:
            restore_ledger(tmp_path / "copy.db", tmp_path / "new/paper.db")
        assert error.value.remedy == "name another copy with --restore"
        assert list(tmp_path.iterdir()) == []


class TestCommand:
    def test_there_and_back(
        self, ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--ledger", str(ledger), "--out", str(tmp_path / "copies")]) == 0
        (copy,) = (tmp_path / "copies").iterdir()
        assert capsys.readouterr().out == f"{copy}\n"
        other = tmp_path / "other.db"
        assert main(["--restore", str(copy), "--ledger", str(other), "--quiet"]) == 0
        assert read(other) == read(ledger)

    def test_a_mistake(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--ledger", str(tmp_path / "paper.db")]) == 2
        assert "no such file" in capsys.readouterr().err


def test_the_chain_is_what_is_checked(ledger: Path) -> None:
    """Witness of the tests above: a ledger that was not changed passes."""
    with reading_ledger(ledger) as book:
        assert isinstance(book, Ledger)
        book.check()
