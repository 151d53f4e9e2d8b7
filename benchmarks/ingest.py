"""CPU and memory of an ingest, as ratios to pandas on the same files in the same run.

python -m benchmarks.ingest [--repeats 3] [--gigabytes 1] [--json]

Each set goes from the vendor's file through ``runs.ingest --source files`` into a store and on
into a panel, in one process; the peer reads the file with pandas and sorts it once. Processes
take turns, so that a busy machine slows them alike, and medians are compared. Memory is the
process's peak resident size, interpreter and libraries included, over the bytes of the raw
frame. The large CSV is made for the purpose, and read once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.tables import aligned

__all__ = ["large_csv", "main", "measure"]

_SHARED = Path(__file__).parents[2] / "shared" / "data"
#: At most this many times the CPU of reading and sorting, and this many times the raw frame.
CPU_LIMIT, MEMORY_LIMIT = 3.0, 4.0
#: Frames smaller than this weigh less than the interpreter and say nothing about memory.
_SMALL_MB = 50.0
#: MB that an ingest of a file of any size may take.
BOUND_MB = 700.0
_TELL = """
import json, time
from benchmarks.memory import status_mb
print(json.dumps({"cpu": time.process_time(), "peak_mb": status_mb("VmHWM"), **told}))
"""
_PEER = """
import sys
import pandas as pd
path = sys.argv[1]
read = pd.read_parquet if path.endswith(".parquet") else pd.read_csv
frame = read(path)
told = {"rows": len(frame), "frame_mb": float(frame.memory_usage(deep=True).sum()) / 2**20}
frame = frame.sort_values(["symbol", "date"])
""" + _TELL
_OURS = """
import sys
from benchmarks.memory import status_mb
from runs.ingest import main
from feeds.store import load_dataset
raw, asset_class, out = sys.argv[1:]
arguments = ["--source", "files", "--raw", raw, "--asset-class", asset_class, "--out", out]
code = main([*arguments, "--quiet"])
if code:
    raise SystemExit(code)
told = {"ingest_peak_mb": status_mb("VmHWM")}
data = load_dataset(out, calendar="24/7" if asset_class == "crypto" else "XNYS")
""" + _TELL


@dataclass(frozen=True)
class _Case:
    name: str
    path: Path
    asset_class: str


CASES = (
    _Case("US equities", _SHARED / "us_equities_prices.parquet", "equity"),
    _Case("45 coins", _SHARED / "crypto_daily.csv.gz", "crypto"),
)


def large_csv(path: Path, gigabytes: float, seed: int = 7) -> int:
    """Write long-form daily bars until the file has so many gigabytes; returns the rows.

    A random walk a symbol, 2,500 sessions each, symbols one after the other.
    """
    rng = np.random.default_rng(seed)
    days = np.busday_offset("2010-01-04", np.arange(2500), roll="forward").astype(str)
    rows, number = 0, 0
    with path.open("w", encoding="ascii") as stream:
        stream.write("symbol,date,open,high,low,close,volume\n")
        while stream.tell() < gigabytes * 1e9:
            closes = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days)))), 4)
            volumes = rng.integers(10_000, 9_000_000, len(days))
            stream.writelines(
                f"S{number:05d},{day},{at},{at * 1.01:.4f},{at * 0.99:.4f},{at},{shares}\n"
                for day, at, shares in zip(days.tolist(), closes.tolist(), volumes.tolist())
            )
            rows, number = rows + len(days), number + 1
    return rows


def measure(case: _Case, repeats: int) -> dict[str, float]:
    """Medians of CPU and peak memory of both, and their ratios."""
    theirs, ours = [], []
    for _ in range(repeats):
        theirs.append(_child(_PEER, str(case.path)))
        with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
            ours.append(_child(_OURS, str(case.path), case.asset_class, f"{folder}/set"))
    cpu = statistics.median(one["cpu"] for one in ours)
    peer = statistics.median(one["cpu"] for one in theirs)
    peak = max(one["peak_mb"] for one in ours)
    frame = theirs[0]["frame_mb"]
    return {
        "rows": theirs[0]["rows"], "cpu": cpu, "peer_cpu": peer, "cpu_ratio": cpu / peer,
        "peak_mb": peak, "frame_mb": frame, "memory_ratio": peak / frame,
    }  # fmt: skip


def _child(script: str, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-c", script, *arguments]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def _large(gigabytes: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        path = Path(folder) / "large.csv"
        rows = large_csv(path, gigabytes)
        size = path.stat().st_size / 2**20
        ours = _child(_OURS, str(path), "equity", f"{folder}/set")
    # Into the store: the panel of so many bars is a mapped file of its own size.
    return {"rows": rows, "cpu": ours["cpu"], "peak_mb": ours["ingest_peak_mb"], "file_mb": size}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; 1 where a limit is not held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=1.0, help="of the large CSV; 0: none")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    found = {case.name: measure(case, arguments.repeats) for case in CASES if case.path.exists()}
    large = _large(arguments.gigabytes) if arguments.gigabytes else None
    if arguments.json:
        print(json.dumps({**found, "large": large}, indent=1))
    else:
        print("\n\n".join(_tables(found, large)))
    held = all(
        one["cpu_ratio"] <= CPU_LIMIT
        and (one["frame_mb"] < _SMALL_MB or one["memory_ratio"] <= MEMORY_LIMIT)
        for one in found.values()
    )
    return 0 if held and (large is None or large["peak_mb"] <= BOUND_MB) else 1


def _tables(found: dict[str, dict[str, float]], large: dict[str, float] | None) -> list[str]:
    head = ["set", "rows", "s CPU", "pandas", "ratio", "limit", "peak MB", "frame MB", "ratio"]
    rows = [
        [
            name, f"{one['rows']:,.0f}", f"{one['cpu']:.2f}", f"{one['peer_cpu']:.2f}",
            f"{one['cpu_ratio']:.2f}", f"{CPU_LIMIT:g}", f"{one['peak_mb']:.0f}",
            f"{one['frame_mb']:.0f}", f"{one['memory_ratio']:.1f}",
        ]
        for name, one in found.items()
    ]  # fmt: skip
    tables = [aligned(head, rows)] if rows else [f"no set in {_SHARED.name}: nothing to compare"]
    if large is not None:
        cells = [
            f"{large['file_mb']:.0f} MB CSV", f"{large['rows']:,.0f}", f"{large['cpu']:.1f}",
            f"{large['peak_mb']:.0f}", f"{BOUND_MB:.0f}",
        ]  # fmt: skip
        tables.append(aligned(["file", "rows", "s CPU", "peak MB", "bound MB"], [cells]))
    return tables


if __name__ == "__main__":
    raise SystemExit(main())
