"""Whole runs on data cut or scrambled after t: nothing decided or booked up to t changes.

Each case makes the data set again from the vendors' files, their rows after t cut off or
shuffled, and runs a bundled configuration on it.
"""

from __future__ import annotations

import bz2
import gzip
import random
import shutil
from pathlib import Path

import pandas as pd
import pytest

from configs.load import load_config
from feeds.recipe import load_recipe
from runs.assemble import execute, prepare
from runs.collect import collect
from runs.ingest import main as ingest

RAW = Path("../shared/data/packages")
pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason=f"{RAW} is not here")
OPENERS = {".gz": gzip.open, ".bz2": bz2.open}
#: Decision dates, days around them, month and quarter ends, splices, gaps and a vendor's fill.
DATES = {
    "large_caps_bitcoin": [
        "2014-03-31", "2015-01-14", "2016-05-31", "2017-12-15", "2018-12-31",
        "2019-03-25", "2019-04-01", "2020-01-17", "2020-03-16", "2021-10-29",
    ],
    "backtest": [
        "2010-02-01", "2010-02-26", "2011-08-08", "2012-04-30", "2013-06-28",
        "2014-07-31", "2014-12-31", "2015-12-01", "2016-01-15", "2016-11-10",
    ],
}  # fmt: skip
CASES = [(name, date) for name, dates in DATES.items() for date in dates]
#: Every sixth of them is scrambled where time is short.
OFTEN = CASES[2::6]
QUICK = ("large_caps_bitcoin", "2019-03-25")


def run(name: str, data: Path | None, end: str | None):
    changes = [f"data.dir={data}"] if data else []
    changes += [f"data.end={end}"] if end else []
    study = prepare(load_config(f"configs/{name}.yaml", changes))
    return collect(study, execute(study), "")


@pytest.fixture(scope="module")
def whole():
    made: dict[str, object] = {}
    return lambda name: made.setdefault(name, run(name, None, None))


def scramble(recipe: str, made: Path, after: str, seed: int) -> None:
    """A copy of a recipe's files, what they say of the days after `after` exchanged."""
    for name in sorted({str(entry.path) for entry in load_recipe(recipe).raw.values()}):
        path, target = RAW / name, made / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if "constitution" in name:
            # Entries to the index bear their own dates; the prices are what must not leak.
            shutil.copyfile(path, target)
        else:
            opener = OPENERS.get(path.suffix, open)
            with opener(path, "rt", newline="", encoding="utf-8") as stream:
                lines = stream.read().splitlines()
            with opener(target, "wt", newline="", encoding="utf-8") as stream:
                stream.write("\n".join(shuffled(lines, after, seed)) + "\n")


def shuffled(lines: list[str], after: str, seed: int) -> list[str]:
    """Lines with what follows the date exchanged, symbol by symbol, among the later days."""
    keys = 2 if lines[0].startswith("symbol,date,") else 1
    groups: dict[str, list[int]] = {}
    split = [line.split(",", keys) for line in lines]
    for number, (*key, _) in enumerate(split[1:], start=1):
        if key[-1][:10] > after:
            groups.setdefault(",".join(key[:-1]), []).append(number)
    made = list(lines)
    for numbers in groups.values():
        other = random.Random(seed).sample(numbers, len(numbers))
        for here, there in zip(numbers, other, strict=True):
            made[here] = ",".join([*split[here][:keys], split[there][keys]])
    return made


def unchanged_up_to(date: str, whole, part) -> None:
    for table, column in (("weights", "decision_date"), ("fills", "date"), ("carry", "date")):
        kept, made = getattr(whole, table), getattr(part, table)
        kept, made = kept[kept[column] <= date], made[made[column] <= date]
        pd.testing.assert_frame_equal(
            made.reset_index(drop=True), kept.reset_index(drop=True), check_exact=True
        )
    pd.testing.assert_frame_equal(
        part.values[part.values.index <= date],
        whole.values[whole.values.index <= date],
        check_exact=True,
        check_freq=False,
    )


def check(name: str, date: str, how: str, whole, folder: Path) -> None:
    data = "sp500_crypto" if name == "backtest" else name
    recipe, raw, more = f"configs/recipes/{data}.yaml", RAW, ["--end", date]
    if how == "scrambled":
        raw, more = folder / "raw", ["--trust-raw"]
        scramble(recipe, raw, date, seed=7)
    out = folder / "data"
    arguments = ["--recipe", recipe, "--raw", str(raw), "--out", str(out), "--quiet", *more]
    assert ingest(arguments) == 0
    part = run(name, out, None)
    assert (part.values.index <= date).any(), "the case has nothing to compare"
    if how == "scrambled":
        later = part.values.index > date
        assert not part.values[later].equals(whole(name).values[later]), "nothing was scrambled"
    unchanged_up_to(date, whole(name), part)


@pytest.mark.parametrize("how", ["cut", "scrambled"])
def test_the_future_changes_nothing_up_to_a_gap(how, whole, tmp_path):
    check(*QUICK, how, whole, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "date"), OFTEN)
def test_a_future_of_other_numbers_changes_nothing(name, date, whole, tmp_path):
    check(name, date, "scrambled", whole, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "date"), [case for case in CASES if case not in OFTEN])
def test_other_futures_of_other_numbers_change_nothing(name, date, whole, tmp_path):
    check(name, date, "scrambled", whole, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "date"), CASES)
def test_a_future_that_is_not_there_changes_nothing(name, date, whole, tmp_path):
    check(name, date, "cut", whole, tmp_path)
