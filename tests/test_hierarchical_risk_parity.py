"""The halved tree: by hand, and by the paper's steps written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import leaves_list, linkage

from strategies.risk_weights import hierarchical_risk_parity


def tree_case() -> np.ndarray:
    """A and C alike, B and D alike, the pairs apart; variances 1, 9, 4, 9, correlations 1/2."""
    cov = np.diag([1.0, 9.0, 4.0, 9.0])
    cov[0, 2] = cov[2, 0] = 1.0
    cov[1, 3] = cov[3, 1] = 4.5
    return cov


def test_the_halved_tree_by_hand():
    # A, C: inverse variances 1 : 1/4, weights 0.8, 0.2, variance 0.64 + 0.16 + 2 x 0.16 = 1.12.
    # B, D: halves, 2.25 + 2.25 + 2 x 1.125 = 6.75. So A, C get 6.75 / 7.87, of which A 4/5.
    pair = 6.75 / 7.87
    expected = [0.8 * pair, (1 - pair) / 2, 0.2 * pair, (1 - pair) / 2]
    found = hierarchical_risk_parity(tree_case(), np.array(["A", "B", "C", "D"]))
    assert found.weights == pytest.approx(expected, abs=1e-14)


def tree_by_definition(cov: np.ndarray, *, of_columns: bool) -> np.ndarray:
    """The paper's three steps, written out; or with distances that are not taken twice."""
    volatility = np.sqrt(np.diag(cov))
    distance = np.sqrt((1.0 - cov / np.outer(volatility, volatility)).clip(0.0) / 2.0)
    if of_columns:
        apart = distance[:, None, :] - distance[None, :, :]
        distance = np.sqrt((apart**2).sum(axis=2))
    order = leaves_list(linkage(distance[np.triu_indices(len(cov), 1)], "single"))

    def variance(part: np.ndarray) -> float:
        inverse = (1.0 / np.diag(cov)[part]) / (1.0 / np.diag(cov)[part]).sum()
        return inverse @ cov[np.ix_(part, part)] @ inverse

    def halved(part: np.ndarray) -> dict[int, float]:
        if len(part) == 1:
            return {int(part[0]): 1.0}
        left, right = part[: len(part) // 2], part[len(part) // 2 :]
        share = 1.0 - variance(left) / (variance(left) + variance(right))
        parts = ((left, share), (right, 1.0 - share))
        return {asset: s * weight for side, s in parts for asset, weight in halved(side).items()}

    found = halved(order)
    return np.array([found[asset] for asset in range(len(cov))])


def test_the_tree_is_of_distances_between_columns_of_distances():
    rng = np.random.default_rng(3)
    cov = np.cov(rng.normal(size=(60, 12)).T + rng.normal(size=60))
    expected = tree_by_definition(cov, of_columns=True)
    assert hierarchical_risk_parity(cov, np.arange(12)).weights == pytest.approx(
        expected, abs=1e-14
    )
    assert np.abs(tree_by_definition(cov, of_columns=False) - expected).max() > 0.001


def test_ties_of_the_tree_are_in_the_order_of_symbols():
    # Uncorrelated, so that all distances tie: B, M, Z of variances 1, 2, 4. B against the pair,
    # whose variance is 2/3 x 2/3 x 2 + 1/3 x 1/3 x 4 = 4/3: 4/7; then 2 : 1.
    found = hierarchical_risk_parity(np.diag([4.0, 1.0, 2.0]), np.array(["Z", "B", "M"]))
    assert found.weights == pytest.approx([1 / 7, 4 / 7, 2 / 7], abs=1e-14)
