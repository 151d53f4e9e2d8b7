"""The factor tear sheet, its figures, and what the study is said to have found."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from analyzers.drawing import svg_text
from analyzers.factor_sheet import factor_sheet
from analyzers.figures_layout import few_ticks, plot_heat_map, plot_intervals
from analyzers.figures_research import plot_score_correlation
from analyzers.figures_study import build_study_figures, plot_factor_growth
from analyzers.study_findings import findings
from analyzers.study_labels import number_text, places_of, proxies_of, short_label
from analyzers.style import short
from tests.study_case import make_study, two_classes


class Page(HTMLParser):
    """Tags, links, images and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.links, self.images, self.words = set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.add(tag)
        if tag == "a":
            self.links.append(found["href"])
        if tag == "img":
            self.images.append(found)

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def study():
    return two_classes()


@pytest.fixture(scope="module")
def figures(study):
    return build_study_figures(study)


@pytest.fixture(scope="module")
def text(study):
    return factor_sheet(study)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_the_page_is_complete_in_itself(page):
    assert not page.tags & {"script", "iframe", "object", "i", "two"}
    assert all(image["src"].startswith("data:image/svg+xml;base64,") for image in page.images)
    assert all(link.startswith("#part-") or link.endswith(".csv") for link in page.links)


def test_every_figure_of_the_study_is_on_the_page_with_words(page, figures):
    assert len(page.images) == len(figures)
    assert all(len(image["alt"]) > 30 for image in page.images)


def test_every_table_has_a_file_that_the_page_links_to(page, study):
    assert [link for link in page.links if link.endswith(".csv")] == [
        f"{name}.csv" for name in study.tables()
    ]


def test_names_are_text_and_never_markup(page):
    assert "Study of <two> & more" in page.text and "made up <b>" in page.text
    assert "Factor 0 <i>, equity" in page.text


def test_every_factor_and_number_is_on_the_page(page, study):
    for row in study.summary.to_dict("records"):
        name = f"{row['label']}, {row['asset_class']}"
        assert page.text.count(name) >= 6
    best = study.summary.iloc[-1]
    assert f"{100 * best['net_mean_annual']:.1f} %" in page.text
    assert f"{best['ic_mean']:.3f}" in page.text


def test_what_is_lacking_is_said_before_any_table(page):
    assert page.text.index("made up <b>") < page.text.index("What each factor earned")


def test_a_part_without_numbers_says_so_in_a_sentence(page):
    assert "No floors are configured" in page.text
    assert "needs a value and a momentum factor" in page.text
    one = Page(factor_sheet(make_study()))
    assert "Crypto is too thin to rank: at most 2 assets have a score, 4 are needed." in one.text
    assert not any("crypto" in image["alt"].lower() for image in one.images[:1])


def test_a_study_in_which_all_is_thin_has_a_page():
    study = make_study()
    empty = {
        name: getattr(study, name).iloc[:0]
        for name in (
            "ic", "quantiles", "summary", "decay", "fama_macbeth", "regimes", "spanning",
            "frontier", "sleeve_test", "score_correlation",
        )
    }  # fmt: skip
    bare = replace(
        study,
        factor_returns=pd.DataFrame(index=study.factor_returns.index),
        net_returns=pd.DataFrame(index=study.factor_returns.index),
        correlation=pd.DataFrame(),
        **empty,
    )
    page = Page(factor_sheet(bare))
    assert "Nothing could be ranked" in page.text and not page.images
    assert list(build_study_figures(bare)) == ["factor_growth"]


def test_the_same_results_give_the_same_page(study, text):
    assert factor_sheet(study) == text


def test_a_place_that_is_too_thin_says_so_in_its_panel(study, figures):
    drawn = svg_text(figures["quantile_returns"])
    assert "at most 3 assets ranked, 4" in drawn
    places, columns = places_of(study)
    assert columns == 2 and len(places) == 6
    assert [place.key for place in places[:4]] == [
        "crypto factor_0", "equity factor_0", "crypto factor_1", "equity factor_1",
    ]  # fmt: skip


