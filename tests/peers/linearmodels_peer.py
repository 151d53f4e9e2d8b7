"""Run linearmodels' FamaMacBeth on the panel of a file; write what it finds as JSON.

Called by `tests/test_peers.py` with the Python of ``.venv-peers``; knows nothing of the project.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pandas as pd
from linearmodels.panel import FamaMacBeth


def main(source: str, target: str) -> None:
    """Read returns, beta, size, weights (R, N) and lags; write the fits with each."""
    given = np.load(source)
    count, assets = given["returns"].shape
    index = pd.MultiIndex.from_product([range(assets), range(count)], names=["asset", "date"])
    names = ("returns", "beta", "size", "weights")
    table = pd.DataFrame({name: given[name].T.ravel() for name in names}, index=index)
    table = table.dropna().assign(constant=1.0)
    found = {}
    for weighted in (False, True):
        model = FamaMacBeth(
            table["returns"],
            table[["constant", "beta", "size"]],
            weights=table["weights"] if weighted else None,
        )
        for lags in given["lags"].tolist():
            fit = model.fit(cov_type="kernel", kernel="bartlett", bandwidth=lags, debiased=False)
            found[f"{weighted} {lags}"] = {
                "params": fit.params.tolist(),
                "errors": fit.std_errors.tolist(),
                "t_stats": fit.tstats.tolist(),
                "slopes": fit.all_params.to_numpy().tolist(),
            }
    with open(target, "w", encoding="utf-8") as stream:
        json.dump(found, stream)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
