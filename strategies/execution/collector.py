"""Python's cycle collector during a run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["patient_collector"]

#: Objects made before the young ones are looked through.
_YOUNG = 50_000


@contextmanager
def patient_collector() -> Iterator[None]:
    """Look for cycles less often, for as long as the context lasts.

    A run with notifications makes about ten objects an order and keeps them, so that looking
    through them again and again finds nothing and takes a sixth of the time. What was set
    before is set again at the end; a collector that was switched off, or is more patient
    already, is left alone.
    """
    before = gc.get_threshold()
    if 0 < before[0] < _YOUNG:
        gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
