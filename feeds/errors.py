"""The exceptions a user can cause: each names the value, the place and the remedy."""

from __future__ import annotations

__all__ = ["ConfigError", "DataError", "OutputError", "UserError"]


class UserError(Exception):
    """A mistake of the user's, told in one sentence and answered with exit code 2.

    Parameters
    ----------
    problem : str
        What is wrong: the value and the place where it stands.
    remedy : str, optional
        What to do about it. Shown on a line of its own.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n{self.remedy}" if self.remedy else self.problem


class ConfigError(UserError):
    """The configuration cannot be read, is invalid, or contradicts itself."""


class DataError(UserError):
    """A data file or data set is missing, damaged, or lacks what was asked of it."""


class OutputError(UserError):
    """An output cannot be written."""
