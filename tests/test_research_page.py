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
from analyzers.research_words import by_verdict, cell, joined, number, p_text, per_cent, span
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


def test_p_values_as_text():
    assert p_text(0.0004) == "<0.001" and p_text(0.0006) == "0.001" and p_text(0.0421) == "0.042"
    assert p_text(0.004, 2) == "<0.01" and p_text(1.0, 2) == "1.00" and p_text(np.nan) == "\u2013"


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


def study_lines(*lines):
    tests = ["ic_p", "spread_p", "ic_holm", "spread_holm", "ic_fdr", "spread_fdr"]
    means = ["spread_annual", "spread_net_annual"]
    names = ["sample", "universe", "measure", "label", *tests, *means]
    return pd.DataFrame(list(lines), columns=names)


def test_tests_are_counted_and_corrections_apart():
    studies = study_lines(
        ("us", "full", "a", "A", 0.01, 0.2, 0.03, 0.4, 0.02, 0.3, 0.10, 0.07),
        ("us", "full", "b", "B, long", 0.04, np.nan, 0.12, np.nan, 0.05, np.nan, 0.30, 0.29),
        ("coins", "full", "a", "A", 0.051, 0.9, 0.2, 0.9, 0.1, 0.9, 0.5, 0.4),
    )
    found = dataclasses.replace(nothing(), studies=studies)
    assert found.tests == 5
    assert found.survivors == {"alone": 2, "holm": 1, "fdr": 2}
    assert found.count_tests("us", "full") == {"all": 3, "alone": 2}
    assert found.count_tests("sp500", "full") == {"all": 0, "alone": 0}
    # Costs of 3 and of 1 % a year.
    costs = found.costs("us", "full")
    assert costs["median"] == pytest.approx(0.02) and costs["most"] == pytest.approx(0.03)
    assert costs["label"] == "A" and found.costs("sp500", "full") is None


def test_out_of_sample_counts_what_is_significant_either_way():
    best = pd.DataFrame(
        [
            ("w", "in_sample", 1.0, 2.0, 0.001),
            ("w", "expanding", 1.0, 2.0, 0.04),
            ("w", "halves", 2.0, 1.0, 0.01),
            ("v", "expanding", 1.0, 2.0, 0.5),
            ("v", "halves", np.nan, np.nan, np.nan),
        ],
        columns=["witness", "rule", "without", "with", "p_value"],
    )
    found = dataclasses.replace(nothing(), best=best)
    assert found.out_of_sample == {"all": 3, "better": 1, "worse": 1}


def test_correlations_beyond_zero_are_counted_without_the_mix():
    lines = [
        ("published", coin, stock, "all", value, value - 0.1, value + 0.1)
        for coin, stock, value in (
            ("CSMB", "SMB", 0.05), ("CMOM", "UMD", 0.3), ("CMKT", "SMB", -0.2), ("CMKT", "mix", 0.5)
        )
    ]  # fmt: skip
    columns = ["witness", "coin", "stock", "regime", "correlation", "low", "high"]
    found = dataclasses.replace(nothing(), correlations=pd.DataFrame(lines, columns=columns))
    assert found.beyond_zero == {"all": 3, "beyond": 2, "size": 0.05, "momentum": 0.3}


def test_the_furthest_correlation_is_of_a_market_of_coins():
    lines = [
        ("a", "CMKT", "mix", "all", 0.1), ("a", "CMOM", "mix", "all", 0.9),
        ("b", "BTC", "mix", "all", -0.3), ("b", "BTC", "mix", "bear", 0.8),
        ("b", "BTC", "Market", "all", 0.7),
    ]  # fmt: skip
    columns = ["witness", "coin", "stock", "regime", "correlation"]
    found = dataclasses.replace(nothing(), correlations=pd.DataFrame(lines, columns=columns))
    assert found.largest["witness"] == "b" and found.largest["correlation"] == -0.3


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
            cell(r["ic_mean"], r["ic_t"]), p_text(r["ic_p"]), "holm",
            cell(r["ic_month_mean"], r["ic_month_t"]),
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
    assert len(mine) == 15 and not differences("\n".join(mine), "\n".join(lines))


def test_the_committed_page_has_its_figures(page):
    images = [line.split("(")[1].rstrip(")") for line in page.splitlines() if line.startswith("![")]
    assert len(images) == 5
    for image in images:
        assert (PAGE.parent / image).read_bytes().startswith(b"\x89PNG")


def test_the_committed_page_speaks_of_the_whole_study(page):
    assert "Left out of this run" not in page
    assert not UNFILLED.findall(page)
