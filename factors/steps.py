"""Steps from a factor's scores to comparable ones, in the order that a user gives them.

A step is a value: its settings and one method that takes (R, N) scores and what is known of
those rows. Only :class:`Lag` moves scores between rows, and only from earlier to later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from factors import preprocess
from factors.neutralize import neutralize
from factors.sections import GROUPINGS

__all__ = [
    "Gaussian",
    "Lag",
    "Neutralize",
    "Rank",
    "Section",
    "Step",
    "Winsorize",
    "ZScore",
    "run_steps",
    "usual_steps",
]

Names = tuple[str, ...]
_WITHIN = ("asset_class",)


@dataclass(frozen=True, eq=False)
class Section:
    """What a step may know of R rows.

    Parameters
    ----------
    eligible : (R, N) bool array
        Who takes part.
    groups : callable
        Names of groupings to (N,) labels, or None for one group of all.
    exposure : callable
        Name of a characteristic to its (R, N) values on these rows.
    """

    eligible: np.ndarray
    groups: Callable[[Names], np.ndarray | None]
    exposure: Callable[[str], np.ndarray]


@dataclass(frozen=True)
class Winsorize:
    """Clip to the quantiles `fraction` and 1 - `fraction`.

    With `deviations`, clip to so many robust standard deviations round the median instead.
    `within` names the groups that are treated apart, here and below.
    """

    fraction: float = 0.01
    deviations: float | None = None
    within: Names = _WITHIN

    def apply(self, scores: np.ndarray, section: Section) -> np.ndarray:
        """(R, N) clipped scores."""
        known = {"eligible": section.eligible, "groups": section.groups(self.within)}
        if self.deviations is not None:
            return preprocess.winsorize_deviations(scores, self.deviations, **known)
        return preprocess.winsorize(scores, self.fraction, **known)


@dataclass(frozen=True)
class Rank:
    """Ranks evenly spread over (-1/2, 1/2)."""

    within: Names = _WITHIN

    def apply(self, scores: np.ndarray, section: Section) -> np.ndarray:
        """(R, N) ranks."""
        groups = section.groups(self.within)
        return preprocess.rank_scale(scores, eligible=section.eligible, groups=groups)


@dataclass(frozen=True)
class ZScore:
    """Deviations from the mean in sample standard deviations."""

    within: Names = _WITHIN

    def apply(self, scores: np.ndarray, section: Section) -> np.ndarray:
        """(R, N) z-scores."""
        groups = section.groups(self.within)
        return preprocess.z_score(scores, eligible=section.eligible, groups=groups)


@dataclass(frozen=True)
class Gaussian:
    """Normal scores of the ranks."""

    within: Names = _WITHIN

    def apply(self, scores: np.ndarray, section: Section) -> np.ndarray:
        """(R, N) normal scores."""
        groups = section.groups(self.within)
        return preprocess.gaussian_rank(scores, eligible=section.eligible, groups=groups)


@dataclass(frozen=True)
class Neutralize:
    """Residuals of the regression on groups and characteristics.

    `by` names groupings (``asset_class``, ``sector``), which join those of `within`, and
    characteristics, each the name of a factor.
    """

    by: Names = ()
    within: Names = _WITHIN

    @property
    def groupings(self) -> Names:
        """Groupings within which the regressions are made."""
        return tuple(name for name in GROUPINGS if name in (*self.within, *self.by))

    @property
    def characteristics(self) -> Names:
        """Names of the factors that the scores are regressed on."""
        return tuple(name for name in self.by if name not in GROUPINGS)

    def apply(self, scores: np.ndarray, section: Section) -> np.ndarray:
        """(R, N) residuals."""
        known = {"eligible": section.eligible, "groups": section.groups(self.groupings)}
        if not self.characteristics:
            return preprocess.demean(scores, **known)
        exposures = [section.exposure(name) for name in self.characteristics]
        return neutralize(scores, exposures, **known)


@dataclass(frozen=True)
class Lag:
    """The score of so many sessions before."""

    sessions: int = 1


Step = Winsorize | Rank | ZScore | Gaussian | Neutralize | Lag


def usual_steps(
    winsorize: float = 0.01, scale: str = "rank", neutralize: Sequence[str] = _WITHIN
) -> tuple[Step, ...]:
    """Winsorise and scale within groups, then neutralise to characteristics.

    Ranks and normal scores are taken of the scores as they are: clipping before them would
    only tie the extreme assets with each other. Characteristics come last, so that the scores
    are neutral to them in the end.

    Parameters
    ----------
    winsorize : float
        Share clipped on each side before ``zscore`` and ``none``.
    scale : {"rank", "zscore", "gaussian", "none"}
        ``none`` keeps the units, less the mean of each group where there are groups.
    neutralize : sequence of str
        ``asset_class`` and ``sector``, and names of factors.

    Returns
    -------
    tuple of Step
    """
    within = tuple(name for name in GROUPINGS if name in neutralize)
    characteristics = tuple(name for name in neutralize if name not in GROUPINGS)
    scaled: dict[str, tuple[Step, ...]] = {
        "rank": (Rank(within),),
        "gaussian": (Gaussian(within),),
        "zscore": (Winsorize(winsorize, within=within), ZScore(within)),
        "none": (Winsorize(winsorize, within=within),),
    }
    if characteristics or scale == "none" and within:
        return (*scaled[scale], Neutralize(characteristics, within))
    return scaled[scale]


def run_steps(
    raw: Callable[[np.ndarray], np.ndarray],
    section: Callable[[np.ndarray], Section],
    steps: Sequence[Step],
    rows: np.ndarray,
) -> np.ndarray:
    """Take a factor's scores through the steps.

    What comes before a lag is done on the earlier rows, among those that were eligible then
    and with what was known then: no step can see a row after its own.

    Parameters
    ----------
    raw : callable
        Rows of the panel (R,) to the factor's scores there (R, N); a row before the first, a
        negative number, is all NaN.
    section : callable
        Rows of the panel (R,) to their :class:`Section`.
    steps : sequence of Step
    rows : (R,) int array
        Rows that scores are wanted for.

    Returns
    -------
    (R, N) float64 array
        NaN where not eligible on the row itself, or not known.
    """
    when = rows - sum(step.sessions for step in steps if isinstance(step, Lag))
    scores = raw(when)
    for step in steps:
        if isinstance(step, Lag):
            when = when + step.sessions
        else:
            scores = step.apply(scores, section(when))
    return np.where(section(rows).eligible & np.isfinite(scores), scores, np.nan)
