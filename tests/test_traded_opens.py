"""Which assets have shown a traded open: asked for little by little, and never ahead of time."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies.opens import TradedOpens


def shown(panel, row, columns):
    """The definition, over everything up to a row."""
    opens = panel.tradable & (panel.open != panel.close) & ~panel.close_only
    return bool(opens[: row + 1, columns].any(axis=0).all())


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_questions_in_any_order_are_answered_as_from_all_rows(make_panel, data):
    rows, columns = data.draw(st.sampled_from([(3, 2), (40, 4), (600, 3)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    close = np.full((rows, columns), 10.0)
    close[rng.random(close.shape) < 0.3] = np.nan
    rare = rng.choice([0.0, 0.01, 0.5, 1.0], columns)
    open_ = np.where(rng.random(close.shape) < rare, close - 1.0, close)
    panel = make_panel(close, open_, close_only=rng.random(columns) < 0.2)
    opens = TradedOpens(panel)
    for _ in range(data.draw(st.integers(1, 8))):
        row = data.draw(st.integers(0, rows - 1))
        some = np.array(sorted(data.draw(st.sets(st.integers(0, columns - 1)))), dtype=int)
        assert opens.shown(row, some) == shown(panel, row, some)


def test_rows_after_the_question_are_not_read(make_panel):
    close = np.full((6, 1), 10.0)
    open_ = close.copy()
    open_[4] = 9.0
    opens, every = TradedOpens(make_panel(close, open_)), np.array([0])
    assert [opens.shown(row, every) for row in (5, 3, 4, 2)] == [True, False, True, False]


def test_no_row_between_two_questions_is_left_out(make_panel):
    close = np.full((8, 1), 10.0)
    for only in range(8):
        open_ = close.copy()
        open_[only] = 9.0
        opens, every = TradedOpens(make_panel(close, open_)), np.array([0])
        answers = [opens.shown(row, every) for row in (1, 2, 5, 7)]
        assert answers == [only <= row for row in (1, 2, 5, 7)]


def test_no_ticket_lacks_an_open(make_panel):
    assert TradedOpens(make_panel(np.full((2, 1), 10.0))).shown(0, np.zeros(0, dtype=int))
