"""Fees that United States brokers pass on for sales of stocks, by the date of the sale.

Both are charged for sales alone. The rates are tables by their first day; a sale before the
first row pays the first rate, one after the last row the last. Transfers under the Consolidated
Audit Trail, which change several times a year and are smaller still, are left out.
"""

from __future__ import annotations

import numpy as np

from strategies.execution.tickets import Tickets

__all__ = ["SECTION_31", "TRADING_ACTIVITY", "section_31_fee", "trading_activity_fee"]

#: First day, and dollars per million of the value sold: Securities and Exchange Commission, Fee
#: Rate Advisories under Section 31 of the Exchange Act; FINRA Information Notices of 3/10/08,
#: 3/10/10, 3/3/14, 3/15/16, 5/7/18, 2/16/21 and 4/24/25 repeat them. Complete from March 2007 to
#: December 2025.
SECTION_31: tuple[tuple[str, float], ...] = (
    ("2007-03-17", 15.30),
    ("2008-01-25", 11.00),
    ("2008-04-01", 5.60),
    ("2009-04-10", 25.70),
    ("2010-01-15", 12.70),
    ("2010-04-01", 16.90),
    ("2011-01-21", 19.20),
    ("2012-02-21", 18.00),
    ("2012-04-01", 22.40),
    ("2013-05-25", 17.40),
    ("2014-03-18", 22.10),
    ("2015-02-14", 18.40),
    ("2016-02-16", 21.80),
    ("2017-07-04", 23.10),
    ("2018-05-22", 13.00),
    ("2019-04-16", 20.70),
    ("2020-02-18", 22.10),
    ("2021-02-25", 5.10),
    ("2022-05-14", 22.90),
    ("2023-02-27", 8.00),
    ("2024-05-22", 27.80),
    ("2025-05-14", 0.00),
)

#: First day, dollars per share sold, and most per sale: FINRA Trading Activity Fee for covered
#: equity securities, Section 1 of Schedule A to the By-Laws; Notice to Members 04-84, Regulatory
#: Notices 11-27 and 12-06, 77 FR 38690 (rates from July 2012), 85 FR 66592 (from 2022 to 2024).
#: Complete from November 2004 to December 2025.
TRADING_ACTIVITY: tuple[tuple[str, float, float], ...] = (
    ("2004-11-01", 0.000075, 3.75),
    ("2011-07-01", 0.000090, 4.50),
    ("2012-03-01", 0.000095, 4.75),
    ("2012-07-01", 0.000119, 5.95),
    ("2022-01-01", 0.000130, 6.49),
    ("2023-01-01", 0.000145, 7.27),
    ("2024-01-01", 0.000166, 8.30),
)


def section_31_fee(tickets: Tickets) -> np.ndarray:
    """(k,) fee on the value sold, in currency; 0 for what is bought."""
    at = _row([day for day, _ in SECTION_31], tickets)
    rate = np.array([rate for _, rate in SECTION_31])[at] / 1e6
    return np.maximum(-tickets.size, 0.0) * tickets.price * rate


def trading_activity_fee(tickets: Tickets) -> np.ndarray:
    """(k,) fee on the printed shares sold, in currency, up to its maximum; 0 for purchases."""
    at = _row([day for day, _, _ in TRADING_ACTIVITY], tickets)
    rate = np.array([rate for _, rate, _ in TRADING_ACTIVITY])[at]
    most = np.array([most for _, _, most in TRADING_ACTIVITY])[at]
    return np.minimum(np.maximum(-tickets.shares, 0.0) * rate, most)


def _row(days: list[str], tickets: Tickets) -> np.ndarray:
    """(k,) places in a table by its first days; the last where a date is not known."""
    starts = np.array(days, dtype="datetime64[D]")
    return np.maximum(np.searchsorted(starts, tickets.dates, side="right") - 1, 0)