def test_figures_show_the_numbers_of_the_tables(study, figures):
    bars = figures["quantile_returns"].axes[0].patches
    own = study.quantiles[
        (study.quantiles["asset_class"] == "crypto") & (study.quantiles["factor"] == "factor_0")
    ]
    np.testing.assert_allclose(
        [bar.get_height() for bar in bars[:4]], own["mean_annual"].to_numpy()[:4]
    )
    dots = figures["quantile_returns"].axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(dots, own["net_mean_annual"].to_numpy()[:4])
    grown = figures["factor_growth"].axes[0].lines[0].get_ydata()
    known = study.factor_returns["crypto factor_0"].dropna()
    assert grown[-1] == pytest.approx((1.0 + known).prod())
    smooth = figures["information_coefficients"].axes[0].lines[0].get_ydata()
    ic = study.ic[(study.ic["asset_class"] == "crypto") & (study.ic["factor"] == "factor_0")]
    assert smooth[11] == pytest.approx(ic["ic"].iloc[:12].mean(), rel=1e-12)
    costs = svg_text(figures["costs_equity"])
    even = study.summary.iloc[-1]["break_even_bps"]
    assert f">{even:,.0f}<" in costs


def test_many_factors_stay_in_their_panels():
    study = two_classes(15, 60)
    growth = plot_factor_growth(study)
    rows = {round(ax.get_position().y0, 4) for ax in growth.axes}
    assert len(growth.axes) == 30 and len(rows) == 15
    scores = plot_score_correlation(study, "equity")
    assert "in hundredths" in svg_text(scores)
    for figure in (growth, scores):
        assert figure.get_figwidth() * 72 == pytest.approx(900)


def test_intervals_and_heat_maps_take_missing_numbers():
    rows = pd.DataFrame(
        {"name": ["a", "b"], "m": [0.1, np.nan], "m_low": [np.nan] * 2, "m_high": [np.nan] * 2}
    )
    drawn = svg_text(plot_intervals(rows, "T", "S", short, {"m": ("mean", "#000000")}))
    assert ">a<" in drawn and ">b<" in drawn
    table = pd.DataFrame([[0.5, np.nan]], index=["row"], columns=["one", "two"])
    drawn = svg_text(plot_heat_map(table, "T", "S", short))
    assert ">0.5<" in drawn and "nan" not in drawn


def test_ticks_of_small_panels_do_not_run_into_each_other():
    months = [(float(k), f"Jan {2000 + k}") for k in range(7)]
    assert [text for _, text in few_ticks(months)] == ["Jan 2000", "Jan 2003", "Jan 2006"]
    years = [(float(k), str(2000 + k)) for k in range(5)]
    assert few_ticks(years) == years and few_ticks([]) == []


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(-0.001, 2, "0.00"), (-1.5, 1, "\u22121.5"), (np.nan, 1, "\u2013"), (1234.5, 0, "1,234")],
)
def test_numbers_have_true_minus_signs_and_no_minus_zero(value, digits, text):
    assert number_text(value, digits) == text


def test_proxies_are_told_once_and_marked_everywhere():
    study = make_study()
    assert proxies_of(study) == [("Noise (proxy)", "chance")]
    assert short_label("Noise (proxy: chance), equity") == "Noise (proxy), equity"
    text = Page(factor_sheet(study)).text
    assert "Noise (proxy) is a stand-in: chance." in text and "Noise (proxy), equity" in text


def test_findings_count_what_the_tables_say(study):
    said = findings(study)
    own = study.summary[study.summary["asset_class"] == "equity"]
    gross, net = (own["return_t"].abs() > 2).sum(), (own["net_t"].abs() > 2).sum()
    assert any(
        text.startswith(f"Equity: {gross} of 3 portfolios earned") and f", {net} after." in text
        for text in said
    )
    best = own.loc[own["net_t"].idxmax()]
    assert any(f"is that of {best['label']}, equity, " in text for text in said)
    assert "Too thin at every decision, and left out: Factor number 1, crypto." in said
    assert any(text.startswith("Beside equity, crypto moves the largest Sharpe") for text in said)
