"""Run alphalens-reloaded on the scores and closes of a file; write what it finds as JSON.

Called by `tests/test_peers.py` with the Python of ``.venv-peers``; knows nothing of the project.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pandas as pd
from alphalens import performance, utils

QUANTILES = 5


def main(source: str, target: str) -> None:
    """Read scores (R, N), closes (T, N), rows (R,), dates (T,); write by horizon and lag."""
    given = np.load(source)
    dates = pd.DatetimeIndex(given["dates"].astype("datetime64[ns]"))
    names = [f"A{number:02d}" for number in range(given["closes"].shape[1])]
    prices = pd.DataFrame(given["closes"], index=dates, columns=names)
    scores = pd.DataFrame(given["scores"], index=dates[given["rows"]], columns=names)
    factor = scores.stack().rename_axis(["date", "asset"])
    found = {}
    for horizon in given["horizons"].tolist():
        for lag in given["lags"].tolist():
            # A score of date t meets the close of date t + lag.
            moved = prices.iloc[lag:].set_axis(dates[: len(dates) - lag])
            found[f"{horizon} {lag}"] = figures(factor, moved, horizon)
    with open(target, "w", encoding="utf-8") as stream:
        json.dump(found, stream)


def figures(factor: pd.Series, prices: pd.DataFrame, horizon: int) -> dict:
    """Coefficients, mean returns, turnover and rank autocorrelation, by date."""
    data = utils.get_clean_factor_and_forward_returns(
        factor, prices, quantiles=QUANTILES, periods=(horizon,), max_loss=1.0, filter_zscore=None
    )
    plain, _ = performance.mean_return_by_quantile(data, by_date=True, demeaned=False)
    centred, _ = performance.mean_return_by_quantile(data, by_date=True, demeaned=True)
    overall, _ = performance.mean_return_by_quantile(data, demeaned=False)
    sides = data["factor_quantile"]
    return {
        "ic": by_date(performance.factor_information_coefficient(data).iloc[:, 0]),
        "means": {str(q): by_date(plain.iloc[:, 0].loc[q]) for q in range(1, QUANTILES + 1)},
        "centred": {str(q): by_date(centred.iloc[:, 0].loc[q]) for q in range(1, QUANTILES + 1)},
        "overall": overall.iloc[:, 0].tolist(),
        "turnover": {
            str(q): by_date(performance.quantile_turnover(sides, q))
            for q in range(1, QUANTILES + 1)
        },
        "autocorrelation": by_date(performance.factor_rank_autocorrelation(data)),
        "counts": {str(d)[:10]: n for d, n in sides.groupby(level="date").agg(list).items()},
    }


def by_date(values: pd.Series) -> dict[str, float]:
    """Known values by ISO date."""
    known = values.dropna()
    return {f"{date:%Y-%m-%d}": float(value) for date, value in known.items()}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
