"""The whole command, killed or failed at its writes: the old set or the new one, no litter."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from feeds.calendars import sessions
from feeds.store import load_dataset
from runs.ingest import main
from tests.crash_points import REFUSED, count_points, failed_at, killed_at

ROOT = Path(__file__).parent.parent
DAYS = sessions("XNYS", np.datetime64("2020-01-02"), np.datetime64("2020-02-28"))
#: What make test-all does besides.
EXHAUSTIVE = pytest.mark.exhaustive
SLOW = pytest.mark.slow
WAYS = ("files", "symbols")


def write_bars(folder, symbols, days, slope=1.0):
    """A file a symbol and a symbols file that names them all."""
    folder.mkdir(exist_ok=True)
    for place, symbol in enumerate(symbols):
        rows = ["date,open,high,low,close,volume"]
        for row, day in enumerate(days):
            close = 50 + place + slope * row / 10
            rows.append(f"{day},{close:.2f},{close + 1:.2f},{close - 1:.2f},{close:.2f},1000")
        (folder / f"{symbol}.csv").write_text("\n".join(rows) + "\n")
    lines = [f"{name},equity,files,{folder.name}/{name}.csv,USD" for name in symbols]
    head = "symbol,asset_class,source,source_symbol,currency"
    (folder.parent / "symbols.csv").write_text("\n".join([head, *lines]) + "\n")


def run(way):
    """The command in the current folder; its code is not looked at by the harness."""
    arguments = {
        "files": ["--source", "files", "--raw", "raw", "--asset-class", "equity"],
        "symbols": ["--symbols-file", "symbols.csv", "--jobs", "1"],
    }[way]
    code = main([*arguments, "--out", "place/set", "--quiet"])
    if code == 2:
        from feeds.errors import UserError

        raise UserError("refused")


def content(folder):
    """Every file, but when each symbol was fetched and what that run had to fetch."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name == "report.json":
            found[name] = json.loads(path.read_text())
            for told in found[name]["symbols"].values():
                told.pop("fetch", None)
        elif path.is_file() and path.name not in ("manifest.json", "index.json"):
            found[name] = path.read_bytes()
    return found


@pytest.fixture(params=WAYS)
def sets(request, tmp_path, monkeypatch):
    """The way, the old set in its place, and the contents of the old and of the new one."""
    monkeypatch.chdir(tmp_path)
    Path("place").mkdir()
    write_bars(tmp_path / "raw", ["NA", "B"], DAYS[:-3])
    run(request.param)
    old = content(Path("place/set"))
    shutil.copytree("place", "old")
    write_bars(tmp_path / "raw", ["NA", "B", "TRUE"], DAYS)
    run(request.param)
    new = content(Path("place/set"))
    assert old != new
    restore()
    return request.param, old, new


def restore():
    shutil.rmtree("place")
    shutil.copytree("old", "place")


def check_whole(old, new):
    """The set is one of the two, and loads."""
    now = content(Path("place/set"))
    assert now in (old, new)
    load_dataset("place/set")
    return now == new


@pytest.mark.parametrize(
    "step", [13, pytest.param(3, marks=SLOW), pytest.param(1, marks=EXHAUSTIVE)]
)
def test_a_kill_at_any_point_leaves_one_set_and_the_next_run_completes(sets, step):
    way, old, new = sets
    total = count_points(Path("place"), lambda: run(way))
    assert total >= 30
    restore()
    ended_new = 0
    for at in range(1, total + 1, step):
        assert killed_at(Path("place"), lambda: run(way), at)
        ended_new += check_whole(old, new)
        run(way)
        assert content(Path("place/set")) == new
        shutil.rmtree("place/set/.cache", ignore_errors=True)
        assert sorted(os.listdir("place")) == ["set"]
        restore()
    assert ended_new < total / step


@pytest.mark.parametrize(
    "error", [errno.ENOSPC, *(pytest.param(e, marks=SLOW) for e in (errno.EROFS, errno.EIO))]
)
@pytest.mark.parametrize("step", [11, pytest.param(2, marks=EXHAUSTIVE)])
def test_a_disk_that_fails_at_any_point_leaves_what_was_there(sets, step, error):
    way, old, new = sets
    total = count_points(Path("place"), lambda: run(way))
    restore()
    for at in range(1, total + 1, step):
        code = failed_at(Path("place"), lambda: run(way), at, error)
        now_new = check_whole(old, new)
        # Told as a user's error where the set is not the new one; never a traceback.
        assert code in (0, REFUSED) and (code == REFUSED or now_new)
        run(way)
        assert content(Path("place/set")) == new
        shutil.rmtree("place/set/.cache", ignore_errors=True)
        assert sorted(os.listdir("place")) == ["set"]
        restore()


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [pytest.param(n, marks=[] if n < 2 else EXHAUSTIVE) for n in range(20)]
)
def test_a_kill_at_any_moment(tmp_path, seed):
    """Also what C code writes: killed after a random time, whatever it is doing."""
    write_bars(tmp_path / "raw", [f"S{number}" for number in range(200)], DAYS)
    command = [
        sys.executable, "-m", "runs.ingest", "--source", "files", "--raw", "raw",
        "--asset-class", "equity", "--out", "place/set", "--format", "parquet", "--quiet",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    (tmp_path / "place").mkdir()
    began = time.monotonic()
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    whole = time.monotonic() - began
    new = content(tmp_path / "place/set")
    shutil.rmtree(tmp_path / "place/set")
    # Imports take the first part of it; what is written is written in the rest.
    moment = whole * (0.5 + 0.5 * np.random.default_rng(seed).random())
    child = subprocess.Popen(command, cwd=tmp_path, env=environment)
    time.sleep(moment)
    child.send_signal(signal.SIGKILL)
    child.wait()
    if (tmp_path / "place/set").exists():
        assert content(tmp_path / "place/set") == new
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert content(tmp_path / "place/set") == new
    assert os.listdir(tmp_path / "place") == ["set"]
