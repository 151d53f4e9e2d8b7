"""Huberman and Kandel's tests: do test assets change the mean-variance frontier at all?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzers.regression import automatic_lags
from analyzers.spanning_sample import Sample, hac_restrictions, pair_samples, wald, with_constant

__all__ = ["spanning_test"]

_TESTS = ("statistic", "p_value", "df1", "df2")


def spanning_test(
    tests: pd.DataFrame, benchmarks: pd.DataFrame, *, lags: int | None = None
) -> pd.DataFrame:
    """Huberman, Kandel (1987): do the tests leave the benchmarks' frontier where it is?

    Every alpha is zero and the slopes of every test asset add up to one. Returns must be those
    of fully invested portfolios (long-only books, the market and not its excess return); for
    zero-cost returns the slopes' sum has no such meaning, and `grs_test` is the test.

    Parameters
    ----------
    tests, benchmarks : DataFrame
        (T, N) and (T, K) returns, decimals.
    lags : int, optional
        Newey-West lags of the last rows; `automatic_lags` unless given.

    Returns
    -------
    DataFrame
        test, hypothesis, statistic, p_value, df1, df2, tests, benchmarks, observations, lags,
        reason. Rows: ``f`` (exact for normal returns), ``wald``, ``lr``, ``lm`` (chi-squared),
        ``step_1`` (alpha = 0: another tangency portfolio) and ``step_2`` (slopes add up to one
        where alpha = 0: another minimum-variance portfolio), the step-down of Kan, Zhou
        (2012), and ``hac_wald``. Not defined: NaN and the reason.

    Notes
    -----
    NaN handling: only dates that know every column are used.
    """
    sample = pair_samples(tests, benchmarks)
    used = automatic_lags(len(sample.own)) if lags is None else lags
    both = "alpha = 0, sum of slopes = 1"
    names = [("f", both), ("wald", both), ("lr", both), ("lm", both)]
    names += [("step_1", "alpha = 0"), ("step_2", "sum of slopes = 1, given alpha = 0")]
    names += [("hac_wald", both)]
    found = [(np.nan,) * 4] * len(names) if sample.reason else _spanning(sample, used)
    count, assets, factors = sample.sizes
    lines = [
        (*name, *line, assets, factors, count, used if name[0] == "hac_wald" else 0, sample.reason)
        for name, line in zip(names, found)
    ]
    columns = ["test", "hypothesis", *_TESTS, "tests", "benchmarks", "observations", "lags"]
    return pd.DataFrame(lines, columns=[*columns, "reason"])


def _spanning(sample: Sample, lags: int) -> list[tuple[float, ...]]:
    """Statistic, p-value and degrees of freedom of each row of `spanning_test`."""
    from scipy.stats import chi2, f

    count, assets, factors = sample.sizes
    free = _residual_covariance(sample.own, with_constant(sample.market))
    no_alpha = _residual_covariance(sample.own, sample.market)
    last = sample.market[:, [-1]]
    spanned = _residual_covariance(sample.own - last, sample.market[:, :-1] - last)
    roots = np.linalg.eigvals(np.linalg.solve(free, spanned - free)).real
    roots = np.maximum(roots, 0.0)
    ratio = float(np.prod(1.0 + roots))
    freedom = count - factors - assets
    if assets == 1:
        whole = ((ratio - 1.0) * (count - factors - 1) / 2.0, 2.0, float(count - factors - 1))
    else:
        whole = ((ratio**0.5 - 1.0) * freedom / assets, 2.0 * assets, 2.0 * freedom)
    steps = (
        (freedom / assets * (_det_ratio(no_alpha, free) - 1.0), float(assets), float(freedom)),
        (
            (freedom + 1) / assets * (_det_ratio(spanned, no_alpha) - 1.0),
            float(assets),
            float(freedom + 1),
        ),
    )
    large = (roots.sum(), np.log1p(roots).sum(), (roots / (1.0 + roots)).sum())
    squares = [
        (count * value, float(chi2.sf(count * value, 2 * assets)), 2.0 * assets, np.inf)
        for value in map(float, large)
    ]
    exact = [(value, float(f.sf(value, a, b)), a, b) for value, a, b in (whole, *steps)]
    return [exact[0], *squares, *exact[1:], wald(*hac_restrictions(sample, lags, adding_up=True))]


def _residual_covariance(own: np.ndarray, design: np.ndarray) -> np.ndarray:
    residual = own - design @ np.linalg.lstsq(design, own, rcond=None)[0]
    return residual.T @ residual / len(own)


def _det_ratio(larger: np.ndarray, smaller: np.ndarray) -> float:
    return float(np.exp(np.linalg.slogdet(larger)[1] - np.linalg.slogdet(smaller)[1]))
