"""Everything a study of costs found: plain tables, from which page, figures and files are made."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pandas as pd

__all__ = ["CostStudy"]


@dataclass(frozen=True, eq=False)
class CostStudy:
    """The tables of a cost study; ``docs/cost_study.md`` defines every column.

    Parameters
    ----------
    name : str
        Of the run.
    command : str
        That makes the study again.
    seed, paths : int
        Of the sampled paths.
    start, end : str
        First and last session, ISO dates.
    sessions, periods_per_year : int
    starting_cash, cash_value : float
        In currency; what the same money idle in the account comes to.
    notes : tuple of str
        What the data lack and the study assumes.
    grid : DataFrame
        A row a cell of the grid and scale, run again.
    schemes : DataFrame
        What each name of the grid stands for.
    left_out : DataFrame
        Schemes that the data cannot bear.
    scales : DataFrame
        The configured schemes at multiples of their cost, re-priced and run again.
    break_even : DataFrame
        A row a cell of the grid, re-priced, and the configured one run again.
    capacity : DataFrame
        A row a model of impact and capital.
    capacity_limits : DataFrame
        Where half of the return over cash, and all of it, is gone.
    sources : DataFrame
        Costs by part of each dimension.
    waterfall : DataFrame
        From gross to net profit.
    bands : DataFrame
        noise, date, configured and percentiles of value.
    outcomes : DataFrame
        noise, metric and percentiles of the paths' final outcomes.
    sampled_paths : DataFrame
        A row a noise and path.
    sampled_check : DataFrame
        Full runs under sampled slippage beside the same draws re-priced.
    """

    name: str
    command: str
    seed: int
    paths: int
    start: str
    end: str
    sessions: int
    periods_per_year: int
    starting_cash: float
    cash_value: float
    notes: tuple[str, ...]
    grid: pd.DataFrame
    schemes: pd.DataFrame
    left_out: pd.DataFrame
    scales: pd.DataFrame
    break_even: pd.DataFrame
    capacity: pd.DataFrame
    capacity_limits: pd.DataFrame
    sources: pd.DataFrame
    waterfall: pd.DataFrame
    bands: pd.DataFrame
    outcomes: pd.DataFrame
    sampled_paths: pd.DataFrame
    sampled_check: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name, in the order of the fields."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: part for name, part in found.items() if isinstance(part, pd.DataFrame)}
