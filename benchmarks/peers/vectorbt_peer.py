"""vectorbt: target percents sorted by the library, and the expert's order function."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from benchmarks.contest import Engine, Outcome
from benchmarks.panels import CASH, COMMISSION_BPS, SLIPPAGE_BPS, Case

__all__ = ["VECTORBT"]

_FEE, _SLIP = COMMISSION_BPS / 1e4, SLIPPAGE_BPS / 1e4


def _prepare_auto(daily: bool, kernels: str = "numba") -> Callable[[Case], Callable[[], Outcome]]:
    def prepare(case: Case) -> Callable[[], Outcome]:
        import vectorbt as vbt

        panel = case.panel
        frame = _framed(case)
        close, price = frame(panel.close), frame(panel.open)
        # Sized by the closes of the decision, which are those of the row before the fill.
        before = frame(np.vstack([np.full_like(panel.close[:1], np.nan), panel.close[:-1]]))
        wanted = frame(_spread(case, np.nan))

        def run() -> Outcome:
            portfolio = vbt.Portfolio.from_orders(
                close,
                size=wanted,
                size_type="targetpercent",
                price=price,
                val_price=before,
                fees=_FEE,
                slippage=_SLIP,
                init_cash=CASH,
                cash_sharing=True,
                group_by=True,
                call_seq="auto",
                engine=kernels,
            )
            return _outcome(portfolio, panel.close[-1], daily)

        return run

    return prepare


def _prepare_expert(case: Case) -> Callable[[], Outcome]:
    """The order function of vectorbt's own documentation, on fill days only."""
    import vectorbt as vbt
    from vectorbt.portfolio.enums import SizeType

    panel = case.panel
    close = _framed(case)(panel.close)
    price, wanted = np.array(panel.open), _spread(case, 0.0)
    mask = _fill_days(case)
    kind = np.asarray(SizeType.TargetPercent)
    before_segment, next_order = _sorting_functions()

    def run() -> Outcome:
        portfolio = vbt.Portfolio.from_order_func(
            close,
            next_order,
            wanted,
            price,
            kind,
            init_cash=CASH,
            cash_sharing=True,
            group_by=True,
            segment_mask=mask,
            pre_segment_func_nb=before_segment,
            pre_segment_args=(wanted, kind),
            fill_pos_record=False,
            max_orders=case.weights.size,
        )
        return _outcome(portfolio, panel.close[-1], daily=False)

    return run


def _prepare_flexible(case: Case) -> Callable[[], Outcome]:
    """A strategy in numba that hands over what is traded only, and writes down daily values."""
    import vectorbt as vbt

    panel = case.panel
    close = _framed(case)(panel.close)
    price, mask = np.array(panel.open), _fill_days(case)
    number = np.full(panel.shape[0], -1)
    number[case.rows + 1] = np.arange(len(case.rows))
    before_segment, next_order, after_segment = _compact_functions()

    def run() -> Outcome:
        values = np.empty(panel.shape[0])
        portfolio = vbt.Portfolio.from_order_func(
            close,
            next_order,
            price,
            flexible=True,
            init_cash=CASH,
            cash_sharing=True,
            group_by=True,
            segment_mask=mask,
            pre_segment_func_nb=before_segment,
            pre_segment_args=(case.weights, number),
            call_post_segment=True,
            post_segment_func_nb=after_segment,
            post_segment_args=(values,),
            fill_pos_record=False,
            max_orders=case.weights.size,
        )
        return Outcome(float(values[-1]), len(portfolio.orders.values))

    return run


@cache
def _sorting_functions() -> tuple[Callable, Callable]:
    """Callbacks as in vectorbt's documentation: sort a segment's calls, then order one by one."""
    from numba import njit
    from vectorbt.portfolio import nb
    from vectorbt.portfolio.enums import Direction

    both = np.asarray(Direction.Both)

    @njit
    def before_segment(c, wanted, kind):
        nb.sort_call_seq_nb(c, wanted, kind, both, np.empty(c.group_len))
        return ()

    @njit
    def next_order(c, wanted, price, kind):
        return nb.order_nb(
            size=nb.get_elem_nb(c, wanted),
            price=nb.get_elem_nb(c, price),
            size_type=nb.get_elem_nb(c, kind),
            fees=_FEE,
            slippage=_SLIP,
        )

    return before_segment, next_order


