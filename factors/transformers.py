"""The preprocessing steps as scikit-learn transformers, for pipelines and notebooks.

A sample is one cross-section and a feature is one asset: ``transform`` takes (R, N) scores
and treats each row by itself, so nothing is learnt from other dates; only :class:`Lagger`
looks to other rows, the earlier ones. NaN marks an asset that takes no part; it stays NaN.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from factors import preprocess
from factors.neutralize import neutralize

__all__ = ["GaussianRanker", "Lagger", "Neutralizer", "RankScaler", "Winsorizer", "ZScorer"]


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
    """Clip each cross-section to its quantiles, or to robust standard deviations.

    Parameters
    ----------
    fraction : float, default 0.01
        Share clipped on each side, in [0, 0.5).
    deviations : float, optional
        Clip to the median +- so many times 1.4826 median absolute deviations instead.
    groups : (N,) array, optional
        Labels of assets that are treated apart, such as asset classes.
    """

    def __init__(
        self,
        fraction: float = 0.01,
        groups: np.ndarray | None = None,
        deviations: float | None = None,
    ) -> None:
        super().__init__(groups)
        self.fraction = fraction
        self.deviations = deviations

    def _apply(self, scores: np.ndarray) -> np.ndarray:
        if self.deviations is not None:
            if not self.deviations > 0.0:
                raise ValueError(f"deviations {self.deviations} is not positive")
            return preprocess.winsorize_deviations(scores, self.deviations, groups=self._labels())
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


class GaussianRanker(_CrossSectional):
    """Normal scores of the ranks (Blom 1958), ties averaged.

    Parameters
    ----------
    groups : (N,) array, optional
        Labels of assets that are ranked apart.
    """

    def _apply(self, scores: np.ndarray) -> np.ndarray:
        return preprocess.gaussian_rank(scores, groups=self._labels())


class Neutralizer(_CrossSectional):
    """Residuals of each cross-section's regression on a constant and characteristics.

    Without exposures they are the deviations from the mean: no group is favoured as a whole.

    Parameters
    ----------
    groups : (N,) array, optional
        Labels of assets, each group with a regression of its own; one of all unless given.
    exposures : (K, R, N) or (R, N) array, optional
        Characteristics on the rows that are transformed, such as log cap and beta. An asset
        without one of them becomes NaN.
    weights : (R, N) array, optional
        Weights of the regressions; equal unless given.
    """

    def __init__(
        self,
        groups: np.ndarray | None = None,
        exposures: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> None:
        super().__init__(groups)
        self.exposures = exposures
        self.weights = weights

    def _apply(self, scores: np.ndarray) -> np.ndarray:
        if self.exposures is None and self.weights is None:
            return preprocess.demean(scores, groups=self._labels())
        exposures = np.empty((0, *scores.shape)) if self.exposures is None else self.exposures
        exposures = np.asarray(exposures, dtype=np.float64)
        return neutralize(
            scores,
            exposures[None] if exposures.ndim == 2 else exposures,
            groups=self._labels(),
            weights=self.weights,
        )


class Lagger(_CrossSectional):
    """The scores of so many rows before; the first rows have none.

    The one transformer whose samples are in order: rows are dates, earliest first. It shifts
    within the block that it is given and keeps nothing of another, so that a row never meets a
    later one.

    Parameters
    ----------
    periods : int, default 1
        Rows, at least 0.
    """

    def __init__(self, periods: int = 1) -> None:
        super().__init__()
        self.periods = periods

    def _apply(self, scores: np.ndarray) -> np.ndarray:
        if not 0 <= self.periods == int(self.periods):
            raise ValueError(f"periods {self.periods} is not a whole number of rows from 0 on")
        lagged = np.full(scores.shape, np.nan)
        kept = max(len(scores) - self.periods, 0)
        lagged[len(scores) - kept :] = scores[:kept]
        return lagged
