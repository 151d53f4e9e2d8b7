"""Cleaning of bars: every fault found, each with an action, each in the log."""

from __future__ import annotations

from feeds.cleaning.clean import Cleaned, clean_table
from feeds.cleaning.rules import FAULTS, CleaningRules, changed_rules, load_rules

__all__ = ["FAULTS", "Cleaned", "CleaningRules", "changed_rules", "clean_table", "load_rules"]
