"""The cache under damage, kills, full disks and several processes at once."""

from __future__ import annotations

import ast
import errno
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import feeds.cache as cache
import feeds.file_checks as file_checks
from feeds.errors import DataError
from feeds.store import load_dataset
from feeds.write import write_folder
from tests.little_set import MANIFEST, files

FIELDS = ("dates", "open", "high", "low", "close", "volume", "split_factor", "dividend_factor")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("truth") / "made"
    write_folder(folder, files(), MANIFEST)
    return content(folder)


@pytest.fixture
def folder(tmp_path) -> Path:
    write_folder(tmp_path / "made", files(), MANIFEST)
    return tmp_path / "made"


def content(folder: Path) -> dict[str, bytes]:
    """What a load gives, as bytes, so that nothing of it stays mapped."""
    panel = load_dataset(folder).panel
    names = (*FIELDS, "tradable", "member", "close_only", "assets", "end_reason")
    return {name: np.ascontiguousarray(getattr(panel, name)).tobytes() for name in names}


def caches(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / ".cache").iterdir())


def made_cache(folder: Path) -> Path:
    content(folder)
    (name,) = caches(folder)
    return folder / ".cache" / name


class TestDamage:
    DAMAGES = {
        "cut in the numbers": lambda path: cut(path / "close.npy", 100),
        "cut by a byte": lambda path: cut(path / "close.npy", -1),
        "cut in the head": lambda path: cut(path / "close.npy", 9),
        "empty": lambda path: cut(path / "volume.npy", 0),
        "longer": lambda path: replace(path / "close.npy", lambda old: old + b"\0"),
        "another shape": lambda path: np.save(path / "close.npy", np.zeros((3, 7))),
        "another type": lambda path: np.save(path / "close.npy", np.zeros((7, 3), np.float32)),
        "objects": lambda path: np.save(path / "close.npy", np.array([None]), allow_pickle=True),
        "an array gone": lambda path: (path / "tradable.npy").unlink(),
        "no description": lambda path: (path / "meta.json").unlink(),
        "description cut": lambda path: cut(path / "meta.json", -5),
        "description edited": lambda path: replace(
            path / "meta.json", lambda old: old.replace(b"NA", b"NB")
        ),
        "description a list": lambda path: sealed(path, []),
        "description empty": lambda path: sealed(path, {}),
        "garbage": lambda path: replace(path / "meta.json", lambda old: b"\xff\xfe" * 99),
        "nothing inside": lambda path: [item.unlink() for item in list(path.iterdir())],
        "a file in its place": lambda path: (shutil.rmtree(path), path.write_bytes(b"x")),
    }

    @pytest.mark.parametrize("damage", DAMAGES)
    def test_it_is_noticed_and_built_again(self, folder, truth, damage):
        path = made_cache(folder)
        self.DAMAGES[damage](path)
        assert cache.load_cached(folder, path.name) is None
        assert content(folder) == truth
        if path.is_dir():
            assert cache.load_cached(folder, path.name) is not None
            assert caches(folder) == [path.name]
        assert content(folder) == truth


def cut(path: Path, size: int) -> None:
    replace(path, lambda old: old[:size])


def replace(path: Path, change: Callable[[bytes], bytes]) -> None:
    """By a new file: the old one may be mapped."""
    made = change(path.read_bytes())
    path.unlink()
    path.write_bytes(made)


def sealed(path: Path, meta: object) -> None:
    """A description that is whole and says something else."""
    text = json.dumps(meta).encode()
    seal = hashlib.sha256(text).hexdigest().encode()
    (path / "meta.json").write_bytes(seal + b"\n" + text)


