"""Quadratic programs: by hand, by the conditions of optimality, and by certificates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from strategies.optimality import KKTPoint
from strategies.quadratic import nearest_feasible, solve_quadratic

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
INFINITE = np.array([np.inf])


def rows(*values: float) -> np.ndarray:
    return np.array([values], dtype=float)


def test_even_weights_under_one_equation():
    # min (x^2 + y^2) / 2, x + y = 1: x = y = 1/2, and x + multiplier = 0.
    found = solve_quadratic(np.eye(2), np.zeros(2), rows(1, 1), [1.0], [1.0])
    assert found.status == "solved" and found.violation < 1e-14
    assert found.x == pytest.approx([0.5, 0.5], abs=1e-15)
    assert found.row_duals == pytest.approx([-0.5], abs=1e-15)
    assert found.bound_duals.tolist() == [0.0, 0.0]


def test_the_nearest_point_under_a_line_and_its_multiplier():
    # From (1.5, 2) to x + y <= 1: each loses (3.5 - 1) / 2 = 1.25.
    found = solve_quadratic(np.ones(2), np.array([-1.5, -2.0]), rows(1, 1), -INFINITE, [1.0])
    assert found.x == pytest.approx([0.25, 0.75], abs=1e-14)
    assert found.row_duals == pytest.approx([1.25], abs=1e-14)


def test_bounds_that_bind_are_met_exactly():
    # From (0.2, 0.9), sum 1, at most 0.7: y = 0.7, x = 0.3, which is 0.1 too much for x:
    # multiplier of the sum -0.1, and of the bound 0.9 - 0.7 + 0.1 = 0.3.
    found = solve_quadratic(
        np.ones(2), np.array([-0.2, -0.9]), rows(1, 1), [1.0], [1.0], at_least=0.0, at_most=0.7
    )
    assert found.x[1] == 0.7 and found.x[0] == pytest.approx(0.3, abs=1e-15)
    assert found.row_duals == pytest.approx([-0.1], abs=1e-14)
    assert found.bound_duals == pytest.approx([0.0, 0.3], abs=1e-14)


def test_multipliers_are_in_the_units_of_the_objective():
    scaled = solve_quadratic(1e-4 * np.eye(2), np.zeros(2), rows(1, 1), [1.0], [1.0])
    assert scaled.row_duals == pytest.approx([-0.5e-4], rel=1e-12)


def test_a_linear_program():
    # max 3x + 2y, x + y <= 4, x <= 3: (3, 1).
    found = solve_quadratic(
        np.zeros(2), np.array([-3.0, -2.0]), rows(1, 1), -INFINITE, [4.0], at_least=0.0,
        at_most=np.array([3.0, np.inf]),
    )  # fmt: skip
    assert found.x == pytest.approx([3.0, 1.0], abs=1e-12)


def test_no_limits_and_no_variables():
    free = solve_quadratic(np.diag([2.0, 4.0]), np.array([-2.0, 4.0]))
    assert free.x == pytest.approx([1.0, -1.0], abs=1e-14)
    assert solve_quadratic(np.zeros(2), np.ones(2)).status == "unbounded"
    assert np.isnan(solve_quadratic(np.zeros(2), np.ones(2)).x).all()


def test_flat_directions_have_a_defined_answer():
    # (x + y - 1)^2 / 2 is least on a line; of its points one is found, the same each time.
    ones = np.ones((2, 2))
    first, again = (solve_quadratic(ones, -np.ones(2), at_least=0.0) for _ in range(2))
    assert first.status == "solved" and first.x.sum() == pytest.approx(1.0, abs=1e-14)
    assert first.x.tobytes() == again.x.tobytes()


def test_caps_that_cannot_reach_the_sum_are_certified():
    # Three of at most 0.3 sum to 0.9 at most: sum >= 1 (weight -1) against each cap (weight 1).
    found = solve_quadratic(
        np.ones(3), np.zeros(3), rows(1, 1, 1), [1.0], [1.0], at_least=0.0, at_most=0.3
    )
    assert found.status == "infeasible"
    assert found.row_conflict == pytest.approx([-1.0])
    assert found.bound_conflict == pytest.approx([1.0, 1.0, 1.0])
    assert found.conflicting_rows.tolist() == [0]
    assert found.conflicting_bounds.tolist() == [0, 1, 2]


def test_limits_that_take_no_part_are_not_named():
    # Rows 0 and 2 contradict each other; row 1 and the bounds could hold.
    A = np.array([[1.0, 1, 0], [0, 1, 1], [1, 1, 0]])
    found = solve_quadratic(
        np.ones(3), np.zeros(3), A, [1.0, -1.0, 0.0], [2.0, 1.0, 0.5], at_least=-5.0, at_most=5.0
    )
    assert found.conflicting_rows.tolist() == [0, 2] and not len(found.conflicting_bounds)


def test_limits_that_are_crossed_contradict_themselves():
    found = solve_quadratic(np.ones(2), np.zeros(2), rows(1, 1), [1.0], [0.5])
    assert found.status == "infeasible" and found.conflicting_rows.tolist() == [0]
    crossed = np.array([0.0, 1.0])
    found = solve_quadratic(np.ones(2), np.zeros(2), at_least=crossed, at_most=0.5)
    assert found.status == "infeasible" and found.conflicting_bounds.tolist() == [1]


@pytest.mark.parametrize("place", ["P", "q", "A"])
def test_what_is_not_finite_is_refused(place):
    given = {"P": np.eye(2), "q": np.zeros(2), "A": np.ones((1, 2))}
    given[place] = given[place] * np.nan
    with pytest.raises(ValueError, match="finite"):
        solve_quadratic(given["P"], given["q"], given["A"], [0.0], [1.0])


def test_a_limit_that_is_nan_is_refused():
    with pytest.raises(ValueError, match="limit is NaN"):
        solve_quadratic(np.eye(1), np.zeros(1), np.ones((1, 1)), [np.nan], [1.0])


def feasible_program(seed: int, most: int = 12) -> dict[str, np.ndarray]:
    """A program with a point inside: flat directions, equations, repeated rows among them."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, most)), int(rng.integers(0, 5))
    factors = rng.normal(size=(int(rng.choice([0, 1, n // 2, n + 3])), n))
    A = rng.integers(-1, 2, (m, n)).astype(float)
    if m > 1 and rng.random() < 0.3:
        A[1] = A[0]
    inside = rng.uniform(-0.5, 0.5, n)
    width = rng.uniform(0.0, 0.3, m) * (rng.random(m) < 0.7)
    return {
        "P": factors.T @ factors * 10.0 ** rng.integers(-4, 2),
        "q": rng.normal(size=n) * 10.0 ** rng.integers(-3, 1),
        "A": A,
        "lower": np.where(rng.random(m) < 0.2, -np.inf, A @ inside - width),
        "upper": A @ inside + width,
        "at_least": inside - rng.uniform(0.0, 1.0, n),
        "at_most": inside + rng.uniform(0.0, 1.0, n),
    }


@EXAMPLES
@given(seed=SEEDS)
def test_solutions_meet_the_conditions_of_optimality(seed):
    """Karush, Kuhn, Tucker: stationary, within limits, multipliers only where limits bind."""
    of = feasible_program(seed)
    found = solve_quadratic(**of)
    assert found.status == "solved"
    scale = max(np.abs(of["P"]).max(), np.abs(of["q"]).max())
    stationary = of["P"] @ found.x + of["q"] + of["A"].T @ found.row_duals + found.bound_duals
    assert np.abs(stationary).max() <= 1e-9 * scale
    for value, dual, lower, upper in (
        (of["A"] @ found.x, found.row_duals, of["lower"], of["upper"]),
        (found.x, found.bound_duals, of["at_least"], of["at_most"]),
    ):
        assert (value >= lower - 1e-10).all() and (value <= upper + 1e-10).all()
        binds_above, binds_below = value >= upper - 1e-7, value <= lower + 1e-7
        assert (dual[~binds_above] <= 1e-9 * scale).all()
        assert (dual[~binds_below] >= -1e-9 * scale).all()


@EXAMPLES
@given(seed=SEEDS)
def test_no_feasible_point_is_better(seed):
    of = feasible_program(seed)
    found = solve_quadratic(**of)
    rng = np.random.default_rng(seed)

    def objective(x):
        return 0.5 * x @ of["P"] @ x + of["q"] @ x

    for _ in range(40):
        x = rng.uniform(of["at_least"], of["at_most"])
        if ((of["A"] @ x >= of["lower"]) & (of["A"] @ x <= of["upper"])).all():
            assert objective(found.x) <= objective(x) + 1e-12


@EXAMPLES
@given(seed=SEEDS)
def test_the_order_of_variables_and_rows_does_not_matter(seed):
    of = feasible_program(seed)
    of["P"] = of["P"] + np.eye(len(of["q"])) * (np.abs(of["P"]).max() + 0.1)
    rng = np.random.default_rng(seed)
    way, turn = rng.permutation(len(of["q"])), rng.permutation(len(of["A"]))
    turned = solve_quadratic(
        of["P"][np.ix_(way, way)], of["q"][way], of["A"][np.ix_(turn, way)], of["lower"][turn],
        of["upper"][turn], at_least=of["at_least"][way], at_most=of["at_most"][way],
    )  # fmt: skip
    assert turned.x == pytest.approx(solve_quadratic(**of).x[way], abs=1e-10)


@EXAMPLES
@given(seed=SEEDS)
def test_a_diagonal_is_a_matrix(seed):
    of = feasible_program(seed)
    diagonal = np.random.default_rng(seed).uniform(0.1, 2.0, len(of["q"]))
    dense = solve_quadratic(**{**of, "P": np.diag(diagonal)})
    assert solve_quadratic(**{**of, "P": diagonal}).x == pytest.approx(dense.x, abs=1e-10)


@EXAMPLES
@given(seed=SEEDS)
def test_certificates_add_up_to_a_contradiction(seed):
    """A'y + z = 0, while the limits so weighted come to less than nothing (Farkas)."""
    of = feasible_program(seed)
    of["A"] = np.vstack([of["A"], np.ones((1, len(of["q"])))])
    of["lower"] = np.append(of["lower"], of["at_most"].sum() + 0.05)
    of["upper"] = np.append(of["upper"], np.inf)
    found = solve_quadratic(**of)
    assert found.status == "infeasible" and np.isnan(found.x).all()
    assert np.abs(of["A"].T @ found.row_conflict + found.bound_conflict).max() < 1e-9
    limits = (
        (found.row_conflict, of["lower"], of["upper"]),
        (found.bound_conflict, of["at_least"], of["at_most"]),
    )
    total = 0.0
    for weight, lower, upper in limits:
        part = weight != 0
        total += weight[part] @ np.where(weight > 0, upper, lower)[part]
    assert total < 0.0


def test_a_guess_spares_the_method_and_changes_nothing(monkeypatch):
    of = feasible_program(4)
    of["P"] = of["P"] + np.eye(len(of["q"]))
    found = solve_quadratic(**of)
    start = KKTPoint(found.x, found.row_duals, found.bound_duals)
    monkeypatch.setattr("strategies.quadratic.interior_point", None)
    again = solve_quadratic(**of, start=start)
    assert again.x == pytest.approx(found.x, abs=1e-13)


def test_a_bad_guess_does_no_harm():
    of = feasible_program(4)
    of["P"] = of["P"] + np.eye(len(of["q"]))
    bad = KKTPoint(np.full(len(of["q"]), 1e3), -np.ones(len(of["A"])), np.ones(len(of["q"])))
    expected = solve_quadratic(**of).x
    assert solve_quadratic(**of, start=bad).x == pytest.approx(expected, abs=1e-10)


def test_the_nearest_feasible_point_and_its_slack():
    # Three of at most 0.3 for a sum of 1: 0.3 each, and the sum falls short by 0.1.
    found = nearest_feasible(
        np.ones(3), -np.array([0.5, 0.3, 0.2]), rows(1, 1, 1), [1.0], [1.0], at_least=0.0,
        at_most=0.3,
    )  # fmt: skip
    assert found.status == "solved"
    assert found.x == pytest.approx([0.3, 0.3, 0.3], abs=1e-12)
    assert found.slack == pytest.approx([-0.1], abs=1e-12)


def test_the_dearer_limit_holds():
    # x >= 1 and x <= 0: the cheaper one gives way by 1.
    A = np.array([[1.0], [1.0]])
    limits = (np.array([1.0, -np.inf]), np.array([np.inf, 0.0]))
    for price, x, slack in (((2.0, 1.0), 1.0, (0.0, 1.0)), ((1.0, 2.0), 0.0, (-1.0, 0.0))):
        found = nearest_feasible(np.ones(1), np.zeros(1), A, *limits, price=np.array(price))
        assert found.x == pytest.approx([x], abs=1e-12)
        assert found.slack == pytest.approx(slack, abs=1e-12)


def test_of_equally_broken_limits_the_objective_decides():
    # x + y = 1 against x + y <= 0.5, at one price: any sum between costs 0.5; the nearest to
    # (0.4, 0.3) is the point itself, so the equation lacks 0.3 and the cap is passed by 0.2.
    A = np.ones((2, 2))
    limits = (np.array([1.0, -np.inf]), np.array([1.0, 0.5]))
    found = nearest_feasible(np.ones(2), np.array([-0.4, -0.3]), A, *limits)
    assert found.x == pytest.approx([0.4, 0.3], abs=1e-9)
    assert found.slack == pytest.approx([-0.3, 0.2], abs=1e-9)


def test_hard_rows_do_not_give_way():
    A = np.array([[1.0], [1.0]])
    limits = (np.array([1.0, -np.inf]), np.array([np.inf, 0.0]))
    price = np.array([np.inf, 50.0])
    found = nearest_feasible(np.ones(1), np.zeros(1), A, *limits, price=price)
    assert found.slack == pytest.approx([0.0, 1.0], abs=1e-12)
    none = nearest_feasible(np.ones(1), np.zeros(1), A, *limits, price=np.inf)
    assert none.status == "infeasible" and none.solution.conflicting_rows.tolist() == [0, 1]


@EXAMPLES
@given(seed=SEEDS)
def test_slack_is_the_least_that_a_linear_program_finds(seed):
    """HiGHS as a second witness."""
    of = feasible_program(seed)
    count, rng = len(of["q"]), np.random.default_rng(seed)
    of["P"] = of["P"] + np.eye(count) * (np.abs(of["P"]).max() + 0.1)
    top = float(of["at_most"].sum())
    of["A"] = np.vstack([of["A"], np.ones((2, count))])
    of["lower"] = np.append(of["lower"], [top + 0.05, -np.inf])
    of["upper"] = np.append(of["upper"], [np.inf, top - 0.1])
    price = rng.uniform(0.5, 2.0, len(of["A"]))
    found = nearest_feasible(**of, price=price)
    assert found.status == "solved"
    values = of["A"] @ found.x
    broken = np.maximum(values - of["upper"], 0.0) - np.maximum(of["lower"] - values, 0.0)
    assert found.slack == pytest.approx(broken, abs=1e-9)
    eye, above = np.eye(len(price)), np.isfinite(of["upper"])
    below, least = np.isfinite(of["lower"]), np.zeros_like(np.eye(len(price)))
    linear = linprog(
        np.concatenate([np.zeros(count), price, price]),
        A_ub=np.vstack(
            [
                np.hstack([of["A"], -eye, least])[above],
                np.hstack([-of["A"], least, -eye])[below],
            ]
        ),
        b_ub=np.concatenate([of["upper"][above], -of["lower"][below]]),
        bounds=[*zip(of["at_least"], of["at_most"]), *[(0.0, None)] * (2 * len(price))],
    )
    assert price @ np.abs(found.slack) == pytest.approx(linear.fun, abs=1e-8)


@EXAMPLES
@given(seed=SEEDS)
def test_where_all_can_hold_nothing_gives_way(seed):
    of = feasible_program(seed)
    of["P"] = of["P"] + np.eye(len(of["q"])) * (np.abs(of["P"]).max() + 0.1)
    found = nearest_feasible(**of)
    assert found.status == "solved" and np.abs(found.slack).max(initial=0.0) < 1e-10
    assert found.x == pytest.approx(solve_quadratic(**of).x, abs=1e-7)
