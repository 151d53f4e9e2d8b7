"""Writing a data set: the same bytes each time, and a kill tears nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from feeds import atomic, write
from feeds.errors import OutputError
from feeds.store import load_dataset
from feeds.write import check_output, write_folder
from tests.little_set import MANIFEST, files, refuse


@pytest.fixture
def folder(tmp_path) -> Path:
    write_folder(tmp_path / "made", files(), MANIFEST)
    return tmp_path / "made"


class TestWriting:
    def test_the_bytes_do_not_depend_on_the_run(self, tmp_path, folder):
        write_folder(tmp_path / "again", files(), MANIFEST)
        for path in folder.iterdir():
            assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()

    def test_large_files_are_compressed_without_a_name_or_a_time(self, tmp_path, monkeypatch):
        monkeypatch.setattr(write, "_COMPRESS_OVER", 100)
        write_folder(tmp_path / "made", files(), MANIFEST)
        head = (tmp_path / "made" / "prices_crypto.csv.gz").read_bytes()[:10]
        assert head == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
        assert load_dataset(tmp_path / "made").panel.close[5, 2] == 25.0

    def test_a_new_set_takes_the_place_of_the_old_one(self, folder):
        write_folder(folder, files(), {**MANIFEST, "name": "second"})
        assert load_dataset(folder).name == "second"
        assert [path.name for path in folder.parent.iterdir()] == ["made"]

    def test_without_an_exchange_two_renames_do(self, folder, monkeypatch):
        monkeypatch.setattr(atomic, "_exchange", lambda one, two: False)
        write_folder(folder, files(), {**MANIFEST, "name": "second"})
        assert load_dataset(folder).name == "second"
        assert [path.name for path in folder.parent.iterdir()] == ["made"]

    @pytest.mark.parametrize("step", ["sync_path", "_swap", "_remove_leftovers"])
    def test_a_failure_leaves_the_old_set(self, folder, monkeypatch, step):
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        monkeypatch.setattr(atomic, step, refuse)
        with pytest.raises(OutputError, match="cannot write"):
            write_folder(folder, files(), {**MANIFEST, "name": "second"})
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        assert [path.name for path in folder.parent.iterdir()] == ["made"]

    @pytest.mark.parametrize(
        "step", ["_gzip", "sync_path", "_exchange", "_swap", "_remove_leftovers"]
    )
    def test_a_kill_leaves_the_old_set_or_the_new_one(self, folder, step):
        child = os.fork()
        if not child:
            module = write if step == "_gzip" else atomic
            real = getattr(module, step)

            def kill(*arguments):
                real(*arguments)
                os.kill(os.getpid(), signal.SIGKILL)

            write._COMPRESS_OVER = 100
            setattr(module, step, kill)
            write_folder(folder, files(), {**MANIFEST, "name": "second"})
            os._exit(0)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        assert load_dataset(folder).name in ("made", "second")
        write_folder(folder, files(), {**MANIFEST, "name": "third"})
        assert load_dataset(folder).name == "third"
        assert [path.name for path in folder.parent.iterdir()] == ["made"]

    def test_places_that_are_refused(self, tmp_path, folder):
        (tmp_path / "file").write_text("x")
        with pytest.raises(OutputError, match="is a file"):
            check_output(tmp_path / "file")
        with pytest.raises(OutputError, match="holds no data set"):
            check_output(tmp_path)
        (folder / "notes.txt").write_text("mine")
        with pytest.raises(OutputError, match="holds notes.txt"):
            check_output(folder)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_read_only_parent_is_refused(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(OutputError, match="cannot write"):
            check_output(tmp_path / "new")

    def test_a_new_place_is_accepted(self, tmp_path, folder):
        check_output(tmp_path / "a" / "b")
        check_output(folder)
