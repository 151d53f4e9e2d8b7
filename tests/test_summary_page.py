from __future__ import annotations

from html.parser import HTMLParser

import pytest

from analyzers.figures import build_figures, save_figures
from analyzers.presentation import (
    compared_returns,
    event_counts,
    format_metric,
    headline_table,
    rank_groups,
    rebalance_turnover,
)
from analyzers.summary import write_summary
from feeds.errors import OutputError
from tests.synthetic_run import synthetic_run


class Page(HTMLParser):
    """Links, images, tags and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.images, self.tags, self.words = [], [], set(), []
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
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run = synthetic_run(years=4)
    save_figures(build_figures(run), folder / "plots")
    path = write_summary(run, folder, True)
    return folder, Page(path.read_text(encoding="utf-8"))


def test_it_is_complete_in_itself(written):
    _, page = written
    assert "script" not in page.tags and "link" in page.tags
    assert all(
        link.startswith(("plots", "tearsheet.html")) or "/" not in link for link in page.links
    )
    assert all(image["src"].startswith("data:image/svg+xml;base64,") for image in page.images)


def test_every_figure_is_there_with_words_for_it(written):
    _, page = written
    assert len(page.images) == 10 and all(len(image["alt"]) > 30 for image in page.images)
    # The eleventh is a table on the page, and linked as a picture.
    assert "plots/latest_ranks.png" in page.links


def test_links_to_plots_lead_somewhere(written):
    folder, page = written
    for link in page.links:
        if link.startswith("plots/"):
            assert (folder / link).is_file()


def test_what_is_lacking_is_said_before_any_number_table(written):
    _, page = written
    assert page.text.index("no book values") < page.text.index("Headline metrics")
    assert "Value (proxy: long-run return); Size (proxy: dollar volume)" in page.text


def test_names_and_numbers_are_those_of_the_run(written):
    _, page = written
    for expected in ("<made up>", "5.12 %", "\u221212.34 %", "611", "1,008 sessions"):
        assert expected.replace("1,008", "1008") in page.text
    assert "Decisions at which a sleeve was too thin to rank 2" in page.text
    assert "merger at 12.30" in page.text and "re-run" in page.text


def test_without_plots_and_tearsheet_nothing_points_at_them(tmp_path):
    page = Page(write_summary(synthetic_run(1), tmp_path, False).read_text(encoding="utf-8"))
    assert not page.images and "tearsheet.html" not in page.links and "plots" not in page.links
    assert "plots were not written" in page.text


def test_a_quiet_run_says_that_nothing_happened(tmp_path):
    run = synthetic_run(1)
    run.events, run.cost_sensitivity = run.events.iloc[:0], run.cost_sensitivity.iloc[:0]
    run.ranks, run.notes, run.labels = run.ranks.iloc[:0], [], {"momentum": "Momentum"}
    page = Page(write_summary(run, tmp_path, False).read_text(encoding="utf-8"))
    for text in ("Nothing out of the ordinary", "Costs were not varied", "No asset was ranked"):
        assert text in page.text
    assert "lacks and assumes" not in page.text


def test_a_missing_folder_is_a_user_error(tmp_path):
    with pytest.raises(OutputError, match="summary.html: cannot be written"):
        write_summary(synthetic_run(1), tmp_path / "nowhere", False)


def test_headlines_put_the_series_side_by_side():
    table = headline_table(synthetic_run(1, benchmark="cash"))
    assert list(table) == ["Portfolio", "Cash (benchmark)", "Equal-weighted universe"]
    # Cash has no variance, so its ratios are not defined; nobody traded it, so no beta.
    assert table.loc["Sharpe ratio", "Cash (benchmark)"] == "\u2013"
    assert table.loc["CAGR, a year", "Cash (benchmark)"] == "0.00 %"
    assert table.loc["Alpha to the benchmark, a year", "Portfolio"] == "\u2013"


def test_a_universe_that_is_the_benchmark_is_shown_once():
    assert list(compared_returns(synthetic_run(1))) == [
        "Portfolio",
        "Equal-weighted universe (benchmark)",
    ]


def test_turnover_of_a_rebalance_counts_both_ways_and_no_delisting():
    run = synthetic_run(1)
    day = run.fills["date"].iloc[0]
    rows = run.fills[(run.fills["date"] == day) & (run.fills["reason"] == "rebalance")]
    by_hand = sum(abs(size) * 100.0 for size in rows["size"]) / run.values.loc[day, "value"]
    assert rebalance_turnover(run.values, run.fills).loc[day] == pytest.approx(by_hand, rel=1e-12)
    delisted = run.fills.loc[run.fills["reason"] == "delisting", "date"].iloc[0]
    assert delisted not in rebalance_turnover(run.values, run.fills).index


def test_unranked_holdings_are_a_group_of_their_own():
    ranks = synthetic_run(1).ranks
    columns = ["rank", "target_weight", "side"]
    ranks.loc[30, columns] = [float("nan"), 0.01, "long"]  # unranked and held: shown
    ranks.loc[31, "rank"] = float("nan")  # unranked and not held: left out
    ranks.loc[32, columns] = [33, -0.1, "short"]  # larger than any shown: shown, and first
    best, worst, other = rank_groups(ranks)
    assert len(best) == len(worst) == 12 and list(other.index) == [32, 30]


def test_unknown_kinds_of_events_name_themselves():
    events = synthetic_run(1).events.assign(kind="odd thing")
    assert event_counts(events) == [("Odd thing", 4)]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "ratio", "\u2013"),
        (float("nan"), "percent", "\u2013"),
        (-0.12345, "percent", "\u221212.35 %"),
        (1234.5, "money", "1,234"),
        (0.666, "ratio", "0.67"),
    ],
)
def test_formats(value, kind, text):
    assert format_metric(value, kind) == text
