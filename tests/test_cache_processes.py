"""The cache under kills, and with several processes and threads at once."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

import feeds.cache as cache
from feeds.store import load_dataset
from feeds.write import write_folder
from tests.cache_case import caches, content, cut, forks, in_child, made_cache, replace
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
            ("damaged", 11),
            pytest.param("empty", 3, marks=pytest.mark.slow),
            *(
                pytest.param(start, 1, marks=pytest.mark.exhaustive)
                for start in ("empty", "damaged", "stale")
            ),
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
