"""Where the costs of a run come from: every charge put to one part of each dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

__all__ = [
    "COST_KINDS",
    "FACTOR_DIMENSIONS",
    "REST",
    "charges_of",
    "cost_sources",
    "factor_shares",
    "waterfall",
]

#: Kinds of cost, in the order of tables; carry is a cost where it was paid.
COST_KINDS = ("commission", "slippage", "carry")
#: Dimensions that divide a charge among factors.
FACTOR_DIMENSIONS = ("factor, by score", "factor, by change of score")
#: Symbols that the table of assets names; the others are one part.
_MOST_ASSETS = 15
#: How the part that holds all other assets begins.
REST = "the other "
_CASH = "cash"


def charges_of(fills: pd.DataFrame, carry: pd.DataFrame) -> pd.DataFrame:
    """Every cost of a run, each of one asset, side and action.

    A fill that turns a position is two charges, the exit of the old side and the entry of the
    new one, which share its commission and slippage by their units. Carry belongs to the side
    held over the night before; interest has neither symbol nor side and is called ``cash``.

    Parameters
    ----------
    fills, carry : DataFrame
        As in the run's files, in the order booked.

    Returns
    -------
    DataFrame
        date, decided (the session whose decision caused it: that of the fill, and the date
        itself where nobody decided), symbol, side (long, short or cash), action (entry, exit
        or holding), commission, slippage, carry; in currency, positive where paid.
    """
    size = fills["size"].to_numpy(dtype=float)
    held = fills.groupby("symbol", sort=False)["size"].cumsum().to_numpy() - size
    # What is left of a closed position is rounding and has no side.
    scale = fills.groupby("symbol", sort=False)["size"].transform(lambda part: part.abs().max())
    held = np.where(np.abs(held) > 1e-9 * scale.to_numpy(), held, 0.0)
    closing = np.where(held * size < 0, np.minimum(np.abs(size), np.abs(held)), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(size != 0, closing / np.abs(size), 0.0)
    decided = fills["decision_date"].fillna(fills["date"])
    plain = pd.DataFrame({"date": fills["date"], "decided": decided, "symbol": fills["symbol"]})
    parts = []
    for action, part, sign in (("exit", share, held), ("entry", 1.0 - share, size)):
        charge = plain.assign(side=np.where(sign > 0, "long", "short"), action=action)
        for kind in ("commission", "slippage"):
            charge[kind] = fills[kind].to_numpy(dtype=float) * part
        parts.append(charge.assign(carry=0.0)[part > 0])
    return pd.concat([*parts, _carry_charges(fills, carry)], ignore_index=True)


def _carry_charges(fills: pd.DataFrame, carry: pd.DataFrame) -> pd.DataFrame:
    """Carry as charges; the side is that of the position before the session's fills."""
    symbol = carry["symbol"].astype(str).to_numpy()
    dates = carry["date"].to_numpy()
    side = np.full(len(carry), _CASH, dtype=object)
    booked = {name: part for name, part in fills.groupby("symbol")}
    for name in np.unique(symbol[symbol != ""]).tolist():
        here, part = symbol == name, booked.get(name)
        if part is None:
            continue
        held = np.concatenate([[0.0], part["size"].to_numpy(dtype=float).cumsum()])
        at = np.searchsorted(part["date"].to_numpy(), dates[here], side="left")
        side[here] = np.where(held[at] < 0, "short", "long")
    return pd.DataFrame(
        {
            "date": carry["date"],
            "decided": carry["date"],
            "symbol": np.where(symbol == "", _CASH, symbol),
            "side": side,
            "action": "holding",
            "commission": 0.0,
            "slippage": 0.0,
            "carry": -carry["amount"].to_numpy(dtype=float),
        }
    )


def factor_shares(contributions: np.ndarray, thin: np.ndarray) -> np.ndarray:
    """Shares of each asset's trades that its factors answer for, by decision.

    A factor's share is the absolute value of its contribution over the sum of all of them. An
    asset in a sleeve too thin to be ranked trades for another reason, the last part. Where no
    factor is known, the shares of the decision before are kept: an asset that is sold because it
    is no longer ranked costs what it was bought for.

    Parameters
    ----------
    contributions : (K, R, N) array
        Of K factors to the score of N assets at R decisions, or to its change; NaN: not known.
    thin : (R, N) bool array
        In a thin sleeve.

    Returns
    -------
    (K + 2, R, N) float64 array
        The factors, the thin sleeve, and what was never ranked; they sum to 1.
    """
    factors, rows, columns = contributions.shape
    size = np.abs(np.nan_to_num(contributions))
    total = size.sum(axis=0)
    shares = np.zeros((factors + 2, rows, columns))
    np.divide(size, total, out=shares[:factors], where=(total > 0)[None])
    shares[:, thin] = 0.0
    shares[factors, thin] = 1.0
    known = (total > 0) | thin
    last = np.maximum.accumulate(np.where(known, np.arange(rows)[:, None], -1), axis=0)
    shares = np.take_along_axis(shares, np.maximum(last, 0)[None], axis=1)
    shares[:, last < 0] = 0.0
    shares[-1, last < 0] = 1.0
    return shares


