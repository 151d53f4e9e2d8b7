"""Opening a data set: aligned for the first time, from its cache, and by several processes.

python -m benchmarks.data_store [--assets 7000] [--sessions 500] [--repeats 5] [--json]

A set of that many stocks is written in the form of ``runs.ingest``. Each figure is taken in
processes of their own, after their imports: CPU and peak resident memory of the first load; the
time of a load from the cache; and the memory that each of four processes has to itself after
looking at every close together.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import aligned
from feeds.calendars import sessions

__all__ = ["main", "measure", "write_set"]

#: A load from the cache, and what a process may have to itself of the arrays.
OPEN_LIMIT_MS, PRIVATE_LIMIT_MB = 50.0, 1.0
#: Processes that look at the arrays at once.
_READERS = 4
_PART = 250
_LOAD = """
import json, sys, time
from benchmarks.memory import status_mb
from feeds.store import load_dataset
cpu, wall = time.process_time(), time.perf_counter()
panel = load_dataset(sys.argv[1]).panel
told = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
print(json.dumps({**told, "peak_mb": status_mb("VmHWM")}))
"""
_READ = """
import json, sys
from pathlib import Path
from feeds.store import load_dataset

def private():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024

panel = load_dataset(sys.argv[1]).panel
panel.close[0].max()
before = private()
print("ready", flush=True)
sys.stdin.readline()
for row in panel.close:
    row.max()
print("seen", flush=True)
sys.stdin.readline()
print(json.dumps(private() - before), flush=True)
sys.stdin.readline()
"""


def write_set(folder: Path, assets: int, count: int, seed: int = 7) -> None:
    """Write a set of random walks; one asset in ten splits, one in five pays dividends."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    days = sessions("XNYS", np.datetime64("2010-01-04"), np.datetime64("2030-12-31"))[:count]
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    writer = None
    names = [f"S{number:05d}" for number in range(assets)]
    for first in range(0, assets, _PART):
        part = names[first : first + _PART]
        shape = len(part), len(days)
        close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=1)), 4)
        split, dividend = np.ones(shape), np.zeros(shape)
        split[::10, len(days) // 2] = 2.0
        dividend[::5, :: max(len(days) // 8, 1)] = 0.1
        code = np.repeat(np.arange(len(part), dtype=np.int32), len(days))
        columns = {
            "date": pa.array(np.tile(days, len(part))).cast(pa.date32()),
            "symbol": pa.DictionaryArray.from_arrays(pa.array(code), pa.array(part)),
            "open": close.ravel(),
            "high": close.ravel() * 1.01,
            "low": close.ravel() * 0.99,
            "close": close.ravel(),
            "volume": rng.integers(10_000, 9_000_000, close.size).astype(float),
            "split_ratio": split.ravel(),
            "dividend": dividend.ravel(),
        }
        table = pa.table(columns)
        if writer is None:
            path = folder / "prices_equities.parquet"
            writer = pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()
    head = "symbol,asset_class,name,start,end,end_reason,volume_unit,price_kind"
    tail = f"{days[0]},{days[-1]},data_end,units,traded"
    lines = [head, *(f"{name},equity,{name},{tail}" for name in names)]
    (folder / "universe.csv").write_text("\n".join(lines) + "\n")
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(folder.iterdir())
    }
    manifest = {"name": "walks", "end": str(days[-1]), "limits": [], "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def measure(folder: Path, repeats: int) -> dict[str, float]:
    """Seconds and MB of the loads of a set: medians, of memory the highest."""
    first = []
    for _ in range(repeats):
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        first.append(_child(folder))
    again = [_child(folder) for _ in range(repeats)]
    return {
        "first_cpu": statistics.median(one["cpu"] for one in first),
        "first_peak_mb": max(one["peak_mb"] for one in first),
        "open_ms": 1000 * statistics.median(one["wall"] for one in again),
        "open_peak_mb": max(one["peak_mb"] for one in again),
        "private_mb": max(_private(folder)),
    }


def _child(folder: Path) -> dict[str, float]:
    command = [sys.executable, "-c", _LOAD, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _private(folder: Path) -> list[float]:
    """MB that each of several processes has to itself when all have looked at every close."""
    command = [sys.executable, "-c", _READ, str(folder)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    readers = [subprocess.Popen(command, **pipes) for _ in range(_READERS)]
    answers = []
    for _ in range(3):
        answers = [reader.stdout.readline() for reader in readers]
        for reader in readers:
            reader.stdin.write("\n")
            reader.stdin.flush()
    for reader in readers:
        reader.communicate()
    return [float(answer) for answer in answers]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 1 where a limit is not held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_store", description=__doc__)
    parser.add_argument("--assets", type=int, default=7000)
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="data-store-") as place:
        folder = Path(place) / "set"
        write_set(folder, arguments.assets, arguments.sessions)
        found = measure(folder, arguments.repeats)
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        rows = [
            ["first load, s CPU", f"{found['first_cpu']:.2f}", ""],
            ["first load, peak MB", f"{found['first_peak_mb']:.0f}", ""],
            ["from the cache, ms", f"{found['open_ms']:.0f}", f"{OPEN_LIMIT_MS:.0f}"],
            ["from the cache, peak MB", f"{found['open_peak_mb']:.0f}", ""],
            ["own memory of a reader, MB", f"{found['private_mb']:.2f}", f"{PRIVATE_LIMIT_MB:.0f}"],
        ]
        head = [f"{arguments.assets} assets x {arguments.sessions} sessions", "measured", "limit"]
        print(aligned(head, rows))
    held = found["open_ms"] <= OPEN_LIMIT_MS and found["private_mb"] <= PRIVATE_LIMIT_MB
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
