"""3.1 million real bars as a data set: 7,072 US symbols, 931 of which end early.

The bars are read in place beside the project (``../shared/data``) and are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from feeds.calendars import sessions

PRICES = Path(__file__).parents[2] / "shared" / "data" / "us_equities_prices.parquet"
#: Return beside the raw close that is a split rather than a payout.
_SPLIT_OVER, _SPLIT_UNDER = 1.2, 0.95
#: Rounding of the vendor's single-precision closes.
_NOISE = 1e-4


def write_us_equities(folder: Path) -> pd.DataFrame:
    """Write the set; returns its universe. Void rows and days without a session are left out."""
    bars = _bars()
    universe = _universe(bars)
    folder.mkdir(parents=True)
    bars.to_parquet(folder / "prices_equities.parquet", index=False)
    universe.to_csv(folder / "universe.csv", index=False)
    manifest = {
        "name": "us_equities",
        "start": "2015-03-20",
        "end": "2017-03-31",
        "limits": [],
        "files": {
            path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in sorted(folder.iterdir())
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return universe


def _bars() -> pd.DataFrame:
    raw = pd.read_parquet(PRICES).astype(dict.fromkeys(("open", "high", "low", "close"), "float64"))
    open_days = sessions("XNYS", np.datetime64("2015-03-20"), np.datetime64("2017-03-31"))
    prices = raw[["open", "high", "low", "close"]]
    good = (prices > 0).all(axis=1) & np.isin(raw["date"].to_numpy("datetime64[D]"), open_days)
    bars = raw[good].sort_values(["symbol", "date"], kind="stable").reset_index(drop=True)
    same = bars["symbol"].eq(bars["symbol"].shift())
    adjusted = bars["adj_close"].where(bars["adj_close"] > 0)
    paid = (adjusted / adjusted.shift()) / (bars["close"] / bars["close"].shift())
    paid = paid.where(same).fillna(1.0)
    split = (paid > _SPLIT_OVER) | (paid < _SPLIT_UNDER)
    payout = (paid - 1.0).where(~split & (paid > 1.0 + _NOISE), 0.0)
    return bars.drop(columns="adj_close").assign(
        date=bars["date"].dt.strftime("%Y-%m-%d"),
        volume=bars["volume"].astype("float64"),
        split_ratio=paid.where(split, 1.0),
        dividend=payout * bars["close"],
    )


def _universe(bars: pd.DataFrame) -> pd.DataFrame:
    spans = bars.groupby("symbol")["date"].agg(["first", "last"])
    ended = spans["last"] < "2017-03-01"
    return pd.DataFrame(
        {
            "symbol": spans.index,
            "asset_class": "equity",
            "name": spans.index,
            "start": spans["first"].to_numpy(),
            "end": spans["last"].to_numpy(),
            "end_reason": np.where(ended, "unknown", "data_end"),
            "volume_unit": "units",
            "price_kind": "traded",
        }
    )