@cache
def _compact_functions() -> tuple[Callable, Callable, Callable]:
    """Callbacks that find out what is traded, order just that, and keep the value of a day."""
    from numba import njit
    from vectorbt.portfolio import nb

    @njit
    def before_segment(c, weights, number):
        # The group's value at the closes of the decision: those of the row before the fill.
        target, value = weights[number[c.i]], c.last_value[c.group]
        columns = np.empty(c.group_len, dtype=np.int64)
        change = np.empty(c.group_len)
        count = 0
        for selling in (True, False):
            for col in range(c.from_col, c.to_col):
                held = c.last_position[col]
                if held == 0 and target[col] == 0:
                    continue
                units = target[col] * value / c.close[c.i - 1, col] - held
                if units != 0 and (units < 0) == selling:
                    columns[count], change[count] = col, units
                    count += 1
        return columns[:count], change[:count]

    @njit
    def next_order(c, columns, change, price):
        if c.call_idx == len(columns):
            return -1, nb.order_nothing_nb()
        col = columns[c.call_idx]
        return col, nb.order_nb(
            size=change[c.call_idx], price=price[c.i, col], fees=_FEE, slippage=_SLIP
        )

    @njit
    def after_segment(c, values):
        values[c.i] = c.last_value[c.group]

    return before_segment, next_order, after_segment


def _fill_days(case: Case) -> np.ndarray:
    mask = np.zeros((case.panel.shape[0], 1), dtype=bool)
    mask[case.rows + 1] = True
    return mask


def _spread(case: Case, idle: float) -> np.ndarray:
    """(T, N) weights on the rows after their decisions, `idle` on all others."""
    spread = np.full(case.panel.shape, idle)
    spread[case.rows + 1] = case.weights
    return spread


def _framed(case: Case) -> Callable[[np.ndarray], pd.DataFrame]:
    index = pd.DatetimeIndex(case.panel.dates.astype("datetime64[ns]"))
    names = case.panel.assets.tolist()
    return lambda values: pd.DataFrame(np.array(values), index, names)


def _outcome(portfolio, last_close: np.ndarray, daily: bool) -> Outcome:
    """Final value; `daily`: by way of the value of every day, as our lanes keep it."""
    records = portfolio.orders.values
    if daily:
        return Outcome(float(portfolio.value().iloc[-1]), len(records))
    units = np.where(records["side"] == 0, records["size"], -records["size"])
    cash = CASH - float(units @ records["price"]) - float(records["fees"].sum())
    return Outcome(cash + float(units @ last_close[records["col"]]), len(records))


_CASH = "short proceeds are cash, no margin; orders are cut one by one where cash ends"

VECTORBT = (
    Engine(
        "vectorbt_auto",
        "vectorbt from_orders, call_seq=auto",
        _prepare_auto(daily=False),
        f"{_CASH}; final value from the order records, no daily values",
        needs=("vectorbt",),
        turns=5,
    ),
    Engine(
        "vectorbt_auto_daily",
        "vectorbt from_orders, and daily values",
        _prepare_auto(daily=True),
        "as above, with the value of every day, which our lanes always keep",
        needs=("vectorbt",),
        turns=5,
    ),
    Engine(
        "vectorbt_rust",
        "vectorbt from_orders, Rust kernels",
        _prepare_auto(daily=False, kernels="rust"),
        "as from_orders, with the optional kernels in place of numba",
        needs=("vectorbt", "vectorbt_rust"),
        turns=5,
    ),
    Engine(
        "vectorbt_expert",
        "vectorbt from_order_func, segment mask",
        _prepare_expert,
        "its documented order function, called on fill days only; final value from the order "
        "records",
        needs=("vectorbt",),
        turns=9,
    ),
    Engine(
        "vectorbt_flexible",
        "vectorbt from_order_func, flexible",
        _prepare_flexible,
        "the whole strategy written in numba: it hands over what is traded only, and writes down "
        "the value of every day",
        needs=("vectorbt",),
        turns=9,
    ),
)
