"""The research page: words and numbers by rule, and what is committed is what is computed."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzers.research_carry import study_sample
from analyzers.research_measures import MEASURES
from analyzers.research_page import Findings, render_page, wrapped
from analyzers.research_words import by_verdict, cell, joined, number, per_cent, span
from runs.research_parts import Studied, findings_of
from runs.research_samples import load_sample, score_sample
from runs.research_witness import fund_witness
from tests.research_case import differences, table_lines

PAGE = Path("docs/research.md")
#: What a number or a sentence that is not there would leave.
UNFILLED = re.compile(r"\b(?:nan|NaN|None|inf|NaT)\b|\{\{|\{%")
MINUS, NARROW = "\u2212", "\u202f"


def test_numbers_as_text():
    assert number(-0.125, 2) == f"{MINUS}0.12" and number(1234.5, 1) == "1,234.5"
    assert number(-0.0004, 2) == "0.00" and number(np.nan) == "\u2013"
    assert per_cent(0.125, 1) == f"12.5{NARROW}%" and per_cent(np.nan) == "\u2013"
    assert cell(0.0481, -2.25) == f"0.048 ({MINUS}2.2)"
    assert cell(-4.06, 3.0, share=True) == f"{MINUS}406{NARROW}% (3.0)"
    assert cell(np.nan, 1.0) == "\u2013"


def test_lists_and_spans_as_text():
    assert joined([]) == "" and joined(["a"]) == "a"
    assert joined(["a", "b"]) == "a and b" and joined(["a", "b", "c"]) == "a, b and c"
    assert span("2014-01-07", pd.Timestamp("2015-02-03")) == "2014-01-07..2015-02-03"
    assert span(pd.NaT, "2015-02-03") == "\u2013"


def test_verdicts_stand_in_one_order():
    carry = pd.DataFrame({"label": ["A", "B", "C"], "verdict": ["not seen", "hint", "not seen"]})
    assert by_verdict(carry) == {"hint": ["B"], "not seen": ["A", "C"]}
    assert list(by_verdict(carry)) == ["hint", "not seen"]


def test_paragraphs_are_filled_and_nothing_else():
    row = "| " + "x" * 120 + " |"
    page = f"# Title\n\n\n\none\ntwo\n\n* a {'b ' * 60}\n* c\n\n{row}\n![i](images/i.png)\n"
    lines = wrapped(page).splitlines()
    assert lines[:4] == ["# Title", "", "one two", ""]
    assert lines[4].startswith("* a b") and lines[5].startswith("  b") and lines[6] == "* c"
    assert lines[8] == row and lines[9] == "![i](images/i.png)"
    assert max(len(line) for line in lines[:8]) <= 100
    assert wrapped(wrapped(page)) == wrapped(page)


def test_a_narrow_space_does_not_break_a_line():
    text = f"{'x ' * 48}12{NARROW}% more"
    assert f"12{NARROW}%" in wrapped(text)


def nothing():
    return findings_of(Studied({}, {}, [], pd.DataFrame()), [])


def test_a_page_of_nothing_says_what_is_missing():
    page = render_page(nothing())
    assert "**Left out of this run:** US stocks" in page
    assert not UNFILLED.findall(page)


def test_verdicts_make_a_sentence():
    carry = pd.DataFrame(
        {
            "measure": ["a", "b", "c"],
            "label": ["Momentum, 3 weeks", "Low beta", "Size"],
            "verdict": ["carries", "not seen", "not seen"],
        }
    )
    found = dataclasses.replace(nothing(), carry=carry)
    assert found.verdict_text == (
        "momentum of 3 weeks carries over; low beta and size are not seen"
    )


def test_every_table_has_a_file():
    tables = nothing().tables()
    frames = [field.name for field in dataclasses.fields(Findings) if field.type == "pd.DataFrame"]
    assert sorted(tables) == sorted(frames)


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


def test_the_committed_page_agrees_with_the_bundled_stocks(page):
    """Each number of a few factors among the S&P 500 names, but for the corrected p-values."""
    sample = load_sample("sp500")
    keys = ("momentum_12_1", "momentum_3w", "size_volume", "low_volatility")
    measures = [measure for measure in MEASURES if measure.key in keys]
    table = study_sample(score_sample(sample, measures)[0]).table
    committed = table_lines(page, "**S&P 500 names (bundled), full**")
    assert len(table) == 4
    for r in table.to_dict("records"):
        cells = (
            r["label"], str(r["decisions"]), number(r["ranked_median"], 0),
            cell(r["ic_mean"], r["ic_t"]), number(r["ic_p"], 3), "holm",
            cell(r["spread_annual"], r["spread_t"], share=True), number(r["sharpe"]),
            per_cent(r["spread_net_annual"]), number(r["sharpe_net"]),
            number(r["turnover_half_annual"], 0),
        )  # fmt: skip
        there = [text.strip() for text in committed[r["label"]].strip("|").split("|")]
        there[5] = "holm"
        assert not differences(" | ".join(cells), " | ".join(there))


def test_the_committed_page_agrees_with_the_bundled_funds(page):
    """The joint sample of factor funds and bitcoin, each number of its tables of risk."""
    sample = load_sample("large_caps")
    found = findings_of(
        Studied({"large_caps": sample}, {}, [fund_witness(sample)], pd.DataFrame()), ["large_caps"]
    )
    ours = render_page(found)
    for heading in ("### Correlation", "### Spanning"):
        name = "Factor funds and bitcoin"
        assert not differences(table_lines(ours, heading)[name], table_lines(page, heading)[name])
    lines = [line for line in page.splitlines() if line.startswith("| Factor funds and bitcoin")]
    mine = [line for line in ours.splitlines() if line.startswith("| Factor funds and bitcoin")]
    assert len(mine) == 14 and not differences("\n".join(mine), "\n".join(lines))


def test_the_committed_page_has_its_figures(page):
    images = [line.split("(")[1].rstrip(")") for line in page.splitlines() if line.startswith("![")]
    assert len(images) == 5
    for image in images:
        assert (PAGE.parent / image).read_bytes().startswith(b"\x89PNG")


def test_the_committed_page_speaks_of_the_whole_study(page):
    assert "Left out of this run" not in page
    assert not UNFILLED.findall(page)
