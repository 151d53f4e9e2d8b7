"""What charts, legends and tables say, and that one damaged file does not hide the others."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.api_case import ROOT
from tests.dashboard_case import write_all, write_mixed_ledger

pytest.importorskip("streamlit", reason="Streamlit is not installed")

from runs import dashboard_charts as charts  # noqa: E402
from runs.dashboard_style import elided, facts_html, legend_html  # noqa: E402


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_all(tmp_path_factory.mktemp("drawn") / "outputs")


def drawn(monkeypatch: pytest.MonkeyPatch, page: str, outputs: Path) -> Any:
    from streamlit.testing.v1 import AppTest

    script = ROOT / "runs" / "dashboard_app.py"
    given = [str(script), str(outputs), str(outputs.parent / "data")]
    monkeypatch.setattr(sys, "argv", given)
    app = AppTest.from_file(str(script), default_timeout=30)
    app.query_params["page"] = page
    return app.run()


def told(app: Any) -> list[str]:
    """The words that stand for each chart."""
    specs = [one.proto.spec for one in app.get("vega_lite_chart")]
    return [spec.split('"description": "')[1].split('"')[0] for spec in specs]


def series(count: int) -> pd.DataFrame:
    days = pd.to_datetime(["2021-03-01", "2021-03-02", "2021-03-03"])
    rows = [(day, f"run {n}", n + k / 10) for n in range(count) for k, day in enumerate(days)]
    return pd.DataFrame(rows, columns=["date", "run", "growth"])


def test_lines_are_told_in_words_and_only_a_saved_figure_has_a_legend():
    found = charts.lines(series(2), "date", "growth", "run", form=".1f")
    assert found.told == (
        "run 0 0.2 at 2021-03-03, between 0.0 and 0.2; run 1 1.2 at 2021-03-03, between 1.0 and 1.2"
    )
    assert [name for name, _, _ in found.legend] == ["run 0", "run 1"]
    assert found.chart.to_dict()["encoding"]["color"]["legend"] is None
    assert ">run 1</text>" in charts.svg_of(found, "Growth").decode()
    assert charts.lines(series(1), "date", "growth", "run").legend == []


def test_series_beyond_the_colours_are_dashed():
    found = charts.lines(series(10), "date", "growth", "run")
    (_, first, solid), (_, ninth, dashed) = found.legend[0], found.legend[8]
    assert (solid, dashed) == ("solid", "dashed") and first == ninth
    dashes = found.chart.to_dict()["encoding"]["strokeDash"]["scale"]["range"]
    assert dashes[0] == [1, 0] and dashes[8] == [6, 3]
    assert "2 more" in found.told


def test_bars_and_cells_are_told_in_words():
    table = pd.DataFrame({"symbol": ["A", "B"], "weight": [0.25, -0.5]})
    assert charts.bars(table, "symbol", "weight").told == "A 25.0%; B -50.0%"
    cells = pd.DataFrame({"x": [1.0, None]}, index=["x", "y"])
    assert charts.heat_map(cells).told == "x with x 1.00"


def test_long_names_lose_their_middle():
    first, second = (elided(f"value-size-momentum, quantile 0.{n}") for n in (1, 2))
    assert first != second and len(first) == 26 and first.startswith("value-size-mo…")
    assert elided("a" * 26) == "a" * 26
    text = legend_html([("<em>", "#000000", "solid")]) + facts_html([("<p>", "<u>")])
    assert not any(tag in text for tag in ("<em>", "<p>", "<u>"))


def test_percentages_have_their_digits_and_no_negative_zero(monkeypatch, outputs):
    table = drawn(monkeypatch, "Signals", outputs).dataframe[0].value
    assert table["weight"].tolist() == [3.33] * 30
    from runs.dashboard_view import _rounded

    shown = _rounded(pd.DataFrame({"net": [-1e-9, 0.1234567]}), {"net": "percent", "gone": "fine"})
    assert [str(one) for one in shown["net"]] == ["0.0", "12.35"]


def test_columns_that_say_nothing_are_left_to_the_download(monkeypatch, outputs):
    app = drawn(monkeypatch, "Costs", outputs)
    shown = list(app.dataframe[0].proto.column_order)
    assert "scale" in app.dataframe[0].value and "scale" not in shown and "cagr" in shown


def test_a_damaged_run_leaves_the_others(monkeypatch, tmp_path):
    outputs = write_all(tmp_path / "outputs")
    (outputs / "other" / "metrics.json").write_text("{")
    app = drawn(monkeypatch, "Runs", outputs)
    assert len(app.error) == 1 and not app.exception
    assert app.dataframe[0].value["run"].tolist() == ["small"]
    (outputs / "small" / "values.csv").write_text("")
    assert len(drawn(monkeypatch, "Runs", outputs).error) == 2


def test_the_newest_runs_are_shown_first(monkeypatch, tmp_path):
    outputs = write_all(tmp_path / "outputs")
    for place, name in enumerate(("d", "c", "b", "a")):
        shutil.copytree(outputs / "small", outputs / name)
        os.utime(outputs / name / "values.csv", ns=(place, place))
    for name in ("small", "other"):
        os.utime(outputs / name / "values.csv", ns=(9, 9))
    assert drawn(monkeypatch, "Runs", outputs).multiselect[0].value == ["a", "other", "small"]


def test_damaged_signals_leave_the_account(monkeypatch, tmp_path):
    outputs = write_all(tmp_path / "outputs")
    write_mixed_ledger(outputs / "alone.db")
    (outputs / "paper.db").unlink()
    history = next((outputs / "signals" / "small" / "history").glob("*.json"))
    history.write_text("{}")
    app = drawn(monkeypatch, "Portfolio", outputs)
    assert len(app.error) == 1 and "Holdings" in [one.value for one in app.subheader]
    (outputs / "signals" / "small" / "signals.json").write_text("{")
    app = drawn(monkeypatch, "Portfolio", outputs)
    assert not app.error and "Holdings" in [one.value for one in app.subheader]


def test_the_usual_ledger_comes_first_and_has_one_side(monkeypatch, tmp_path):
    outputs = write_all(tmp_path / "outputs")
    write_mixed_ledger(outputs / "also.db")
    app = drawn(monkeypatch, "Portfolio", outputs)
    assert app.selectbox[0].value == "paper.db"
    value, exposure, *_ = told(app)
    assert value == "Account value: value 1,010 at 2021-03-02, between 1,000 and 1,010"
    # Without shorts the net is the long side.
    assert exposure == "Exposure: long 50.5% at 2021-03-02, between 50.0% and 50.5%"
    app.selectbox[0].set_value("also.db").run()
    # Short: -200 of 1000, then -150 of 1100.
    assert "short -13.6% at 2021-03-04, between -20.0% and -13.6%" in told(app)[1]