class TestWhatItDependsOn:
    def test_calendars_have_their_own(self, folder):
        load_dataset(folder)
        load_dataset(folder, calendar="24/7")
        one, two = caches(folder)
        assert one.split("-")[0] == two.split("-")[0]

    @pytest.mark.parametrize("name", ["folding.py", "fundamentals.py", "us_holidays.py"])
    def test_other_code_or_holidays_make_another(self, folder, truth, name, tmp_path, monkeypatch):
        old = made_cache(folder).name
        paths = cache._definitions()
        (place,) = (n for n, path in enumerate(paths) if path.name == name)
        paths[place] = tmp_path / name
        paths[place].write_text("# changed")
        monkeypatch.setattr(cache, "_definitions", lambda: paths)
        assert content(folder) == truth
        (new,) = caches(folder)
        assert new != old

    def test_all_code_that_makes_the_arrays_counts(self):
        # What reading and aligning import of the package, and so on down.
        reached, waiting = set(), ["blocks", "price_files", "set_tables"]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                tree = ast.parse(Path(f"feeds/{name.replace('.', '/')}.py").read_text())
                found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
                waiting += [
                    node.module[6:] for node in found if str(node.module).startswith("feeds.")
                ]
        # These hold arrays, or say what is wrong; they make no numbers.
        others = {"atomic", "cache", "errors", "last_bars", "panel", "sources.request"}
        counted = {path.stem for path in cache._definitions() if path.parent.name == "feeds"}
        assert counted == reached - others
        assert all(path.is_file() for path in cache._definitions())

    def test_the_key_is_the_same_in_another_process(self, folder):
        # Hash seeds and the time zone have no say.
        import subprocess

        load_dataset(folder)
        code = f"from feeds.store import load_dataset; load_dataset({str(folder)!r})"
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
            environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            assert len(caches(folder)) == 1

    def test_readers_of_an_old_cache_keep_it(self, folder, truth):
        load_dataset(folder)
        old = load_dataset(folder).panel
        before = old.close.copy()
        rewrite(folder, "prices_crypto.csv", lambda text: text.replace(",26,", ",27,"))
        new = load_dataset(folder).panel
        assert len(caches(folder)) == 1
        assert new.close[6, 2] == 27.0
        np.testing.assert_array_equal(old.close, before)
        assert np.ascontiguousarray(old.volume).tobytes() == truth["volume"]


def rewrite(folder: Path, name: str, change: Callable[[str], str]) -> None:
    (folder / name).write_text(change((folder / name).read_text()))
    manifest = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    manifest["files"][name]["sha256"] = digest
    (folder / "manifest.json").write_text(json.dumps(manifest))


class TestLitter:
    def test_what_a_killed_process_left_is_removed(self, folder):
        (folder / ".cache" / f"building-{dead_process()}-0").mkdir(parents=True)
        (folder / ".cache" / "building-strange").mkdir()
        # In a container, the next process has the number of the one before.
        for number in range(3):
            (folder / ".cache" / f"building-{os.getpid()}-{number}").mkdir()
        made_cache(folder)

    def test_what_a_running_process_builds_is_left_alone(self, folder):
        own = folder / ".cache" / f"building-{os.getppid()}-0"
        own.mkdir(parents=True)
        load_dataset(folder)
        assert own.is_dir() and len(caches(folder)) == 2


def dead_process() -> int:
    child = multiprocessing.get_context("spawn").Process(target=int)
    child.start()
    child.join()
    return child.pid


class TestNoRoom:
    @pytest.mark.parametrize("step", ["_write_full", "rename", "fsync", "save", "write_bytes"])
    @pytest.mark.parametrize("call", [1, 3])
    def test_a_full_disk_costs_the_cache_and_nothing_else(
        self, folder, truth, step, call, monkeypatch
    ):
        owner = {"save": np, "write_bytes": Path, "_write_full": cache}.get(step, os)
        whole, calls = getattr(owner, step), []

        def full(*arguments, **options):
            calls.append(step)
            if len(calls) >= call:
                raise OSError(errno.ENOSPC, "No space left on device")
            return whole(*arguments, **options)

        monkeypatch.setattr(owner, step, full)
        assert content(folder) == truth
        if len(calls) >= call:
            assert caches(folder) == []
        monkeypatch.undo()
        assert content(folder) == truth
        assert len(caches(folder)) == 1

    def test_memory_is_given_back_without_a_loss(self, folder, truth, monkeypatch):
        monkeypatch.setattr(cache, "_RESIDENT", 0)
        monkeypatch.setattr(cache, "_PIECE", 16)
        assert content(folder) == truth
        assert len(caches(folder)) == 1

    @forks
    def test_files_that_may_not_grow(self, folder, truth):
        resource = pytest.importorskip("resource")

        def small() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
            assert content(folder) == truth

        assert in_child(small) == 0
        assert caches(folder) == []


