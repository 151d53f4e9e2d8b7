"""Peak memory of a run over a memory-mapped panel, in a process of its own.

python -m benchmarks.engines --memory [--assets 5000] [--sessions 6300] starts one process that
writes the panel's files, block by block, and one for each lane, which maps them and runs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lanes import LANES
from benchmarks.panels import case_of, open_panel, save_panel
from benchmarks.tables import aligned
from feeds.errors import UserError

__all__ = ["measure_memory", "memory_table", "status_mb"]

#: What a run may take beside the panel itself.
ROOM_MB = 80
#: Bytes of one asset on one session: seven float64 fields and two bools.
_CELL = 7 * 8 + 2


def measure_memory(
    lanes: Sequence[str], assets: int, sessions: int, side: str, seed: int
) -> list[dict[str, Any]]:
    """What each lane took, see :func:`_run`.

    Raises
    ------
    UserError
        If the disk of the temporary folder has no room for the panel.
    """
    needed = assets * sessions * _CELL
    with tempfile.TemporaryDirectory(prefix="panel-") as folder:
        free = shutil.disk_usage(folder).free
        if free < 1.1 * needed:
            raise UserError(
                f"{folder}: {free / 1e9:.1f} GB free, the panel takes {needed / 1e9:.1f} GB",
                "set TMPDIR to a larger disk, or lower --assets or --sessions",
            )
        _child("make", folder, assets, sessions, side, seed)
        return [json.loads(_child(lane, folder, assets, sessions, side, seed)) for lane in lanes]


def memory_table(found: Sequence[dict[str, Any]]) -> str:
    """What :func:`measure_memory` found, in MB of 2^20 bytes, with the limits it is held to."""
    rows = []
    for one in found:
        limit = one["panel_mb"] + ROOM_MB
        growth = one["peak_anonymous_mb"] - one["opened_anonymous_mb"]
        lane = one["lane"]
        rows += [
            [lane, "panel on disk", f"{one['panel_mb']:.0f}", ""],
            [lane, "anonymous after imports", f"{one['imported_anonymous_mb']:.0f}", ""],
            [lane, "anonymous, panel opened", f"{one['opened_anonymous_mb']:.0f}", ""],
            [lane, "anonymous, peak of the run", f"{one['peak_anonymous_mb']:.0f}", ""],
            [lane, "growth of anonymous in the run", f"{growth:.0f}", _at_most(growth, ROOM_MB)],
            [lane, "file pages mapped at the end", f"{one['file_mb']:.0f}", ""],
            [
                lane,
                "peak resident, everything",
                f"{one['peak_resident_mb']:.0f}",
                _at_most(one["peak_resident_mb"], limit),
            ],
        ]
    one = found[0]
    head = f"{one['assets']} assets x {one['sessions']} sessions, {one['side']}, "
    head += ", ".join(f"{one['lane']} {one['cpu_seconds']:.2f} s CPU" for one in found)
    return f"{head}\n{aligned(('lane', 'memory', 'MB', 'limit'), rows, texts=2)}"


def _at_most(value: float, limit: float) -> str:
    return f"at most {limit:.0f}: {'holds' if value <= limit else 'missed'}"


def status_mb(field: str) -> float:
    """A field of this process's ``/proc/self/status``, in MB of 2^20 bytes (Linux)."""
    with open("/proc/self/status", encoding="ascii") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    raise KeyError(field)


class _Watch(threading.Thread):
    """The largest anonymous memory seen until it is stopped, looked up every millisecond."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = status_mb("RssAnon")
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            self.peak = max(self.peak, status_mb("RssAnon"))
            time.sleep(0.001)

    def stop(self) -> float:
        self._stopped.set()
        self.join()
        return max(self.peak, status_mb("RssAnon"))


def _child(task: str, folder: str, *numbers: object) -> str:
    command = [sys.executable, "-m", "benchmarks.memory", task, folder, *map(str, numbers)]
    place = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=place, stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout


def _make(folder: Path, assets: int, sessions: int, side: str, seed: int) -> None:
    (folder / "panel").mkdir()
    save_panel(folder / "panel", assets, sessions, seed)
    case = case_of(open_panel(folder / "panel"), side, seed)
    np.save(folder / "weights.npy", case.weights)


def _run(lane: str, folder: Path, side: str, seed: int) -> dict[str, Any]:
    """One run of a lane; memory before, after and at its peak."""
    engine = {engine.name: engine for engine in LANES}[lane]
    imported = status_mb("RssAnon")
    panel = open_panel(folder / "panel")
    weights = np.load(folder / "weights.npy", mmap_mode="r").view(np.ndarray)
    run = engine.prepare(case_of(panel, side, seed, weights))
    opened = status_mb("RssAnon")
    watch = _Watch()
    watch.start()
    start = time.process_time()
    outcome = run()
    seconds = time.process_time() - start
    sessions, assets = panel.shape
    return {
        "lane": lane,
        "assets": assets,
        "sessions": sessions,
        "side": side,
        "fills": outcome.fills,
        "final_value": outcome.final_value,
        "cpu_seconds": seconds,
        "panel_mb": assets * sessions * _CELL / 2**20,
        "imported_anonymous_mb": imported,
        "opened_anonymous_mb": opened,
        "peak_anonymous_mb": watch.stop(),
        "file_mb": status_mb("RssFile"),
        # Not getrusage: its maximum is inherited from the process that started this one.
        "peak_resident_mb": status_mb("VmHWM"),
    }


def main() -> None:
    """``make`` the files, or run a lane on them and print what it took."""
    task, folder, assets, sessions, side, seed = sys.argv[1:]
    if task == "make":
        _make(Path(folder), int(assets), int(sessions), side, int(seed))
    else:
        print(json.dumps(_run(task, Path(folder), side, int(seed))))


if __name__ == "__main__":
    main()
