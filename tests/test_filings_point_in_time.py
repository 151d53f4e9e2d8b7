"""What is filed later changes nothing that was known before; real filings; the exchange's days."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.bar_table import BarTable
from feeds.calendars import sessions
from feeds.filings.options import FilingOptions
from feeds.filings.read import Filings, read_filings
from feeds.filings.table import filings_table
from feeds.fundamentals import align_fundamentals, check_fundamentals

SHARED = Path(__file__).parents[2] / "shared" / "data"
REPORTS = SHARED / "us_equities_reports.parquet"
needs_data = pytest.mark.skipif(not REPORTS.exists(), reason="the shared data are not here")
SESSIONS = sessions("XNYS", np.datetime64("2015-01-02"), np.datetime64("2016-12-30"))
NAMES = [f"S{number}" for number in range(8)]


def random_walks() -> BarTable:
    rng = np.random.default_rng(11)
    count, rows = len(NAMES), len(SESSIONS)
    closes = 20.0 * np.exp(np.cumsum(rng.normal(0, 0.03, (count, rows)), axis=1))
    size = count * rows
    return BarTable(
        tuple(NAMES),
        np.repeat(np.arange(count, dtype=np.int32), rows),
        np.tile(SESSIONS.astype("datetime64[s]"), count),
        {"close": closes.ravel()},
        (),
        np.full(size, -1, dtype=np.int32),
        np.zeros(size, dtype=np.int64),
    )


def random_filings(rng: np.random.Generator, count: int) -> Filings:
    """Amended, repeated, contradicted, late and early filings, some in the wrong unit."""
    symbol = rng.choice(NAMES, count)
    filed = SESSIONS[0] + rng.integers(0, 700, count)
    period = filed - rng.choice([-3, 20, 40, 40, 40, 130], count)
    period = period.astype("datetime64[M]").astype("datetime64[D]") - 1
    level = 1e8 * (1 + np.array([int(name[1:]) for name in symbol]))
    noise = np.round(rng.uniform(0.8, 1.2, count), 1)
    unit = rng.choice([1.0, 1.0, 1.0, 1.0, 1e-3, 1e3], count)
    missing = rng.random(count) < 0.05
    figures = {
        "book_equity": np.where(missing, np.nan, level * noise * unit),
        "assets": 3 * level * noise * unit,
        "net_income": 0.02 * level * rng.choice([-1.0, 1.0, 4.0], count) * unit,
        "eps": rng.choice([-0.5, 0.01, 0.4, 1.1], count),
    }
    order = np.argsort(filed, kind="stable")
    lines = np.arange(2, count + 2)
    columns = dict.fromkeys(("symbol", "period_end", "filed", *figures), "")
    made = Filings("f.csv", symbol.astype(object), period, filed, filed, figures, lines, columns)
    return made.take(order)


def cleaned(filings: Filings, bars: BarTable) -> pd.DataFrame:
    universe = pd.DataFrame({"symbol": NAMES, "price_kind": "traded"})
    table, report = filings_table(filings, FilingOptions(), dict.fromkeys(NAMES, "traded"), [bars])
    dropped = report.log.table().query("action == 'drop'")
    assert report.rows_in == len(filings) == report.rows_out + len(dropped)
    return check_fundamentals(Path("fundamentals.csv"), table, universe)


def before(table: pd.DataFrame, day: np.datetime64) -> pd.DataFrame:
    known = table[(table["known_from"] <= pd.Timestamp(day)).to_numpy()]
    # Dates of a table without rows have another resolution.
    known = known.astype(dict.fromkeys(("period_end", "known_from", "shares_as_of"), "M8[s]"))
    return known.sort_values(["symbol", "known_from", "period_end"], ignore_index=True)


@pytest.mark.slow
def test_cut_or_scrambled_at_sixty_dates_the_past_stays():
    rng = np.random.default_rng(2)
    filings, bars = random_filings(rng, 300), random_walks()
    whole = cleaned(filings, bars)
    factor = np.ones((len(SESSIONS), len(NAMES)))
    aligned = align_fundamentals(whole, NAMES, SESSIONS, factor)
    cuts = SESSIONS[np.linspace(3, len(SESSIONS) - 2, 60).astype(int)]
    for row, day in enumerate(cuts):
        # On `day` are known the filings of the days before it.
        earlier = filings.filed < day
        now, later = filings.take(earlier), filings.take(~earlier)
        mixed = rng.permutation(len(later))
        other = later.with_figures(
            **{name: 7.0 * values[mixed] for name, values in later.figures.items()}
        )
        for version in (now, joined(now, other)):
            part = cleaned(version, bars)
            pd.testing.assert_frame_equal(before(part, day), before(whole, day))
            if row % 6 == 0:
                stop = int(np.searchsorted(SESSIONS, day)) + 1
                found = align_fundamentals(part, NAMES, SESSIONS, factor)
                for name, values in aligned.items():
                    assert found[name][:stop].tobytes() == values[:stop].tobytes()


def test_later_prices_change_nothing_known_before():
    filings, bars = random_filings(np.random.default_rng(4), 150), random_walks()
    whole = cleaned(filings, bars)
    assert whole["shares"].notna().sum() > 30
    for number, day in enumerate(SESSIONS[20::9]):
        early = bars.time.astype("datetime64[D]") < day
        wild = bars.with_columns(close=np.where(early, bars["close"], 1e-6))
        version = wild if number % 2 else bars.take(early)
        pd.testing.assert_frame_equal(before(cleaned(filings, version), day), before(whole, day))


def joined(one: Filings, two: Filings) -> Filings:
    figures = {
        name: np.concatenate([values, two.figures[name]]) for name, values in one.figures.items()
    }
    names = ("symbol", "period_end", "filed", "shares_as_of", "line")
    parts = {name: np.concatenate([getattr(one, name), getattr(two, name)]) for name in names}
    return Filings(one.file, figures=figures, columns=one.columns, **parts)


@needs_data
def test_real_filings_and_their_traps():
    """Counted apart: pandas on the raw file, before any of our code looked at it."""
    raw = pd.read_parquet(REPORTS)
    filings = read_filings(REPORTS)
    assert len(filings) == len(raw) == 64471
    kinds = dict.fromkeys(raw["symbol"], "traded")
    table, report = filings_table(filings, FilingOptions(), kinds, [])
    faults = report.as_dict()["faults"]
    assert faults["filed_before_period_end"] == {"drop": int((raw.filed < raw.end_date).sum())}
    found = report.log.table()
    dropped = found[found["action"] == "drop"]
    assert report.rows_in == report.rows_out + len(dropped)
    assert dropped["line"].is_unique
    # Whatever is kept is a row of the file, known later than the day it was filed.
    assert not table.duplicated(["symbol", "period_end", "known_from"]).any()
    # RMG's filings of the third quarter of 2015 to the first of 2016 are in thousands.
    mended = found[found["fault"] == "units_off_by_1000"]
    assert set(mended["symbol"]) == {"RMGN"}
    own = table[table["symbol"] == "RMGN"].set_index("period_end")
    assert own.loc["2015-09-30", "assets"] == 30846e3 and own.loc["2016-06-30", "assets"] == 25254e3
    assert mended["line"].unique().tolist() == [24553, 31446, 40269]
    # Quarters and years: net income covers what `months` says.
    apple = table[table["symbol"] == "AAPL"].set_index("period_end")
    assert apple.loc["2015-09-26", ["net_income", "months"]].tolist() == [53.394e9, 12.0]
    assert apple.loc["2015-12-26", ["net_income", "months"]].tolist() == [18.361e9, 3.0]
    # 18.361e9 / 3.30; Apple had 5.56e9 shares on average.
    assert apple.loc["2015-12-26", "shares"] == pytest.approx(5.5639e9, rel=1e-4)
    conflicts = found[found["fault"] == "conflict"]
    key = ["symbol", "end_date", "filed"]
    twice = raw.iloc[conflicts["line"].to_numpy() - 1]
    assert twice.duplicated(key, keep=False).all()
