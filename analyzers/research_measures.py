"""The factors that are measured alike among stocks and among coins, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from factors.registry import Factor, get_factor
from feeds.panel import Panel

__all__ = ["MEASURES", "Measure", "measures_of"]


@dataclass(frozen=True, eq=False)
class Measure:
    """One factor with one window, scored by the same function in every class.

    Parameters
    ----------
    key : str
        Its name in tables of this study.
    label : str
        Text for readers.
    factor : str
        Name in the registry.
    proxy : str or None
        The stand-in measure, if it is one.
    parameters : dict
        Calendar to the factor's parameters; a calendar that is absent takes the defaults.
    both : bool
        Whether coins can be scored by it; the others are factors of stocks alone.
    """

    key: str
    label: str
    factor: str
    proxy: str | None = None
    parameters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    both: bool = True

    @property
    def entry(self) -> Factor:
        """The registered factor."""
        return get_factor(self.factor, self.proxy)

    def given(self, panel: Panel) -> dict[str, int]:
        """Parameters on the panel's calendar."""
        return dict(self.parameters.get(panel.calendar, {}))

    def known(self, panel: Panel) -> bool:
        """Whether the panel has the fields that the factor needs."""
        return all(panel.available(name) for name in self.entry.fields)


def _window(
    sessions: int, days: int, skip: tuple[int, int] | None = None
) -> dict[str, dict[str, int]]:
    """One lookback, and what it skips, in sessions of an exchange and in days."""
    given = {"XNYS": {"lookback": sessions}, "24/7": {"lookback": days}}
    if skip is not None:
        for parameters, skipped in zip(given.values(), skip):
            parameters["skip"] = skipped
    return given


def _beta(sessions: int, days: int) -> dict[str, dict[str, int]]:
    return {
        "XNYS": {"lookback": sessions, "correlation_lookback": 2 * sessions},
        "24/7": {"lookback": days, "correlation_lookback": 2 * days},
    }


#: Volatility and beta take a quarter (beta's correlation two): with the year or the five years
#: of the literature little would be left of samples that are two and three years long.
MEASURES: tuple[Measure, ...] = (
    Measure("momentum_12_1", "Momentum, 12-1 months", "momentum"),
    Measure("momentum_3w", "Momentum, 3 weeks", "momentum", None, _window(15, 21, skip=(0, 0))),
    Measure("high_52w", "52-week high", "high_52w"),
    Measure("reversal_1w", "Reversal, 1 week", "short_term_reversal", None, _window(5, 7)),
    Measure("size", "Size (small)", "size"),
    Measure("size_volume", "Size (little traded)", "size", "dollar_volume"),
    Measure("low_volatility", "Low volatility", "volatility", None, _window(63, 91)),
    Measure("low_beta", "Low beta", "beta", None, _beta(63, 91)),
    Measure("low_idiosyncratic", "Low idiosyncratic volatility", "idiosyncratic_volatility",
            None, _window(63, 91)),
    Measure("max_return", "Low maximum return", "max_return"),
    Measure("illiquidity", "Illiquidity", "illiquidity", None, _window(63, 91)),
    Measure("share_turnover", "Low turnover", "share_turnover", None, _window(63, 91)),
    Measure("value_2y", "Value (long-run return, years 2 to 1)", "value", "long_run_return",
            _window(504, 730, skip=(252, 365))),
    Measure("value_5y", "Value (long-run return, years 5 to 1)", "value", "long_run_return",
            both=False),
    Measure("value", "Book to market", "value", both=False),
    Measure("profitability", "Profitability", "profitability", both=False),
    Measure("investment", "Low investment", "investment", both=False),
)  # fmt: skip


def measures_of(panel: Panel, measures: tuple[Measure, ...] = MEASURES) -> tuple[Measure, ...]:
    """Those whose fields a panel has."""
    return tuple(measure for measure in measures if measure.known(panel))