def cost_sources(
    charges: pd.DataFrame,
    asset_class: Mapping[str, str],
    *,
    decisions: np.ndarray,
    symbols: Sequence[str],
    shares: Mapping[str, tuple[Sequence[str], np.ndarray]],
) -> pd.DataFrame:
    """Costs by asset class, side, action, both, year, asset and factor.

    Parameters
    ----------
    charges : DataFrame
        From `charges_of`.
    asset_class : mapping
        Symbol to class.
    decisions : (R,) datetime64 array
        Decision dates, increasing.
    symbols : sequence of N str
    shares : mapping
        Dimension to the names of its J parts and the (J, R, N) shares of `factor_shares`.

    Returns
    -------
    DataFrame
        dimension, part, commission, slippage, carry, total (currency, positive where paid) and
        share of what was paid, the sum of the parts that cost something. The amounts of each
        dimension add up to the costs of the run.
    """
    symbol = charges["symbol"].astype(str)
    keys = {
        "asset class": symbol.map(lambda name: asset_class.get(name, _CASH)),
        "side": charges["side"],
        "action": charges["action"],
        "side and action": charges["side"] + ", " + charges["action"],
        "year": pd.DatetimeIndex(charges["date"]).year.astype(str),
        "asset": _largest_assets(charges, symbol),
    }
    amounts = charges[list(COST_KINDS)]
    tables = []
    for dimension, key in keys.items():
        sums = amounts.groupby(np.asarray(key, dtype=object)).sum()
        by_size = sums.sum(axis=1).sort_values(ascending=False, kind="stable").index
        order = sums.index if dimension == "year" else _rest_last(by_size)
        tables.append(_rows(dimension, sums.loc[order]))
    columns = {name: number for number, name in enumerate(symbols)}
    place = symbol.map(lambda name: columns.get(name, -1)).to_numpy()
    number = np.searchsorted(decisions, charges["decided"].to_numpy(), side="right") - 1
    for dimension, (names, part) in shares.items():
        tables.append(_rows(dimension, _divided(amounts, place, number, names, part)))
    return pd.concat(tables, ignore_index=True)


def _divided(
    amounts: pd.DataFrame,
    place: np.ndarray,
    number: np.ndarray,
    names: Sequence[str],
    shares: np.ndarray,
) -> pd.DataFrame:
    """Charges divided by the shares of their assets at their decisions; cash apart."""
    known = (place >= 0) & (number >= 0)
    part = np.zeros((len(names), len(amounts)))
    part[:, known] = shares[:, number[known], place[known]]
    part[-1, ~known & (place >= 0)] = 1.0
    sums = pd.DataFrame(part @ amounts.to_numpy(), index=list(names), columns=amounts.columns)
    cash = amounts[place < 0].sum()
    if cash.any():
        sums.loc[_CASH] = cash
    named = (sums != 0).any(axis=1)
    return sums[named] if named.any() else sums


def _rows(dimension: str, sums: pd.DataFrame) -> pd.DataFrame:
    table = sums.rename_axis("part").reset_index()
    table.insert(0, "dimension", dimension)
    table["total"] = table[list(COST_KINDS)].sum(axis=1)
    paid = table["total"].clip(lower=0.0).sum()
    table["share"] = table["total"] / paid if paid > 0 else np.nan
    return table


def _largest_assets(charges: pd.DataFrame, symbol: pd.Series) -> np.ndarray:
    """The symbols that cost most by name, the others as one."""
    total = charges[list(COST_KINDS)].sum(axis=1)
    sums = total.groupby(symbol.to_numpy()).sum().sort_values(ascending=False, kind="stable")
    named = sums.index[:_MOST_ASSETS]
    rest = len(sums) - len(named)
    return np.where(symbol.isin(named), symbol, f"{REST}{rest}").astype(object)


def _rest_last(names: pd.Index) -> list[str]:
    return sorted(names, key=lambda name: str(name).startswith(REST))


def waterfall(
    final_value: float, starting_cash: float, fills: pd.DataFrame, carry: pd.DataFrame
) -> pd.DataFrame:
    """From the profit before costs to the profit after them, in steps that add up.

    Parameters
    ----------
    final_value, starting_cash : float
        In currency.
    fills, carry : DataFrame
        As in the run's files.

    Returns
    -------
    DataFrame
        step, amount: ``gross profit``, minus commission, minus slippage, each kind of carry
        (positive was received), ``net profit``; the last is the sum of those before it.
    """
    steps = [(kind, -float(fills[kind].astype(float).sum())) for kind in ("commission", "slippage")]
    by_kind = carry["amount"].astype(float).groupby(carry["kind"].to_numpy()).sum().sort_index()
    steps += [(str(kind), float(amount)) for kind, amount in by_kind.items()]
    net = final_value - starting_cash
    gross = net - sum(amount for _, amount in steps)
    rows = [("gross profit", gross), *steps, ("net profit", net)]
    return pd.DataFrame(rows, columns=["step", "amount"])
