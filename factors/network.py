"""Network value of coins: what moves over the chain, and by how many, to the market cap."""

from __future__ import annotations

import numpy as np

from factors.ratios import ratio, scores_by_part
from factors.registry import factor
from factors.rolling import moving_mean
from factors.windows import check_window, last_known
from feeds.panel import Panel

__all__ = ["active_addresses", "transfer_volume"]

#: Four weeks, in sessions.
_MONTH = {"XNYS": 20, "24/7": 28}


@factor("transfer_volume", label="Transfer volume to cap", fields=("transfer_volume", "market_cap"))
def transfer_volume(
    panel: Panel, window: int | None = None, rows: np.ndarray | None = None
) -> np.ndarray:
    """Mean value transferred on the chain in a day over the market cap: the inverse of NVT.

    Parameters
    ----------
    panel : Panel
        With the daily figure ``transfer_volume``, in currency.
    window : int, optional
        Sessions of the mean, the current one included; 20 on XNYS and 28 on 24/7.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A fraction a day. NaN where fewer than half of the window's sessions have the figure,
        where the cap is not known or not positive, and where the asset has no bar within the week
        before t.

    Raises
    ------
    ConfigError
        If the window is empty.

    References
    ----------
    Cong, Karolyi, Tang and Zhao (2022), "Value Premium, Network Adoption, and Factor Pricing of
    Crypto Assets", who sort coins by such ratios; Liu, Tsyvinski and Wu (2021), "Accounting for
    Cryptocurrency Value".
    """
    return _to_cap("transfer_volume", panel, window, rows)


@factor(
    "active_addresses", label="Active addresses to cap", fields=("active_addresses", "market_cap")
)
def active_addresses(
    panel: Panel, window: int | None = None, rows: np.ndarray | None = None
) -> np.ndarray:
    """Mean number of addresses that are active in a day over the market cap.

    Parameters
    ----------
    panel : Panel
        With the daily figure ``active_addresses``.
    window : int, optional
        Sessions of the mean, the current one included; 20 on XNYS and 28 on 24/7.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        Addresses a unit of currency. NaN as for :func:`transfer_volume`.

    Raises
    ------
    ConfigError
        If the window is empty.

    References
    ----------
    As for :func:`transfer_volume`.
    """
    return _to_cap("active_addresses", panel, window, rows)


def _to_cap(name: str, panel: Panel, window: int | None, rows: np.ndarray | None) -> np.ndarray:
    window = _MONTH[panel.calendar] if window is None else window
    check_window(name, window)
    figure, least = panel.figure(name), (window + 1) // 2
    return scores_by_part(
        panel,
        rows,
        lambda part, out: ratio(
            moving_mean(figure, window, part, least),
            last_known(panel, panel.market_cap, part),
            out,
        ),
    )
