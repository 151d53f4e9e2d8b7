"""How scores become weights: the keys of ``portfolio`` as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "OTHERS",
    "CovarianceRules",
    "MeanVarianceRules",
    "NeutralRules",
    "PortfolioRules",
    "VolatilityRules",
]

#: The cap of the sectors that `max_sector_weight` does not name.
OTHERS = "others"
#: Weightings that look at past returns.
_BY_RISK = (
    "inverse_volatility",
    "minimum_variance",
    "equal_risk_contribution",
    "hierarchical_risk_parity",
    "mean_variance",
)


@dataclass(frozen=True)
class CovarianceRules:
    """How risk is estimated.

    Parameters
    ----------
    estimator : {"ledoit_wolf", "oas", "sample", "ewma"}
        Shrinkage estimators, the sample covariance, or exponential weights.
    lookback : int
        Sessions of returns up to the decision.
    halflife : int
        Sessions in which a weight of ``ewma`` halves.
    min_history : int
        Fewest known returns of an asset; with fewer it is not held where weights need risk.
    """

    estimator: str = "ledoit_wolf"
    lookback: int = 252
    halflife: int = 63
    min_history: int = 126


@dataclass(frozen=True)
class MeanVarianceRules:
    """Mean-variance on scores, everything per year.

    Parameters
    ----------
    risk_aversion : float
        Half of it times the variance is taken off the expected return.
    turnover_penalty : float
        Taken off for each unit of weight traded, from the weights held.
    information_coefficient : float
        Expected return = it x volatility x standard score (Grinold 1994).
    """

    risk_aversion: float = 5.0
    turnover_penalty: float = 0.0
    information_coefficient: float = 0.05


@dataclass(frozen=True)
class NeutralRules:
    """To what the book is neutral; tolerances are shares of NAV, None asks for nothing.

    Parameters
    ----------
    dollar : float, optional
        Greatest absolute net weight.
    beta : float, optional
        Greatest absolute sum of weight x beta.
    asset_class : tuple of str
        Classes whose net weight is zero; ``("all",)`` means each.
    sector : bool
        Whether the net weight of each sector is zero.
    market : str
        What betas are against: ``equal_weight`` (of the eligible assets), or a symbol.
    """

    dollar: float | None = None
    beta: float | None = None
    asset_class: tuple[str, ...] = ()
    sector: bool = False
    market: str = "equal_weight"

    @property
    def asks(self) -> bool:
        """Whether anything is to be neutral."""
        given = self.dollar is not None or self.beta is not None
        return given or bool(self.asset_class) or self.sector


@dataclass(frozen=True)
class VolatilityRules:
    """The volatility that the book is scaled to.

    Parameters
    ----------
    annual : float
        Standard deviation of a year's return.
    max_leverage : float
        Most that weights are multiplied by; 1 scales down only.
    """

    annual: float
    max_leverage: float = 1.0


@dataclass(frozen=True)
class PortfolioRules:
    """How scores become weights; the keys of ``portfolio`` in the configuration."""

    side: str = "long_only"
    quantile: float | None = 0.2
    top: int | None = None
    weighting: str = "equal"
    gross: float = 1.0
    net: float = 0.0
    max_weight: float = 1.0
    max_class_weight: Mapping[str, float] = field(default_factory=dict)
    sleeves: Mapping[str, float] | None = None
    min_breadth: int = 4
    thin_sleeve: str = "trend"
    max_sector_weight: Mapping[str, float] = field(default_factory=dict)
    max_gross: float | None = None
    neutral: NeutralRules = NeutralRules()
    volatility_target: VolatilityRules | None = None
    stagger: int = 1
    covariance: CovarianceRules = CovarianceRules()
    mean_variance: MeanVarianceRules = MeanVarianceRules()
    #: Whether the other shorts of a class take over what cannot be borrowed, or cash does.
    unborrowable: str = "cash"

    @property
    def is_long_short(self) -> bool:
        return self.side == "long_short"

    @property
    def needs_account(self) -> bool:
        """Whether weights depend on what is held, so that runs cannot share them."""
        return self.weighting == "mean_variance" and self.mean_variance.turnover_penalty > 0

    @property
    def needs_returns(self) -> bool:
        """Whether weights depend on past returns."""
        by_risk = self.weighting in _BY_RISK or self.volatility_target is not None
        return by_risk or self.neutral.beta is not None

    @property
    def projects(self) -> bool:
        """Whether limits are kept by projection: any that caps alone cannot express."""
        return bool(self.max_sector_weight) or self.max_gross is not None or self.neutral.asks
