"""A little data set for the tests of the store."""

from __future__ import annotations

import numpy as np
import pandas as pd

from feeds.write import adjusted_closes, price_rows, table_bytes

UNIVERSE = pd.DataFrame(
    [
        ("NA", "equity", "Nano", "2021-01-05", "2021-01-12", "data_end", "units", "traded"),
        ("TRUE", "equity", "True", "2021-01-04", "2021-01-07", "bankruptcy", "currency", "traded"),
        ("BTC", "crypto", "Bitcoin", "2021-01-08", "2021-01-12", "data_end", "units", "traded"),
        ("IDX", "index", "Index", "2021-01-04", "2021-01-12", "data_end", "currency", "index"),
    ],
    columns="symbol asset_class name start end end_reason volume_unit price_kind".split(),
)
SESSIONS = ["2021-01-04", "2021-01-05", "2021-01-06", "2021-01-07", "2021-01-08", "2021-01-11"]


def frame(dates, close, **given) -> pd.DataFrame:
    index = pd.DatetimeIndex(dates).as_unit("s")
    nothing = dict.fromkeys(("open", "high", "low", "volume"), np.nan)
    data = nothing | {"close": close, "split_ratio": 1.0, "dividend": 0.0} | given
    return pd.DataFrame(data, index=index).astype("float64")


def bars() -> tuple[dict, dict]:
    stocks = {
        # 2 for 1 on the 6th, 0.51 paid on the 7th: factors 2 and 1.01.
        "NA": frame(
            SESSIONS + ["2021-01-12"],
            [100.0, 102.0, 51.0, 51.0, 52.0, 53.0, 54.0],
            open=[99.0, 101.0, 51.5, 50.0, 51.0, 52.0, 53.0],
            high=[103.0] * 2 + [54.5] * 5,
            low=[98.0] * 2 + [49.0] * 5,
            volume=[1000.0] * 7,
            split_ratio=[1, 1, 2, 1, 1, 1, 1],
            dividend=[0, 0, 0, 0.51, 0, 0, 0],
        ),
        "TRUE": frame(SESSIONS[:4], [10.0, 8.0, 4.0, 1.0], volume=5e6),
        "IDX": frame(SESSIONS + ["2021-01-12"], np.linspace(3700, 3800, 7)),
    }
    days = pd.date_range("2021-01-08", "2021-01-12")
    coin = frame(days, [40.0, 30.0, 20.0, 25.0, 26.0], volume=1.0)
    coin = coin.assign(open=coin["close"] + 1, high=coin["close"] + 2, low=coin["close"] - 2)
    return stocks, {"BTC": coin}


def files() -> dict[str, bytes]:
    stocks, coins = bars()
    table = pd.DataFrame({"date": ["2020-12-31", "2021-01-31"], "mkt_rf": [0.01, -0.02]})
    return {
        "prices_equities.csv": price_rows(stocks, UNIVERSE),
        "prices_crypto.csv": price_rows(coins, UNIVERSE),
        "universe.csv": table_bytes(UNIVERSE),
        "clean_prices.csv": adjusted_closes(stocks | coins),
        "published_monthly.csv": table_bytes(table.assign(smb=0.0, hml=0.0, mom=0.0, rf=0.001)),
    }


MANIFEST = {"name": "made", "start": "2021-01-04", "end": "2021-01-12", "limits": ["It is small."]}


def refuse(*arguments, **options):
    raise PermissionError(13, "Permission denied")
