"""The sets of the research report: made where they are missing, loaded, and scored."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analyzers.research_carry import SampleScores
from analyzers.research_measures import MEASURES, Measure, measures_of
from analyzers.study_costs import SchemeCharge
from analyzers.study_part import StudyData, StudyRules
from configs.load import load_config
from configs.schema import BacktestConfig
from factors.holdings import Endings, series_endings
from feeds.errors import DataError
from feeds.panel import Panel
from feeds.store import DataSet, load_dataset
from feeds.universe import eligible_assets
from strategies.execution.costs import make_carry, make_trading_costs
from strategies.schedule import decision_rows

__all__ = [
    "SAMPLES",
    "Sample",
    "closed_series",
    "load_sample",
    "make_set",
    "score_sample",
    "shared_files",
]

_LOG = logging.getLogger(__name__)
_CONFIGS = Path("configs/research")

#: Sample to the asset class that is ranked in it.
SAMPLES = {"us": "equity", "sp500": "equity", "coins": "crypto", "large_caps": "equity"}
#: Options of `runs.ingest` by set: its files, all of which are in the shared folder.
_RAW = {
    "us": (
        ("--raw", "us_equities_prices.parquet"),
        ("--fundamentals", "us_equities_reports.parquet"),
    ),
    "coins": (("--raw", "crypto_daily.csv.gz"),),
}
_OPTIONS = {
    "us": ("--asset-class", "equity"),
    # The file's source states volume in dollars; the file itself does not say so.
    "coins": ("--asset-class", "crypto", "--option", "volume_unit=currency"),
}
#: What a series that ends without a reason loses at worst (Shumway, 1997: failures on NYSE).
_WORST = {"unknown": -0.3, "bankruptcy": -1.0}


@dataclass(frozen=True, eq=False)
class Sample:
    """One configured set, loaded on one calendar.

    Parameters
    ----------
    name : str
        Of SAMPLES.
    config : BacktestConfig
        Dates, decisions, floors, quantile and costs.
    data : DataSet
    panel : Panel
        Assets of the configured universe and of the class that is ranked.
    """

    name: str
    config: BacktestConfig
    data: DataSet
    panel: Panel

    @property
    def rows(self) -> np.ndarray:
        """(R,) decision rows."""
        rule, start = self.config.portfolio.rebalance, self.config.data.start
        return decision_rows(self.panel.dates, self.panel.next_session, rule, start)

    @property
    def rules(self) -> StudyRules:
        """A week ahead, on either calendar."""
        portfolio, periods = self.config.portfolio, self.panel.periods_per_year
        return StudyRules(
            quantile=portfolio.select.quantile,
            min_breadth=portfolio.min_breadth.long_short,
            horizon=7 if self.panel.calendar == "24/7" else 5,
            periods_per_year=periods,
        )


def shared_files(shared: Path, names: Sequence[str]) -> dict[str, Path]:
    """Files of the shared folder by name.

    Raises
    ------
    DataError
        If one is not there.
    """
    found = {name: shared / name for name in names}
    for name, path in found.items():
        if not path.exists():
            raise DataError(
                f"{shared} has no {name}",
                "name the folder of the shared data with --shared, or study the bundled sets "
                "alone with --only bundled",
            )
    return found


def make_set(name: str, shared: Path, work: Path) -> Path:
    """Folder of a set made from shared files, ingested unless it holds these very files.

    Raises
    ------
    UserError
        If a file is missing, or cannot be ingested.
    """
    from runs.ingest import main as ingest

    files = shared_files(shared, [file for _, file in _RAW[name]])
    out = work / name
    if _made_from(out, files[_RAW[name][0][1]]):
        return out
    _LOG.info("making the set %s", out)
    arguments = ["--source", "files", *_OPTIONS[name], "--out", str(out), "--quiet"]
    for option, file in _RAW[name]:
        arguments += [option, str(files[file])]
    code = ingest(arguments)
    if code:
        # The command has told what is wrong.
        raise SystemExit(code)
    return out


def _made_from(folder: Path, raw: Path) -> bool:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        known = [entry["sha256"] for entry in manifest["raw"]]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return hashlib.sha256(raw.read_bytes()).hexdigest() in known


def load_sample(name: str, folder: Path | None = None, *, calendar: str | None = None) -> Sample:
    """Load a sample by its configuration.

    Parameters
    ----------
    name : str
        Of SAMPLES.
    folder : Path, optional
        The set, where it is not where the configuration says.
    calendar : str, optional
        In place of the configured one.

    Raises
    ------
    UserError
        If the configuration or the set will not do.
    """
    config = load_config(_CONFIGS / f"{name}.yaml")
    folder = Path(config.data.dir) if folder is None else folder
    calendar = calendar or config.data.calendar
    data = load_dataset(folder, calendar=calendar, end=config.data.end)
    wanted = data.panel.asset_class == SAMPLES[name]
    if config.data.universe is not None:
        missing = sorted(set(config.data.universe) - set(data.panel.assets.tolist()))
        if missing:
            raise DataError(
                f"{folder} lacks {missing[0]}, which {_CONFIGS / name}.yaml names",
                "make the set again: remove its folder",
            )
        wanted &= np.isin(data.panel.assets, config.data.universe)
    return Sample(name, config, data, data.panel.select(wanted))


def score_sample(sample: Sample, measures: Sequence[Measure] = MEASURES) -> list[SampleScores]:
    """Scores of a sample's full universe, and of its investable one where it has floors."""
    panel, config, rows = sample.panel, sample.config, sample.rows
    data = _study_data(sample)
    raw = {
        measure: measure.entry.scores(panel, rows, **measure.given(panel))
        for measure in measures_of(panel, tuple(measures))
    }
    universes = {"full": None}
    if config.data.investable is not None:
        universes["investable"] = config.data.investable
    found = []
    for universe, floors in universes.items():
        eligible = eligible_assets(panel, floors)[rows]
        ranked = {measure: np.where(eligible, scores, np.nan) for measure, scores in raw.items()}
        worst = closed_series(sample, _WORST)
        found.append(
            SampleScores(sample.name, universe, ranked, data, sample.rules, pessimistic=worst)
        )
    return found


def closed_series(sample: Sample, worse: Mapping[str, float] | None = None) -> Endings:
    """Series that end, closed at the configured delisting returns, or at `worse` ones.

    On the session after the last bar: books that are set anew every week would have left before
    an account knows that a series has ended, at a price that was no more to be had.
    """
    config = sample.config
    returns = {**config.delisting_return.model_dump(), **(worse or {})}
    stale = config.execution.stale_after
    return series_endings(sample.panel, returns, stale_after=stale, booked="next")


def _study_data(sample: Sample) -> StudyData:
    panel, config = sample.panel, sample.config
    costs = make_trading_costs(
        panel, config.costs.commission, config.costs.slippage, config.data.dir, config.seed
    )
    carry = make_carry(
        panel,
        borrow_annual=config.costs.carry.model_dump()["borrow_annual"],
        funding_annual={},
        cash_annual=0.0,
        short_rebate_annual=0.0,
        day_count=config.costs.carry.day_count,
        data=config.data.dir,
    )
    return StudyData(
        marks=panel.mark,
        dates=panel.dates,
        rows=sample.rows,
        columns=np.arange(panel.shape[1]),
        ends=closed_series(sample),
        charge=SchemeCharge(panel, costs, carry.borrow_annual, config.execution.starting_cash),
    )
