"""Comparison with a published series: figures by hand, the file, the command and its plots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzers.figures_published import plot_cumulative, plot_differences, plot_scatter
from analyzers.published import COMPARISON_COLUMNS, compare_series
from feeds.errors import DataError
from feeds.store import DataSet
from runs.published import compare_published, main
from runs.published_cases import Inputs
from runs.published_file import read_published_file

NAN = np.nan
BUNDLED = Path(__file__).parents[1] / "data" / "sp500_crypto"
MONTHLY = BUNDLED / "published_monthly.csv"
DAYS = pd.DatetimeIndex(pd.date_range("2020-01-01", periods=6), name="date")


def test_comparison_by_hand() -> None:
    # Ours is 2 x theirs + 0.001 on the four days that both know.
    theirs = pd.DataFrame({"smb": [0.01, -0.01, 0.02, NAN, 0.0, 0.03], "hml": 0.0}, index=DAYS)
    ours = pd.DataFrame({"smb": [NAN, -0.019, 0.041, 0.5, 0.001, 0.061]}, index=DAYS)
    found = compare_series(ours, theirs, periods_per_year=252)
    assert found.columns.tolist() == list(COMPARISON_COLUMNS)
    row = found.iloc[0]
    assert (row["factor"], row["periods"]) == ("smb", 4)
    assert (row["first"], row["last"]) == ("2020-01-02", "2020-01-06")
    assert row["correlation"] == pytest.approx(1.0)
    assert row["slope"] == pytest.approx(2.0)
    assert row["intercept_bps"] == pytest.approx(10.0)
    # Theirs average 0.01, ours 0.021: 110 basis points more. The difference is 0.001 + theirs,
    # whose sample variance is (0.02^2 + 0.01^2 + 0.01^2 + 0.02^2) / 3.
    assert row["mean_difference_bps"] == pytest.approx(110.0)
    assert row["tracking_error_annual"] == pytest.approx(np.sqrt(0.001 / 3 * 252))
    assert row["mean_annual"] == pytest.approx(0.021 * 252)
    assert row["published_volatility"] == pytest.approx(np.sqrt(0.001 / 3 * 252))


def test_thin_and_flat_series_have_no_figures() -> None:
    flat = pd.DataFrame({"smb": 0.01, "hml": [0.01, 0.02, NAN, NAN, NAN, NAN]}, index=DAYS)
    found = compare_series(flat, flat, periods_per_year=252).set_index("factor")
    assert found.loc["smb", ["correlation", "slope"]].isna().all()
    assert found.loc["smb", "tracking_error_annual"] == 0.0
    assert found.loc["hml", "periods"] == 2 and np.isnan(found.loc["hml", "correlation"])
    nothing = compare_series(flat, flat.shift(90, freq="D"), periods_per_year=252)
    assert nothing["periods"].tolist() == [0, 0]
    with pytest.raises(DataError, match="no factor is shared"):
        compare_series(flat, flat.rename(columns=str.upper), periods_per_year=252)


def written(tmp_path, text: str) -> Path:
    path = tmp_path / "published.csv"
    path.write_text(text)
    return path


def test_files_of_three_frequencies(tmp_path) -> None:
    daily = "date,Mkt-RF,SMB,Mom\n20200102,0.01,-99.99,0.002\n20200103,-0.01,0.02,\n"
    table, frequency = read_published_file(written(tmp_path, daily))
    assert frequency == "daily" and list(table) == ["mkt_rf", "smb", "umd"]
    np.testing.assert_array_equal(table["smb"], [NAN, 0.02])
    np.testing.assert_array_equal(table["umd"], [0.002, NAN])
    monthly = "date,hml\n2020-01-31,1.2\n2020-02-29,-0.4\n2020-03-31,-2\n"
    table, frequency = read_published_file(written(tmp_path, monthly), percent=True)
    assert frequency == "monthly" and table["hml"].tolist() == [0.012, -0.004, -0.02]
    weekly = "yyww,cmkt\n201352,0.1\n201401,-0.13\n201402,1.3\n"
    table, frequency = read_published_file(written(tmp_path, weekly))
    assert frequency == "weekly" and table.index.tolist() == [201352, 201401, 201402]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("day,smb\n2020-01-01,0.1\n", "its first column is 'day'"),
        ("date\n2020-01-01\n", "its first column is 'date'"),
        ("date,smb\n2020-13-01,0.1\n", "line 2: '2020-13-01' is no date"),
        ("yyww,cmkt\n201401,0.1\n201453,0.1\n", "line 3: '201453' is no week"),
        ("date,smb\n2020-01-01,0.1\n2020-01-02,x\n", "line 3: smb is 'x'"),
        ("date,smb\n2020-01-02,0.1\n2020-01-01,0.1\n", "doubled or out of order"),
        ("date,smb\n2020-01-01,0.9\n2020-01-02,-1.2\n", "are no decimals"),
        ("", "not a CSV"),
    ],
)
def test_files_that_are_refused(tmp_path, text, problem) -> None:
    with pytest.raises(DataError, match=problem):
        read_published_file(written(tmp_path, text))
    with pytest.raises(DataError, match="cannot read"):
        read_published_file(tmp_path / "none.csv")


def test_the_bundled_set_has_market_and_momentum() -> None:
    found = compare_published(BUNDLED, MONTHLY, start="2010-01-31", cases=["equal"])
    assert found.frequency == "monthly"
    assert found.table["factor"].tolist() == ["mkt_rf", "umd"]
    assert found.table["periods"].tolist() == [84, 84]
    assert (found.table["correlation"] > [0.98, 0.88]).all()


def test_the_command_writes_tables_and_plots_twice_the_same(tmp_path, capsys) -> None:
    arguments = ["--data", str(BUNDLED), "--published", str(MONTHLY), "--cases", "traded"]
    for out in ("a", "b"):
        assert main([*arguments, "--out", str(tmp_path / out)]) == 0
    said = capsys.readouterr().out
    assert "weights and size by traded value" in said and "umd" in said and "note:" in said
    files = {path.name: path.read_bytes() for path in sorted((tmp_path / "a").iterdir())}
    plots = [f"published_{kind}" for kind in ("cumulative", "differences", "scatter")]
    expected = {f"{plot}.{form}" for plot in plots for form in ("png", "svg")}
    assert set(files) == expected | {"published.csv", "published_returns.csv"}
    assert files == {path.name: path.read_bytes() for path in sorted((tmp_path / "b").iterdir())}
    returns = pd.read_csv(tmp_path / "a" / "published_returns.csv")
    assert returns["case"].drop_duplicates().tolist() == ["published", "traded"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--cases", "plain"], "'plain' is no construction of a set without caps"),
        (["--cases", "equal,equal"], "empty or repeated name"),
        (["--start", "soon"], "--start 'soon' is no date"),
        (["--cases", "equal", "--plot", "refined"], "--plot 'refined' is no construction"),
        (["--start", "2030-01-01"], "no period in common"),
        (["--data", "nowhere"], "nowhere is not a data set"),
    ],
)
def test_mistakes_of_a_user(tmp_path, capsys, more, told) -> None:
    arguments = ["--data", str(BUNDLED), "--published", str(MONTHLY), "--out", str(tmp_path)]
    assert main([*arguments, *more]) == 2
    said = capsys.readouterr().err
    assert told in said and len(said.splitlines()) <= 3 and "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_a_set_of_coins_has_no_factors_of_stocks(make_panel) -> None:
    panel = make_panel(asset_class=["crypto"] * 4)
    data = DataSet("coins", Path("coins"), panel, pd.DataFrame(), None, pd.DataFrame(), ())
    with pytest.raises(DataError, match="coins has no equities"):
        Inputs(data)


def test_figures_of_nothing_say_so() -> None:
    table = pd.DataFrame({"smb": [NAN] * 6}, index=DAYS)
    for plot in (plot_cumulative, plot_scatter, plot_differences):
        texts = [text.get_text() for text in plot(table, table, {"smb": ""}).texts]
        assert "No factor is known in both series." in texts


def test_the_curves_are_the_summed_returns() -> None:
    ours = pd.DataFrame({"smb": [0.01, 0.02, NAN, -0.01, 0, 0]}, index=DAYS)
    theirs = pd.DataFrame({"smb": [0.0, 0.01, 0.5, 0.01, 0, 0]}, index=DAYS)
    published, own, *_ = plot_cumulative(ours, theirs, {"smb": ""}).axes[0].lines
    np.testing.assert_allclose(own.get_ydata(), [0.01, 0.03, 0.02, 0.02, 0.02])
    np.testing.assert_allclose(published.get_ydata(), [0, 0.01, 0.02, 0.02, 0.02])
    gap = plot_differences(ours, theirs, {"smb": ""}).axes[0].lines[0]
    np.testing.assert_allclose(gap.get_ydata(), [0.01, 0.02, 0, 0, 0], atol=1e-15)
