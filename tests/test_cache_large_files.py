"""Files of a set compared with its manifest: the large ones only when they may have changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

import feeds.file_checks as file_checks
from feeds.errors import DataError
from feeds.store import load_dataset
from feeds.write import write_folder
from tests.cache_case import content, dead_process
from tests.little_set import MANIFEST, files


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("truth") / "made"
    write_folder(folder, files(), MANIFEST)
    return content(folder)


@pytest.fixture
def folder(tmp_path) -> Path:
    write_folder(tmp_path / "made", files(), MANIFEST)
    return tmp_path / "made"


class TestLargeFiles:
    """A large file is read again only when it may have changed."""

    @pytest.fixture
    def reads(self, monkeypatch) -> list[str]:
        """Names of the files that were read for their hash; the little set's prices are large."""
        found: list[str] = []
        whole = file_checks._sha256
        monkeypatch.setattr(
            file_checks, "_sha256", lambda path: (found.append(path.name), whole(path))[1]
        )
        monkeypatch.setattr(file_checks, "_SMALL", 300)
        monkeypatch.setattr(file_checks, "_SETTLED", 0)
        return found

    def test_large_ones_are_read_once_and_small_ones_always(self, folder, reads):
        sizes = {name: (folder / name).stat().st_size for name in files()}
        large = {name for name, size in sizes.items() if size > 300}
        assert large and large < set(sizes)
        load_dataset(folder)
        assert set(reads) == set(sizes)
        reads.clear()
        hashes = load_dataset(folder).hashes
        assert set(reads) == set(sizes) - large
        for name, digest in hashes.items():
            assert digest == hashlib.sha256((folder / name).read_bytes()).hexdigest()

    def test_an_edit_is_noticed_though_size_and_time_are_put_back(self, folder, reads):
        load_dataset(folder)
        path = folder / "prices_equities.csv"
        before = path.stat()
        path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size
        with pytest.raises(DataError, match="damaged or was edited"):
            load_dataset(folder)
        with pytest.raises(DataError, match="damaged or was edited"):
            load_dataset(folder)

    def test_so_is_another_file_in_its_place(self, folder, reads, tmp_path):
        load_dataset(folder)
        path, other = folder / "prices_equities.csv", tmp_path / "other"
        shutil.copy2(path, other)
        content = other.read_bytes()
        other.write_bytes(content.replace(b"1", b"2", 1))
        os.replace(other, path)
        with pytest.raises(DataError, match="damaged or was edited"):
            load_dataset(folder)

    def test_a_file_that_just_changed_is_not_yet_trusted(self, folder, reads, monkeypatch):
        monkeypatch.setattr(file_checks, "_SETTLED", 10**12)
        load_dataset(folder)
        reads.clear()
        load_dataset(folder)
        assert set(reads) == set(files())

    def test_a_manifest_that_asks_for_another_content(self, folder, reads):
        load_dataset(folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"]["prices_equities.csv"]["sha256"] = "0" * 64
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(DataError, match="the manifest has 000000000000"):
            load_dataset(folder)

    @pytest.mark.parametrize("note", ["", "[]", "{", '{"prices_equities.csv": 1}'])
    def test_a_damaged_note_is_no_note(self, folder, reads, truth, note):
        load_dataset(folder)
        (folder / ".cache" / "verified.json").write_text(note)
        reads.clear()
        assert content(folder) == truth
        assert set(reads) == set(files())

    def test_what_a_killed_process_was_writing_is_removed(self, folder, reads):
        (folder / ".cache").mkdir()
        litter = folder / ".cache" / f"verified.json.{dead_process()}"
        litter.write_text("{")
        load_dataset(folder)
        assert not litter.exists() and (folder / ".cache" / "verified.json").exists()

    def test_a_copy_of_a_folder_is_read(self, folder, reads, tmp_path):
        load_dataset(folder)
        shutil.copytree(folder, tmp_path / "copy")
        reads.clear()
        load_dataset(tmp_path / "copy")
        assert set(reads) == set(files())
