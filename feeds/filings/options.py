"""How a file of filings is to be read, and what is done about its faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from feeds.errors import ConfigError
from feeds.suggestions import remedy_for

__all__ = ["FIGURES", "LENGTHS", "REQUIRED", "FilingOptions", "known_names", "parse_filing_options"]

#: Lengths of periods: of flows, and of cash flows where these are not the fiscal year to date.
LENGTHS = ("months", "cash_flow_months")

#: What every filing must say.
REQUIRED = ("symbol", "period_end", "filed")

#: Figures by our name, with names under which files have them, the best first. Figures in
#: currency come first: they change together where a filing is in the wrong unit.
_MONEY = {
    "book_equity": ("equity", "stockholders_equity", "shareholders_equity", "total_equity", "ceq"),
    "assets": ("total_assets",),
    "net_income": ("netincome", "net_income_loss", "netincomeloss", "ni"),
    "revenue": ("revenues", "sales", "total_revenue", "sale"),
    "operating_income": ("op_income", "operating_profit", "ebit"),
    "current_assets": ("cur_assets", "assets_current"),
    "current_liabilities": ("cur_liab", "liabilities_current"),
    "cash": (),
    "operating_cash_flow": ("cash_flow_op", "cash_flow_operating"),
    "investing_cash_flow": ("cash_flow_inv", "cash_flow_investing"),
    "financing_cash_flow": ("cash_flow_fin", "cash_flow_financing"),
}
_OTHERS = {
    "shares": ("shares_outstanding", "csho"),
    "eps": ("eps_basic", "basic_eps", "eps_diluted", "diluted_eps"),
    "months": ("period_focus", "fiscal_period", "doc_type", "form"),
    "cash_flow_months": (),
}
MONEY = tuple(_MONEY)
FIGURES = (*_MONEY, *_OTHERS)

_DATES = {
    "symbol": ("ticker", "tic"),
    "period_end": ("end_date", "period", "period_end_date", "report_date", "datadate"),
    "filed": ("filing_date", "filed_date", "filed_at", "accepted", "acceptance_datetime", "rdq"),
    "shares_as_of": ("shares_date",),
}

Units = Literal["repair", "drop", "flag"]
Conflicts = Literal["drop", "first", "last"]


@dataclass(frozen=True)
class FilingOptions:
    """How filings are read and cleaned.

    Parameters
    ----------
    columns : mapping of str to str
        The file's column of each of ours, where the name does not tell; an empty text leaves a
        figure out. Besides `REQUIRED` and `FIGURES` any name of our own may be given: a column of
        numbers.
    units : {"repair", "drop", "flag"}
        What is done with a filing whose figures are all a thousand times those of the symbol's
        filing before, or a thousandth.
    conflicts : {"drop", "first", "last"}
        Which counts of two different filings of one period by one symbol on one day.
    min_eps : float
        Smallest absolute earnings per share from which a share count is derived: with two
        decimals a smaller one is mostly rounding.
    least_cap, most_cap : float
        Share counts that give a market cap outside, at the raw close of the day of filing, are
        left out.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    units: Units = "repair"
    conflicts: Conflicts = "drop"
    min_eps: float = 0.02
    least_cap: float = 20e6
    most_cap: float = 1.2e12

    def __post_init__(self) -> None:
        for name, given, known in (
            ("units", self.units, get_args(Units)),
            ("conflicts", self.conflicts, get_args(Conflicts)),
        ):
            if given not in known:
                raise ConfigError(f"unknown {name} {given!r} of filings", remedy_for(given, known))
        if not 0 < self.min_eps or not 0 <= self.least_cap < self.most_cap:
            raise ConfigError(
                f"filings: min_eps {self.min_eps:g} and caps {self.least_cap:g}.."
                f"{self.most_cap:g} leave no share count",
                "give min_eps above 0 and least_cap below most_cap",
            )


def known_names(ours: str) -> tuple[str, ...]:
    """Names, in lower case, under which a column of ours is recognised, the best first."""
    others = {**_DATES, **_MONEY, **_OTHERS}
    return (ours, *others.get(ours, ()))


def parse_filing_options(given: Mapping[str, str]) -> FilingOptions:
    """Options from text such as ``{"units": "drop", "book_equity": "ceq", "min_eps": "0.05"}``.

    A key that is no option is the name of a column of ours, its value the file's name of it.

    Raises
    ------
    ConfigError
        If a value does not fit its option.
    """
    options: dict[str, object] = {}
    columns = {}
    for name, text in given.items():
        if name in ("min_eps", "least_cap", "most_cap"):
            try:
                options[name] = float(text)
            except ValueError:
                raise ConfigError(
                    f"filings: {name} {text!r} is no number", "write it as 1234.5"
                ) from None
        elif name in ("units", "conflicts"):
            options[name] = text
        else:
            columns[name] = text
    return FilingOptions(columns=columns, **options)
