"""CPU of the main job, as ratios measured side by side in one run.

python -m benchmarks.main_job [--config C] [--repeats 5] [--json]

Two ratios: the default command against the QuantStats report alone for the same returns, and
``--no-tearsheet`` against the bare imports of pandas, backtrader and matplotlib. Each process
is timed whole, children included, user and system time together; the four take turns, so that
a busy machine slows them alike, and the medians are compared. The data cache is warm: one
round that is not counted runs first.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

_BARE_IMPORTS = "import pandas, backtrader, matplotlib"
_QUANTSTATS = """
import sys, warnings
warnings.simplefilter("ignore")
import matplotlib
matplotlib.use("Agg")
import pandas as pd, quantstats as qs
values = pd.read_csv(sys.argv[1], index_col="date", parse_dates=True)["value"]
returns = values.pct_change().fillna(0.0)
qs.reports.html(returns, output=sys.argv[2], match_dates=False, periods_per_year=252)
"""
_LIMITS = {"default / QuantStats report": 1.5, "--no-tearsheet / bare imports": 2.5}


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(config: str, repeats: int) -> dict[str, list[float]]:
    """CPU seconds of each of the four commands, `repeats` times, taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        job = [sys.executable, "-m", "runs.backtest", "--config", config, "--quiet", "--out"]
        commands = {
            "default": [*job, str(out / "full")],
            "QuantStats report": [
                sys.executable, "-c", _QUANTSTATS,
                str(out / "full" / "values.csv"), str(out / "quantstats.html"),
            ],
            "--no-tearsheet": [*job, str(out / "tables"), "--no-tearsheet"],
            "bare imports": [sys.executable, "-c", _BARE_IMPORTS],
        }  # fmt: skip
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(repeats + 1):
            for name, command in commands.items():
                seconds = cpu_seconds(command)
                if turn > 0:
                    times[name].append(seconds)
        return times


def ratios(times: dict[str, list[float]]) -> dict[str, float]:
    """The two ratios, of medians."""
    median = {name: statistics.median(seconds) for name, seconds in times.items()}
    return {
        "default / QuantStats report": median["default"] / median["QuantStats report"],
        "--no-tearsheet / bare imports": median["--no-tearsheet"] / median["bare imports"],
    }


def main() -> int:
    """Measure and print; the exit code says whether both limits hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/backtest.yaml")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    times = measure(arguments.config, arguments.repeats)
    found = ratios(times)
    if arguments.json:
        print(json.dumps({"cpu_seconds": times, "ratios": found, "limits": _LIMITS}))
    else:
        for name, seconds in times.items():
            low, high = min(seconds), max(seconds)
            print(f"{name:<20} {statistics.median(seconds):7.2f} s CPU ({low:.2f}..{high:.2f})")
        for name, ratio in found.items():
            print(f"{name:<32} {ratio:5.2f}  (at most {_LIMITS[name]})")
    return 0 if all(found[name] <= limit for name, limit in _LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
