"""Deliberate faults in brokers, account, feeds and lanes, and the tests that notice each.

``python -m tests.mutations`` prints the table of `docs/proofs.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests import mutations_account, mutations_basket, mutations_engine, mutations_trading

__all__ = ["MUTATIONS", "Mutation", "page_table"]


@dataclass(frozen=True)
class Mutation:
    """A fault: `old` occurs once in `file`; with `new` in its place a test of `tests` fails."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = tuple(
    Mutation(*fault[:4], fault[4:])
    for module in (mutations_account, mutations_basket, mutations_engine, mutations_trading)
    for fault in module.FAULTS
)


def page_table() -> str:
    """The table of `docs/proofs.md`."""
    lines = ["| fault | in | noticed by |", "| --- | --- | --- |"]
    for mutation in MUTATIONS:
        tests = ", ".join(f"`{name}`" for name in mutation.tests)
        lines.append(f"| {mutation.name} | `{mutation.file}` | {tests} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(page_table())