def in_child(work: Callable[[], None]) -> int:
    """Exit code of the work in a process of its own; negative for a signal."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@forks
class TestKills:
    """A build killed at each of its steps; the load after it is right and leaves no litter."""

    EVENTS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "mmap.__new__")

    def killed_at(self, folder: Path, step: int) -> int:
        def work() -> None:
            seen = 0

            def count(name: str = "", *_: object) -> None:
                nonlocal seen
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)

            def audit(event: str, arguments: tuple) -> None:
                if event in self.EVENTS and (event[0] == "m" or ".cache" in str(arguments)):
                    count()

            sys.addaudithook(audit)
            for owner, name in ((os, "fsync"), (cache, "_write_full")):
                whole = getattr(owner, name)
                setattr(owner, name, lambda *given, whole=whole: (count(), whole(*given))[1])
            load_dataset(folder)

        return in_child(work)

    @pytest.mark.parametrize(
        ("start", "stride"),
        [
            ("damaged", 4),
            *(pytest.param(start, 1, marks=pytest.mark.slow) for start in ("empty", "damaged")),
            pytest.param("stale", 1, marks=pytest.mark.slow),
        ],
    )
    def test_every_step(self, tmp_path, truth, start, stride):
        write_folder(tmp_path / "first", files(), MANIFEST)
        if start != "empty":
            path = made_cache(tmp_path / "first")
            if start == "damaged":
                cut(path / "close.npy", 200)
            else:
                path.rename(path.with_name("0" * 20 + "-XNYS"))
        step, code = 1, -signal.SIGKILL
        while code == -signal.SIGKILL:
            folder = tmp_path / f"at{step}"
            shutil.copytree(tmp_path / "first", folder)
            code = self.killed_at(folder, step)
            assert content(folder) == truth, f"killed at step {step}"
            assert len(caches(folder)) == 1, f"killed at step {step}"
            shutil.rmtree(folder)
            step += stride
        assert code == 0 and step > 60


def _load_often(folder: Path, expected: dict[str, bytes], start, wrong) -> None:
    start.wait()
    for _ in range(25):
        if content(folder) != expected:
            wrong.value += 1


def _disturb(folder: Path, start) -> None:
    start.wait()
    for turn in range(40):
        for path in (folder / ".cache").glob("*-XNYS"):
            try:
                if turn % 2:
                    shutil.rmtree(path)
                else:
                    replace(path / "close.npy", lambda old: old[:150])
            except OSError:
                # Another process was there first.
                pass


class TestManyAtOnce:
    @forks
    @pytest.mark.parametrize("disturbed", [False, True])
    def test_builders_and_readers(self, folder, truth, disturbed):
        processes = multiprocessing.get_context("fork")
        start, wrong = processes.Event(), processes.Value("i", 0)
        arguments = (folder, truth, start, wrong)
        workers = [processes.Process(target=_load_often, args=arguments) for _ in range(4)]
        if disturbed:
            workers.append(processes.Process(target=_disturb, args=(folder, start)))
        for worker in workers:
            worker.start()
        start.set()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0] * len(workers)
        assert wrong.value == 0
        assert content(folder) == truth and len(caches(folder)) == 1

    def test_threads_of_one_process(self, folder, truth):
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: content(folder), range(12)))
        assert all(item == truth for item in found)
        assert len(caches(folder)) == 1

    @forks
    @pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux")
    def test_processes_share_the_arrays(self):
        load_dataset("data/sp500_crypto")
        processes = multiprocessing.get_context("fork")
        barrier, grown = processes.Barrier(4), processes.Queue()
        arguments = (barrier, grown)
        workers = [processes.Process(target=_touch, args=arguments) for _ in range(4)]
        for worker in workers:
            worker.start()
        found = [grown.get(timeout=60) for _ in workers]
        for worker in workers:
            worker.join(60)
        # 2,518 x 432 x 8 bytes are 8.7 MB.
        assert all(size > 8_000_000 for size, _ in found)
        assert max(private for _, private in found) < 100_000


def _touch(barrier, grown) -> None:
    panel = load_dataset("data/sp500_crypto").panel
    for row in panel.close:
        row.max()
    # None may unmap the file while another still counts.
    barrier.wait()
    grown.put((_resident("Rss:"), _resident("Private_")))
    barrier.wait()


def _resident(kind: str) -> int:
    """Bytes of the mapped closes that are resident, or resident in this process alone."""
    size, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            inside = line.endswith("close.npy")
        elif inside and line.startswith(kind):
            size += int(line.split()[1]) * 1024
    return size


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
