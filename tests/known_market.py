"""Tickets in a market whose estimates are given, for tests of slippage."""

from __future__ import annotations

import numpy as np

from strategies.execution.registry import SLIPPAGES
from strategies.execution.schemes import make_scheme
from strategies.execution.tickets import Tickets

NAN = float("nan")


class Known:
    """A market whose estimates are given."""

    def __init__(self, **values) -> None:
        self.values = values
        self.asked: list[tuple[str, int]] = []

    def estimate(self, name, row, columns, window=0):
        self.asked.append((name, window))
        given_values = np.atleast_1d(np.asarray(self.values.get(name, NAN), dtype=float))
        return np.broadcast_to(given_values, len(columns))

    def keys(self, rows, columns):
        return rows, columns

    @property
    def in_currency(self):
        return np.zeros(1000, dtype=bool)


def tickets(size, reference=100.0, **known) -> Tickets:
    size = np.atleast_1d(np.array(size, dtype=float))
    return Tickets(size, np.full(len(size), float(reference)), row=5, market=Known(**known))


def filled(scheme, size, reference=100.0, **known):
    return scheme.fill_price(tickets(size, reference, **known)).tolist()


def made(name, **parameters):
    return make_scheme(SLIPPAGES, {"scheme": name, **parameters}, "here")
