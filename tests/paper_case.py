"""A little set of printed prices with splits, dividends and an end, and a paper account on it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from configs.load import load_config
from feeds.calendars import sessions
from feeds.write import adjusted_closes, price_rows, table_bytes, write_folder
from runs.live_study import LiveStudy, live_study
from runs.paper_account import Progress, bring_up_to_date
from strategies.execution.ledger import writing_ledger

DAYS = sessions("XNYS", np.datetime64("2021-01-04"), np.datetime64("2021-04-30"))
#: Split of AA on the 30th session, with a dividend, of BB on the 44th; further dividends.
SPLITS = {"AA": {30: 2.0}, "BB": {44: 0.1}}
DIVIDENDS = {"AA": {30: 0.3, 36: 0.4}, "CC": {32: 0.25, 50: 0.25}, "NA": {40: 1.0}}
#: Sessions of the bars of EE, which goes bankrupt.
END = 45
SYMBOLS = ("AA", "BB", "CC", "DD", "EE", "NA", "TRUE")
MANIFEST = {"name": "paper_case", "limits": ["It is made up."], "start": str(DAYS[0])}
CONFIG = """
name: paper-case
data: {dir: DIR, start: 2021-01-29, end: 2021-04-30}
factors: {momentum: {weight: 1, lookback: 10, skip: 1}}
preprocess: {min_factors: 1, neutralize: null}
portfolio:
  side: long_short
  select: {top: 2}
  gross: 1.2
  net: 0.2
  max_weight: 0.5
  min_breadth: {long_short: 4}
  rebalance: {every: 1}
execution: {starting_cash: 100000, stale_after: 4, lots: {equity: 1, crypto: 1.0e-6}}
costs:
  commission:
    equity: {scheme: per_share, rate: 0.01, minimum: 1}
    crypto: {scheme: percent, bps: 20}
  slippage: {equity: {scheme: bps, bps: 5}, crypto: {scheme: bps, bps: 10}}
  carry: {borrow_annual: {equity: 0.03, crypto: 0.1}, cash_annual: 0.02}
"""


def write_set(
    folder: Path,
    last: int | None = None,
    revise: dict | None = None,
    pause: dict[str, range] | None = None,
    without: tuple[str, ...] = (),
) -> Path:
    """The set up to a session, without some of its stocks.

    `revise` multiplies raw closes: symbol to {session: factor}. `pause` takes sessions away: a
    series that lacks the last five has ended for a reason that is not known.
    """
    stocks, coin = _bars(revise or {})
    for name, gone in (pause or {}).items():
        stocks[name] = stocks[name][~stocks[name].index.isin(pd.DatetimeIndex(DAYS[list(gone)]))]
    if last is not None:
        day = pd.Timestamp(DAYS[last])
        stocks = {name: bars[bars.index <= day] for name, bars in stocks.items()}
        coin = coin[coin.index <= day]
    stocks = {name: bars for name, bars in stocks.items() if name not in without}
    universe = _universe(stocks, coin, DAYS[-1 if last is None else last])
    series = stocks | {"COIN": coin}
    files = {
        "prices_equities.csv": price_rows(stocks, universe),
        "prices_crypto.csv": price_rows({"COIN": coin}, universe),
        "universe.csv": table_bytes(universe),
        "clean_prices.csv": adjusted_closes(series),
    }
    end = str(max(bars.index[-1] for bars in series.values()).date())
    write_folder(folder, files, {**MANIFEST, "end": end})
    return folder


def _universe(
    stocks: dict[str, pd.DataFrame], coin: pd.DataFrame, today: np.datetime64
) -> pd.DataFrame:
    rows = []
    for name, bars in {**stocks, "COIN": coin}.items():
        ended = name == "EE" and bars.index[-1] == pd.Timestamp(DAYS[END - 1])
        kind = "crypto" if name == "COIN" else "equity"
        span = [str(bars.index[at].date()) for at in (0, -1)]
        late = int(((DAYS > np.datetime64(span[1])) & (DAYS <= today)).sum()) >= 3
        reason = "bankruptcy" if ended else "unknown" if late else "data_end"
        rows.append((name, kind, name.title(), *span, reason, "units", "traded"))
    columns = "symbol asset_class name start end end_reason volume_unit price_kind".split()
    return pd.DataFrame(rows, columns=columns)


def _bars(revise: dict) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    rng = np.random.default_rng(20)
    stocks = {}
    for place, name in enumerate(SYMBOLS):
        count = END if name == "EE" else len(DAYS)
        stocks[name] = _frame(rng, DAYS[:count], 30.0 + 10 * place, name, revise.get(name, {}))
    every_day = np.arange(DAYS[0], DAYS[-1] + 1)
    return stocks, _frame(rng, every_day, 900.0, "COIN", {})


def _frame(rng, days: np.ndarray, price: float, name: str, revise: dict) -> pd.DataFrame:
    """A random walk of total returns, printed: splits and dividends are taken off."""
    # What goes bankrupt is among the best before: it is held when it ends.
    steps = rng.normal(0.015 if name == "EE" else 0.0, 0.02, len(days))
    gaps = rng.normal(0.0, 0.005, len(days))
    ratio, dividend = np.ones(len(days)), np.zeros(len(days))
    for at, value in SPLITS.get(name, {}).items():
        ratio[at] = value
    for at, value in DIVIDENDS.get(name, {}).items():
        dividend[at] = value
    close = np.empty(len(days))
    for at in range(len(days)):
        price = round(price * np.exp(steps[at]) / ratio[at] - dividend[at], 2)
        close[at] = price
    for at, factor in revise.items():
        close[at] = np.round(close[at] * factor, 2)
    opened = np.round(close * np.exp(gaps), 2)
    data = {
        "open": opened,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "close": close,
        "volume": 1e6,
        "split_ratio": ratio,
        "dividend": dividend,
    }
    return pd.DataFrame(data, index=pd.DatetimeIndex(days).as_unit("s")).astype("float64")


def write_config(folder: Path, data: Path, text: str = CONFIG) -> Path:
    path = folder / "paper.yaml"
    path.write_text(text.replace("DIR", str(data)))
    return path


def live_at(config: Path, day: object, *overrides: str) -> LiveStudy:
    return live_study(load_config(config, overrides), dt.date.fromisoformat(str(day)))


def run_to(
    ledger: Path, config: Path, day: object, *overrides: str, since: object = None
) -> Progress:
    """Bring a ledger up to a day, as a process of its own would."""
    live = live_at(config, day, *overrides)
    with writing_ledger(ledger) as opened:
        return bring_up_to_date(opened, live, None if since is None else str(since))
