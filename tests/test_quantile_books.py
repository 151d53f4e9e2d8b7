"""Books of ranked assets that a test of factor performance does not reach."""

from __future__ import annotations

import numpy as np
import pytest

from factors.quantile_books import long_only_weights, long_short_weights
from feeds.errors import DataError

#: Five ranked assets of six; B and C tie for the second place.
SCORES = np.array([[5.0, 3.0, 3.0, 1.0, np.nan, 0.0]])


def test_a_long_only_book_is_the_long_side_doubled():
    # floor(0.4 x 5) = 2 places: A holds one, B and C half of the other each.
    expected = [[0.5, 0.25, 0.25, 0.0, 0.0, 0.0]]
    assert long_only_weights(SCORES, 0.4).tolist() == expected
    assert (2 * np.maximum(long_short_weights(SCORES, 0.4), 0.0)).tolist() == expected


def test_a_number_of_assets_in_place_of_a_quantile():
    assert long_only_weights(SCORES, top=2).tolist() == [[0.5, 0.25, 0.25, 0.0, 0.0, 0.0]]
    # All five, since fewer than nine are ranked; of a long-short book half, floor(5 / 2) = 2.
    assert long_only_weights(SCORES, top=9)[0].tolist() == [0.2, 0.2, 0.2, 0.2, 0.0, 0.2]
    both = long_short_weights(SCORES, top=9)[0].tolist()
    assert both == [0.25, 0.125, 0.125, -0.25, 0.0, -0.25]


def test_nothing_to_choose_by_and_nothing_to_rank():
    assert long_only_weights(np.zeros((1, 4)), 0.25)[0].tolist() == [0.25] * 4
    assert not long_only_weights(np.full((1, 4), np.nan), 0.25).any()
    assert not long_only_weights(SCORES, 0.4, min_breadth=6).any()
    assert not long_short_weights(SCORES, 0.4, min_breadth=6).any()


@pytest.mark.parametrize("given", [{}, {"quantile": 0.2, "top": 3}, {"quantile": 0.6}])
@pytest.mark.parametrize("weights", [long_only_weights, long_short_weights])
def test_a_side_is_one_thing(weights, given):
    with pytest.raises(DataError):
        weights(SCORES, **given)
