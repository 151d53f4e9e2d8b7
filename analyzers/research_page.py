"""The research report as Markdown: every sentence with a number is made from the number."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analyzers.research_words import by_verdict, cell, joined, number, p_text, per_cent, span

__all__ = ["Findings", "render_page", "wrapped"]

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, eq=False)
class Findings:
    """All that the report says, as tables. A table of what was not studied is empty.

    Parameters
    ----------
    samples : DataFrame
        sample, universe, label, first, last, sessions, assets, floors, costs: texts and counts.
    thin : DataFrame
        sample, label, most (coins on any day), needed: sets whose coins are too few to rank.
    studies : DataFrame
        As `with_adjusted`, of all samples and universes.
    carry : DataFrame
        As `carry_table`.
    published : DataFrame
        factor, span, weeks, mean_annual, t_stat, sharpe of the published coin factors.
    witnesses : DataFrame
        witness, label, coins, stocks, first, last, weeks.
    correlations, tails, spanning, sleeves, best, halves : DataFrame
        As of `analyzers.research_sleeve`, of all witnesses.
    level : float
        Of the tests.
    sleeve : float
        Share of capital that sentences and halves speak of.
    worst : float
        Return at which ``spread_delisted_annual`` closes every series that ends.
    missing : tuple of str
        What was left out of this report, in words.
    """

    samples: pd.DataFrame
    thin: pd.DataFrame
    studies: pd.DataFrame
    carry: pd.DataFrame
    published: pd.DataFrame
    witnesses: pd.DataFrame
    correlations: pd.DataFrame
    tails: pd.DataFrame
    spanning: pd.DataFrame
    sleeves: pd.DataFrame
    best: pd.DataFrame
    halves: pd.DataFrame
    level: float = 0.05
    sleeve: float = 0.02
    worst: float = -0.3
    missing: tuple[str, ...] = field(default_factory=tuple)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its CSV file."""
        names = (
            "samples", "thin", "studies", "carry", "published", "witnesses", "correlations",
            "tails", "spanning", "sleeves", "best", "halves",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    @cached_property
    def tests(self) -> int:
        """Tests of the first question: every IC and every spread that is defined."""
        return int(self.studies[["ic_p", "spread_p"]].notna().to_numpy().sum())

    @property
    def survivors(self) -> dict[str, int]:
        """How many tests are below the level, alone, with Holm's and with the FDR correction."""
        count = {}
        for name, suffix in (("alone", "p"), ("holm", "holm"), ("fdr", "fdr")):
            values = self.studies[[f"ic_{suffix}", f"spread_{suffix}"]].to_numpy(dtype=float)
            count[name] = int((values <= self.level).sum())
        return count

    def study(self, sample: str, universe: str, measure: str) -> dict[str, Any] | None:
        """One line of `studies` that has a test, or None."""
        found = self.studies
        found = found[
            (found["sample"] == sample)
            & (found["universe"] == universe)
            & (found["measure"] == measure)
            & found["ic_p"].notna()
        ]
        return found.iloc[0].to_dict() if len(found) else None

    def rows(self, table: str, **where: object) -> list[dict[str, Any]]:
        """Lines of a table, as dicts, that have these values."""
        found = getattr(self, table)
        for name, value in where.items():
            found = found[found[name] == value] if len(found) else found
        return found.to_dict("records")

    def row(self, table: str, **where: object) -> dict[str, Any] | None:
        """The first of `rows`, or None."""
        found = self.rows(table, **where)
        return found[0] if found else None

    @property
    def verdicts(self) -> dict[str, list[str]]:
        """Labels of measures by verdict."""
        return by_verdict(self.carry)

    @property
    def verdict_text(self) -> str:
        """Verdicts with their measures, as the rest of a sentence."""
        words = {
            "carries": "{} {carry} over",
            "hint": "{} {show} a hint, which is lost among the tests",
            "split": "{} {rank} coins one way and {pay} the other",
            "reversed": "{} {work} the other way round",
            "not seen": "{} {is} not seen",
            "too thin": "{} {has} too few coins",
        }
        one = dict(carry="carries", show="shows", rank="ranks", pay="pays", work="works")
        one |= {"is": "is", "has": "has"}
        many = {name: name for name in one} | {"is": "are", "has": "have"}
        parts = []
        for verdict, labels in self.verdicts.items():
            names = joined([_inside(label) for label in labels])
            parts.append(words[verdict].format(names, **(one if len(labels) == 1 else many)))
        return "; ".join(parts)

    @property
    def apart(self) -> list[str]:
        """Measures whose IC among coins and stocks is more than two standard errors apart."""
        far = self.carry["difference_t"].abs() > 2.0
        return [_inside(label) for label in self.carry.loc[far, "label"]]

    @property
    def splits(self) -> list[dict[str, Any]]:
        """Studies of all coins by the measures whose verdict is ``split``."""
        names = self.carry.loc[self.carry["verdict"] == "split", "measure"]
        return [self.study("coins", "full", name) or {} for name in names]

    @property
    def beyond_zero(self) -> dict[str, float]:
        """Published coin factors with equity factors: correlations beyond zero, and namesakes."""
        found = pd.DataFrame(self.rows("correlations", witness="published", regime="all"))
        found = found[found["stock"] != "mix"]
        pairs = found.set_index(["coin", "stock"])["correlation"]
        return {
            "all": len(found),
            "beyond": int((found["low"] * found["high"] > 0).sum()),
            "size": pairs["CSMB", "SMB"],
            "momentum": pairs["CMOM", "UMD"],
        }

    @property
    def out_of_sample(self) -> dict[str, int]:
        """Checks of the largest Sharpe ratio on weeks that weights were not fitted on."""
        found = self.best[self.best["rule"].isin(["expanding", "halves"])]
        found = found[found["p_value"].notna()]
        sure = found["p_value"] <= self.level
        gain = found["with"] > found["without"]
        return {
            "all": len(found),
            "better": int((sure & gain).sum()),
            "worse": int((sure & ~gain).sum()),
        }

    def count_tests(self, sample: str, universe: str) -> dict[str, int]:
        """Tests of one sample and universe, and those below the level before any correction."""
        found = pd.DataFrame(self.rows("studies", sample=sample, universe=universe))
        values = found[["ic_p", "spread_p"]].to_numpy(dtype=float) if len(found) else np.array([])
        return {"all": int(np.isfinite(values).sum()), "alone": int((values <= self.level).sum())}

    def costs(self, sample: str, universe: str) -> dict[str, Any] | None:
        """What costs take from spreads a year: in the middle, at most, and from which measure."""
        found = pd.DataFrame(self.rows("studies", sample=sample, universe=universe))
        if not len(found):
            return None
        taken = (found["spread_annual"] - found["spread_net_annual"]).dropna()
        if not len(taken):
            return None
        label = found.loc[taken.idxmax(), "label"]
        return {"median": float(taken.median()), "most": float(taken.max()), "label": label}

    @property
    def required_range(self) -> tuple[float, float]:
        """Least and largest return a year that coins needed, over joint samples."""
        found = self.sleeves.loc[self.sleeves["sleeve"] == "market", "required_annual"]
        return float(found.min()), float(found.max())

    @property
    def worst_tail(self) -> dict[str, Any] | None:
        """The joint sample whose coins were weakest in the worst weeks of stocks."""
        if not len(self.tails):
            return None
        line = self.tails.iloc[int(self.tails["difference_t"].argmin())].to_dict()
        return line | {"label": self.row("witnesses", witness=line["witness"])["label"]}

    @property
    def sleeve_variances(self) -> list[str]:
        """Share of the sleeve in the variance of each joint sample, as text."""
        lines = self.rows("sleeves", sleeve="market", share=self.sleeve)
        return [per_cent(line["variance_share"]) for line in lines]

    @property
    def largest(self) -> dict[str, Any] | None:
        """The correlation of a coin market with a mix of equity factors that is furthest from 0."""
        found = self.correlations
        if not len(found):
            return None
        markets = {name: table["coin"].iloc[0] for name, table in found.groupby("witness")}
        own = found["coin"] == found["witness"].map(markets)
        found = found[own & (found["stock"] == "mix") & (found["regime"] == "all")]
        return found.iloc[int(found["correlation"].abs().argmax())].to_dict()


def render_page(findings: Findings) -> str:
    """The report as Markdown."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "pc": per_cent,
        "num": number,
        "p": p_text,
        "joined": joined,
        "lower_first": _inside,
    }
    environment.globals |= {"cell": cell, "span": span}
    return wrapped(environment.get_template("research.md.j2").render(f=findings))


def wrapped(page: str) -> str:
    """Markdown with its paragraphs and bullets filled to lines of 100, and no line else changed."""
    lines: list[str] = []
    for kind, group in groupby(_blocks(page), key=lambda item: item[0]):
        texts = [text for _, text in group]
        if kind == 0:
            lines += texts
            continue
        text = " ".join(part.strip() for part in texts)
        indent = "  " if text.startswith("* ") else ""
        # Narrow no-break spaces stay: only plain ones may break a line.
        lines += (
            textwrap.fill(
                text.replace("\u202f", "\ue000"),
                100,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
            .replace("\ue000", "\u202f")
            .split("\n")
        )
    return "\n".join(lines).rstrip("\n") + "\n"


def _blocks(page: str) -> Iterator[tuple[int, str]]:
    """Lines with the number of the paragraph or bullet they belong to; 0 for all others."""
    number, inside = 0, False
    empty = False
    for line in page.split("\n"):
        plain = line.strip() and not line.startswith(("#", "|", "!", "<!--"))
        if not plain:
            inside = False
            # Conditions of the template leave runs of empty lines.
            if line.strip() or not empty:
                yield 0, line
            empty = not line.strip()
            continue
        empty = False
        number += not inside or line.startswith("* ")
        inside = True
        yield number, line


def _inside(label: str) -> str:
    """A label within a sentence: ``momentum, 3 weeks`` without its comma."""
    return (label[:1].lower() + label[1:]).replace(",", " of") if label else label
