from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest

from analyzers.tearsheet import write_tearsheet
from feeds.errors import OutputError
from tests.synthetic_run import synthetic_run, tearsheet_of

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    settings, environment = dict(mpl.rcParams), dict(os.environ)
    path = tearsheet_of(synthetic_run(years=2), tmp_path_factory.getbasetemp())
    assert dict(mpl.rcParams) == settings and dict(os.environ) == environment
    return path.read_text(encoding="utf-8")


def test_it_asks_for_nothing_and_calls_nothing(page):
    assert not re.search(r'(?:src|href)="(?!data:,|#|summary\.html)', page.replace("xlink:", ""))
    assert "<script" not in page and "onload" not in page and "qtpylib" not in page


def test_the_note_says_that_the_summary_leads(page):
    note = re.search(r'<p id="note".*?</p>', page, flags=re.DOTALL).group(0)
    assert 'href="summary.html"' in note and "docs/metrics.md" in note
    assert page.index(note) < page.index("Key Performance Metrics")


def test_the_title_is_text(page):
    assert "Value, size and momentum &lt;made up&gt;" in page and "<made up>" not in page


def test_volatility_and_drawdown_are_ours(page):
    run = synthetic_run(years=2)
    wealth = (1 + run.returns).cumprod()
    deepest = (wealth / wealth.cummax().clip(lower=1) - 1).min()
    volatility = run.returns.std() * 252**0.5
    cells = [re.sub("<.*?>", " ", row).split() for row in re.findall(r"<tr>.*?</tr>", page)]
    assert ["Volatility", "(ann.)"] == next(c for c in cells if c[:1] == ["Volatility"])[:2]
    assert f"{100 * volatility:.2f}%" in next(c for c in cells if c[:1] == ["Volatility"])
    assert f"{100 * deepest:.2f}%" in next(c for c in cells if c[:2] == ["Max", "Drawdown"])


@pytest.mark.slow
def test_same_bytes_in_another_process_with_other_seeds_and_zone(page, tmp_path):
    code = (
        "from tests.synthetic_run import synthetic_run\n"
        "from analyzers.tearsheet import write_tearsheet\n"
        f"write_tearsheet(synthetic_run(years=2), {str(tmp_path / 't.html')!r})\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "99", "TZ": "Asia/Tokyo", "PYTHONPATH": "."}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert (tmp_path / "t.html").read_text(encoding="utf-8") == page


def test_cash_is_no_benchmark(tmp_path, monkeypatch):
    import quantstats.reports

    given = {}

    def report(returns, **options):
        given.update(options, returns=returns)
        Path(options["output"]).write_text("<h4></h4> <hr>")

    monkeypatch.setattr(quantstats.reports, "html", report)
    run = synthetic_run(years=1, benchmark="cash")
    run.config = {"costs": {"carry": {"cash_annual": 0.02}}}
    text = write_tearsheet(run, tmp_path / "t.html").read_text(encoding="utf-8")
    assert "no variance (cash)" in text and "over the cash rate of 2.00%" in text
    assert given["benchmark"] is None and given["rf"] == 0.0 and given["match_dates"] is False
    assert given["periods_per_year"] == 252
    # The cash rate of a session is 1.02^(1/252) - 1.
    over = run.returns.iloc[5] - (1.02 ** (1 / 252) - 1)
    assert given["returns"].iloc[5] == pytest.approx(over, abs=1e-15)


def test_gains_above_one_are_not_taken_for_prices():
    from analyzers.tearsheet import _as_returns

    index = pd.bdate_range("2020-01-01", periods=3)
    kept = _as_returns(pd.Series([0.0, 1.5, 0.1], index=index))
    assert kept.min() < 0 and abs(kept.sum() - 1.6) < 1e-12


def test_a_short_run_gets_a_page_that_says_so(tmp_path):
    run = synthetic_run(years=1)
    run.returns = run.returns.head(39)
    text = write_tearsheet(run, tmp_path / "t.html").read_text(encoding="utf-8")
    assert "39 sessions" in text and "summary.html" in text and "&lt;made up&gt;" in text


def test_a_folder_that_is_not_there_is_a_user_error(tmp_path):
    run = synthetic_run(years=1)
    run.returns = run.returns.head(5)
    with pytest.raises(OutputError, match="cannot be written"):
        write_tearsheet(run, tmp_path / "nowhere" / "t.html")
