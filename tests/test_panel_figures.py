"""Named figures of a panel: carried or of their row, never from the future, sparse until asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import DataError
from feeds.figures import Events, Figures, carried_array, pack_figures, unpack_figures

NAN = np.nan


def events(rows, columns, values, carried: bool = True) -> Events:
    return Events(np.array(rows, int), np.array(columns, int), np.array(values, float), carried)


@pytest.fixture
def figures() -> Figures:
    """Assets filed on rows 1 and 4 by column 0, 3 by column 2; a day's count on rows 0, 2, 3."""
    return Figures.of(
        {
            "assets": events([1, 4, 3], [0, 0, 2], [10.0, 12.0, 7.0]),
            "count": events([0, 2, 3], [1, 1, 0], [5.0, 6.0, 8.0], carried=False),
        },
        (6, 3),
    )


def test_filed_figures_stay_and_those_of_a_day_do_not(make_panel, figures) -> None:
    panel = make_panel(shape=(6, 3), figures=figures)
    assert panel.figures == ("assets", "count")
    np.testing.assert_array_equal(
        panel.figure("assets").T,
        [[NAN, 10, 10, 10, 12, 12], [NAN] * 6, [NAN, NAN, NAN, 7, 7, 7]],
    )
    np.testing.assert_array_equal(
        panel.figure("count").T,
        [[NAN, NAN, NAN, 8, NAN, NAN], [5, NAN, 6, NAN, NAN, NAN], [NAN] * 6],
    )


def test_a_value_that_is_not_known_any_more_ends_what_was_known(make_panel) -> None:
    held = Figures.of({"income": events([0, 2, 4], [0, 0, 0], [1.0, NAN, 3.0])}, (5, 1))
    panel = make_panel(shape=(5, 1), figures=held)
    np.testing.assert_array_equal(panel.figure("income")[:, 0], [1, 1, NAN, NAN, 3])


def test_of_several_on_one_row_the_last_counts() -> None:
    values = carried_array(
        np.array([1, 1, 1]), np.array([0, 0, 1]), np.array([3.0, 4.0, 5.0]), (3, 2)
    )
    np.testing.assert_array_equal(values.T, [[NAN, 4, 4], [NAN, 5, 5]])


def test_the_array_is_made_once_and_read_only(make_panel, figures) -> None:
    panel = make_panel(shape=(6, 3), figures=figures)
    assert panel.figure("assets") is panel.figure("assets")
    with pytest.raises(ValueError, match="read-only"):
        panel.figure("assets")[0, 0] = 1.0


def test_as_of_hides_later_filings_and_keeps_earlier_ones(make_panel, figures) -> None:
    panel = make_panel(shape=(6, 3), figures=figures)
    for row in range(6):
        for name in panel.figures:
            known = panel.as_of(row).figure(name)
            np.testing.assert_array_equal(known, panel.figure(name)[: row + 1])


def test_selected_assets_in_any_order(make_panel, figures) -> None:
    panel = make_panel(shape=(6, 3), figures=figures)
    for columns in (np.array([2, 0]), np.array([True, False, True]), np.array([1, 1, 0])):
        for name in panel.figures:
            taken = panel.select(columns).as_of(4).figure(name)
            np.testing.assert_array_equal(taken, panel.figure(name)[:5, columns])


def test_rows_that_begin_later_know_what_was_filed_before(make_panel, figures) -> None:
    panel = make_panel(shape=(6, 3), figures=figures)
    for start in range(6):
        later = panel._take(slice(start, None), slice(None))
        for name in panel.figures:
            np.testing.assert_array_equal(later.figure(name), panel.figure(name)[start:])


def test_available_knows_figures(make_panel, figures) -> None:
    panel = make_panel(shape=(6, 3), figures=figures)
    assert panel.available("assets") and not panel.available("net_income_ttm")
    # Without the figure ``assets`` is the symbols only.
    assert not make_panel(shape=(6, 3)).available("assets")
    assert not panel.available("figure") and panel.available("dollar_volume")


def test_a_figure_that_is_not_there_is_refused(make_panel, figures) -> None:
    panel = make_panel(shape=(6, 3), figures=figures)
    with pytest.raises(DataError, match="no figure 'asset'\ndid you mean assets"):
        panel.figure("asset")
    with pytest.raises(DataError, match="no figure 'assets'\n.*--fundamentals or --figures"):
        make_panel(shape=(6, 3)).figure("assets")


def test_figures_of_another_shape_are_refused(make_panel, figures) -> None:
    with pytest.raises(DataError, match=r"shape \(6, 3\), expected \(6, 4\)"):
        make_panel(shape=(6, 4), figures=figures)
    with pytest.raises(DataError, match="2 shapes"):
        Figures.from_arrays({"a": np.ones((2, 1)), "b": np.ones((1, 2))})


def test_sectors_follow_the_assets(make_panel) -> None:
    panel = make_panel(shape=(4, 3), sector=["Energy", "", "Utilities"])
    assert panel.available("sector") and not make_panel(shape=(4, 3)).available("sector")
    assert panel.select(np.array([2, 0])).sector.tolist() == ["Utilities", "Energy"]
    assert panel.as_of(1).sector.tolist() == ["Energy", "", "Utilities"]


def test_packed_figures_come_back_as_of_any_row(figures) -> None:
    arrays, places = pack_figures({**figures.events, "never": events([1], [0], [NAN])})
    assert sorted(places) == ["assets", "count"]
    for rows in range(1, 7):
        found = unpack_figures(arrays, places, figures.block, rows)
        # Assets are first known on row 1: with one row there is no such figure.
        assert found.names == (("assets", "count") if rows > 1 else ("count",))
        for name in found.names:
            np.testing.assert_array_equal(found.array(name), figures.array(name)[:rows])
    assert pack_figures({}) == ({}, {})
    assert unpack_figures({}, {}, (6, 3), 6) is None


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_any_events_are_those_of_a_walk_through_the_rows(data) -> None:
    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 4)))
    cell = st.tuples(
        st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1), st.sampled_from([1.0, 2.0, NAN])
    )
    drawn = sorted(data.draw(st.lists(cell, max_size=12)), key=lambda item: item[:2])
    rows, columns, values = zip(*drawn) if drawn else ((), (), ())
    held = Figures.of({"x": events(rows, columns, values)}, shape)
    expected, now = np.full(shape, NAN), np.full(shape[1], NAN)
    for row in range(shape[0]):
        for at, column, value in drawn:
            if at == row:
                now[column] = value
        expected[row] = now
    np.testing.assert_array_equal(held.array("x"), expected)
    first = data.draw(st.integers(0, shape[0] - 1))
    part = held.take(slice(first, None), slice(None)).take(slice(0, 2), slice(1, None))
    np.testing.assert_array_equal(part.array("x"), expected[first : first + 2, 1:])
