"""Clarabel's interior-point method: the one module that imports the solver's library.

`docs/construction.md` argues the choice.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from strategies.optimality import KKTPoint, QuadraticProgram

__all__ = ["interior_point"]

#: Of the method; polishing goes on from there.
_TOLERANCE = 1e-10


def interior_point(program: QuadraticProgram) -> tuple[str, KKTPoint]:
    """Clarabel's answer (Goulart, Chen 2024).

    Parameters
    ----------
    program : QuadraticProgram
        No limit crosses its opposite.

    Returns
    -------
    status : {"point", "infeasible", "unbounded"}
    KKTPoint
        The point reached with its multipliers; of an infeasible program the multipliers are a
        certificate: ``A'rows + bounds = 0``, while the limits so weighted come to less than
        zero.

    Notes
    -----
    One thread, no randomness: the same bytes each time.
    """
    import clarabel
    from scipy import sparse

    rows, variables = program.A.shape
    every = sparse.vstack([sparse.csr_matrix(program.A), sparse.eye(variables, format="csr")])
    lower = np.concatenate([program.lower, program.at_least])
    upper = np.concatenate([program.upper, program.at_most])
    equal = np.flatnonzero(lower == upper)
    above = np.flatnonzero(np.isfinite(upper) & (lower != upper))
    below = np.flatnonzero(np.isfinite(lower) & (lower != upper))
    curved = sparse.diags(program.P) if program.P.ndim == 1 else sparse.csc_matrix(program.P)
    curved = sparse.triu(curved, format="csc")
    curved.resize((variables, variables))
    solver = clarabel.DefaultSolver(
        curved,
        program.q,
        sparse.vstack([every[equal], every[above], -every[below]]).tocsc(),
        np.concatenate([upper[equal], upper[above], -lower[below]]),
        [clarabel.ZeroConeT(len(equal)), clarabel.NonnegativeConeT(len(above) + len(below))],
        _settings(clarabel),
    )
    found = solver.solve()
    parts = np.split(np.array(found.z), np.cumsum([len(equal), len(above)]))
    duals = np.zeros(rows + variables)
    for where, part, sign in zip((equal, above, below), parts, (1.0, 1.0, -1.0), strict=True):
        duals[where] += sign * part
    status = str(found.status)
    kind = "infeasible" if "PrimalInfeasible" in status else "point"
    if "DualInfeasible" in status:
        kind = "unbounded"
    return kind, KKTPoint(np.array(found.x), duals[:rows], duals[rows:])


def _settings(clarabel: ModuleType) -> Any:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.direct_solve_method = "auto"
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOLERANCE
    return settings
