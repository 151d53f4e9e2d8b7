"""The preprocessing steps as scikit-learn transformers, for pipelines and notebooks.

A sample is one cross-section and a feature is one asset: ``transform`` takes (R, N) scores
and treats each row by itself, so nothing is learnt from other dates. NaN marks an asset that
takes no part; it stays NaN.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from factors import preprocess

__all__ = ["Neutralizer", "RankScaler", "Winsorizer", "ZScorer"]


class _CrossSectional(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """A stateless transformer of cross-sections, whole or by groups of assets."""

    def __init__(self, groups: np.ndarray | None = None) -> None:
        self.groups = groups

    def fit(self, X: np.ndarray, y: object = None) -> _CrossSectional:
        """Note the number of assets; nothing is learnt."""
        self._validated(X, reset=True)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Transform each row of (R, N) scores by itself.

        Raises
        ------
        ValueError
            If X is not a matrix of numbers, or `groups` does not label its columns.
        """
        return self._apply(self._validated(X, reset=not hasattr(self, "n_features_in_")))

    def _apply(self, scores: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _validated(self, X: np.ndarray, reset: bool) -> np.ndarray:
        scores = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        if self.groups is not None and len(self.groups) != scores.shape[1]:
            raise ValueError(
                f"groups labels {len(self.groups)} assets, X has {scores.shape[1]} columns"
            )
        return scores

    def _labels(self) -> np.ndarray | None:
        return None if self.groups is None else np.asarray(self.groups)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.requires_fit = False
        return tags


class Winsorizer(_CrossSectional):
    """Clip each cross-section to its quantiles.

    Parameters
    ----------
    fraction : float, default 0.01
        Share clipped on each side, in [0, 0.5).
    groups : (N,) array, optional
        Labels of assets that are treated apart, such as asset classes.
    """

    def __init__(self, fraction: float = 0.01, groups: np.ndarray | None = None) -> None:
        super().__init__(groups)
        self.fraction = fraction

    def _apply(self, scores: np.ndarray) -> np.ndarray:
        if not 0.0 <= self.fraction < 0.5:
            raise ValueError(f"fraction {self.fraction} is not in [0, 0.5)")
        return preprocess.winsorize(scores, self.fraction, groups=self._labels())


class RankScaler(_CrossSectional):
    """Ranks spread evenly over (-1/2, 1/2), ties averaged.

    Parameters
    ----------
    groups : (N,) array, optional
        Labels of assets that are ranked apart.
    """

    def _apply(self, scores: np.ndarray) -> np.ndarray:
        return preprocess.rank_scale(scores, groups=self._labels())


class ZScorer(_CrossSectional):
    """Deviations from the mean in sample standard deviations; 0 where nothing varies.

    Parameters
    ----------
    groups : (N,) array, optional
        Labels of assets that are treated apart.
    """

    def _apply(self, scores: np.ndarray) -> np.ndarray:
        return preprocess.z_score(scores, groups=self._labels())


class Neutralizer(_CrossSectional):
    """Deviations from the mean of each group: no group is favoured as a whole.

    Parameters
    ----------
    groups : (N,) array, optional
        Labels of assets; without them the mean of the whole cross-section is removed.
    """

    def _apply(self, scores: np.ndarray) -> np.ndarray:
        return preprocess.demean(scores, groups=self._labels())
