"""The attribution command: files in and out, exact sums, mistakes and their remedies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analyzers.attribution_study import study_attribution
from feeds.errors import DataError
from runs.attribution import build_parser, main
from runs.return_files import load_factors, load_returns, read_table
from tests.study_case import make_study
from tests.synthetic_run import synthetic_run

FRENCH = """This file was created by hand from nothing.
Missing data are indicated by -99.99 or -999.

,Mkt-RF,SMB,HML,RF
{rows}

 Annual Factors: January-December
,Mkt-RF,SMB,HML,RF
2019,  1.00, 2.00, 3.00, 0.10
"""


def sample(dates: pd.DatetimeIndex | None = None, seed: int = 1) -> pd.DataFrame:
    """A return and the two factors and the rate that explain it."""
    dates = pd.bdate_range("2018-01-01", "2020-12-31") if dates is None else dates
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(0.0005, 0.01, (len(dates), 2)), dates, ["mkt_rf", "smb"])
    table["rf"] = 0.0001
    table["book"] = (
        0.0001 + 0.8 * table["mkt_rf"] - 0.2 * table["smb"] + rng.normal(0, 0.003, len(dates))
    )
    return table.round(6).rename_axis("date")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    table = sample()
    table[["book"]].to_csv(tmp_path / "book.csv")
    table[["mkt_rf", "smb", "rf"]].to_csv(tmp_path / "factors.csv")
    return tmp_path


def run(folder: Path, *options: str, returns: str = "book.csv", factors: str = "factors.csv"):
    given = ["--returns", str(folder / returns), "--factors", str(folder / factors)]
    code = main([*given, "--out", str(folder / "out"), *options])
    found = folder / "out" / "attribution.json"
    return code, json.loads(found.read_text()) if code == 0 else None


def test_daily_returns_on_daily_factors(files: Path, capsys) -> None:
    code, found = run(files)
    table = sample()
    fit = sm.OLS(table["book"] - table["rf"], sm.add_constant(table[["mkt_rf", "smb"]])).fit(
        cov_type="HAC", cov_kwds={"maxlags": found["lags"]}
    )
    assert code == 0 and found["observations"] == len(table) and found["rf"] == "rf"
    assert found["betas"]["mkt_rf"] == pytest.approx(fit.params["mkt_rf"], rel=1e-9)
    assert found["t_stats"]["smb"] == pytest.approx(fit.tvalues["smb"], rel=1e-9)
    assert found["alpha_annual"] == pytest.approx(252 * fit.params["const"], rel=1e-9)
    assert found["alpha_t"] == pytest.approx(fit.tvalues["const"], rel=1e-9)
    parts = dict(found["contributions"])
    total = parts.pop("total")
    assert sum(parts.values()) == pytest.approx(total, abs=1e-15)
    assert total == pytest.approx(252 * (table["book"] - table["rf"]).mean())
    printed = capsys.readouterr().out
    assert "Market" in printed and "R squared" in printed and "in excess of column rf" in printed


def test_tables_and_plots(files: Path) -> None:
    run(files, "--quiet")
    out = files / "out"
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*")) == [
        "attribution.json", "contributions.csv", "exposures.csv", "plots/attribution.png",
        "plots/attribution.svg", "plots/rolling_exposures.png", "plots/rolling_exposures.svg",
        "rolling_exposures.csv",
    ]  # fmt: skip
    parts = pd.read_csv(out / "contributions.csv", index_col="date")
    table = sample()
    wealth = (1 + table["book"] - table["rf"]).cumprod() - 1
    assert parts["total"].to_numpy() == pytest.approx(wealth.to_numpy(), abs=1e-12)
    summed = parts.drop(columns="total").sum(axis=1)
    assert summed.to_numpy() == pytest.approx(parts["total"].to_numpy(), abs=1e-12)
    rolling = pd.read_csv(out / "rolling_exposures.csv", index_col="date")
    assert len(rolling) == len(table) - 251
    exposures = pd.read_csv(out / "exposures.csv").set_index("part")
    assert exposures.index.tolist() == ["mkt_rf", "smb", "alpha", "residual", "total"]
    assert exposures.loc["mkt_rf", "label"] == "Market"
    before = {path: path.read_bytes() for path in out.rglob("*.*")}
    run(files, "--quiet")
    assert before == {path: path.read_bytes() for path in out.rglob("*.*")}


def test_daily_returns_are_compounded_to_monthly_factors(files: Path) -> None:
    table = sample()
    monthly = (1 + table).groupby(table.index.to_period("M")).prod() - 1
    monthly.index = monthly.index.to_timestamp(how="end").normalize()
    monthly[["mkt_rf", "smb", "rf"]].rename_axis("date").to_csv(files / "factors.csv")
    code, found = run(files, "--quiet")
    assert (found["frequency"], found["periods_per_year"], found["window"]) == ("monthly", 12, 36)
    assert found["observations"] == 36 and found["compounded"] == "returns"
    own = monthly["book"] - monthly["rf"]
    fit = sm.OLS(own, sm.add_constant(monthly[["mkt_rf", "smb"]])).fit()
    assert found["betas"]["smb"] == pytest.approx(fit.params["smb"], rel=1e-4)


def test_a_file_of_frenchs_library_as_downloaded(files: Path) -> None:
    months = sample(pd.date_range("2018-01-31", periods=36, freq="ME"))
    rows = [
        f"{date:%Y%m},{line.mkt_rf * 100:8.4f},{line.smb * 100:8.4f},  -99.99,{0.01:7.2f}"
        for date, line in months.iterrows()
    ]
    rows[:30] = [row.replace("-99.99", "  0.50") for row in rows[:30]]
    (files / "factors.csv").write_text(FRENCH.format(rows="\n".join(rows)))
    table, _ = load_factors(files / "factors.csv", units="percent")
    assert table.columns.tolist() == ["Mkt-RF", "SMB", "HML", "RF"] and len(table) == 36
    assert table.index[1] == pd.Timestamp("2018-02-28")
    assert table["SMB"].to_numpy() == pytest.approx(months["smb"].to_numpy(), abs=1e-9)
    assert table["HML"].isna().sum() == 6
    months[["book"]].to_csv(files / "book.csv")
    code, found = run(files, "--factors-in", "percent", "--select", "Mkt-RF,SMB", "--quiet")
    assert code == 0 and found["rf"] == "RF" and sorted(found["betas"]) == ["Mkt-RF", "SMB"]
    fit = sm.OLS(months["book"] - 0.0001, sm.add_constant(months[["mkt_rf", "smb"]])).fit()
    assert found["betas"]["SMB"] == pytest.approx(fit.params["smb"], rel=1e-9)


def test_prices_units_and_columns_say_the_same(files: Path) -> None:
    table = sample()
    level = 50 * (1 + table["book"]).cumprod()
    first = pd.Series(50.0, pd.DatetimeIndex(["2017-12-29"]))
    prices = pd.concat([first, level]).rename("price").rename_axis("date")
    pd.DataFrame({"price": prices, "other": prices**0.5}).to_csv(files / "prices.csv")
    (table[["book"]] * 100).to_csv(files / "percent.csv")
    plain = load_returns(files / "book.csv")
    told = load_returns(files / "prices.csv", prices=True, column="price")
    assert told.to_numpy() == pytest.approx(plain.to_numpy(), abs=1e-12)
    told = load_returns(files / "percent.csv", units="percent")
    assert told.to_numpy() == pytest.approx(plain.to_numpy(), abs=1e-12)


def test_a_runs_folder_counts_from_its_starting_cash(tmp_path: Path) -> None:
    result = synthetic_run(1)
    result.values.to_csv(tmp_path / "values.csv")
    (tmp_path / "metrics.json").write_text(json.dumps(result.metrics))
    result.save(tmp_path / "results.pkl")
    for path in (tmp_path, tmp_path / "values.csv"):
        found = load_returns(path)
        assert found.to_numpy() == pytest.approx(result.returns.to_numpy(), abs=1e-9)
        assert found.name == tmp_path.name
    factors, labels = load_factors(tmp_path)
    assert factors.columns.tolist() == list(result.factor_returns.dropna(axis=1, how="all"))
    assert labels[factors.columns[0]] == result.labels[factors.columns[0]]


def test_a_saved_study_gives_factors_and_labels(tmp_path: Path) -> None:
    saved = make_study()
    saved.save(tmp_path / "results.pkl")
    factors, labels = load_factors(tmp_path / "results.pkl")
    pd.testing.assert_frame_equal(factors, saved.factor_returns)
    assert list(labels) == list(factors)


def test_the_page_names_every_option() -> None:
    page = (Path(__file__).parents[1] / "docs/attribution.md").read_text(encoding="utf-8")
    common = {"--help", "--quiet", "--verbose"}
    options = set(build_parser()._option_string_actions) - common
    missing = [name for name in sorted(options) if name.startswith("--") and name not in page]
    assert not missing


def test_rates_and_lagged_factors(files: Path) -> None:
    _, none = run(files, "--rf", "0", "--quiet")
    _, rate = run(files, "--rf", "0.05", "--quiet")
    session = 1.05 ** (1 / 252) - 1
    gap = none["contributions"]["total"] - rate["contributions"]["total"]
    assert gap == pytest.approx(252 * session) and rate["rf"] == 0.05
    _, named = run(files, "--rf", "smb", "--quiet")
    assert list(named["betas"]) == ["mkt_rf"] and named["dropped"] == {}
    _, lagged = run(files, "--dimson", "1", "--quiet")
    assert lagged["observations"] == len(sample()) - 1 and lagged["dimson"] == 1


def test_spans_windows_and_years(files: Path) -> None:
    _, found = run(
        files, "--start", "2019-01-01", "--end", "2019-12-31", "--window", "400",
        "--periods-per-year", "260", "--lags", "2", "--quiet",
    )  # fmt: skip
    assert found["observations"] == 261 and found["periods_per_year"] == 260
    assert found["lags"] == 2
    assert len(pd.read_csv(files / "out" / "rolling_exposures.csv")) == 0


@pytest.mark.parametrize(
    ("options", "message", "remedy"),
    [
        (["--returns", "nowhere.csv"], "nowhere.csv: no such file", "give a CSV"),
        (["--factors-in", "decimal", "--returns", "percent.csv"], "below -100 %", "percent"),
        (["--returns", "factors.csv"], "which of its columns mkt_rf, smb, rf", "--column"),
        (["--column", "nav"], "no column nav", "it has book"),
        (["--prices"], "not a price", "leave --prices out"),
        (["--select", "mkt_rf,beta"], "no factor is called beta", "has mkt_rf, smb, rf"),
        (["--select", "smb,smb"], "twice", "has mkt_rf"),
        (["--rf", "cash"], "--rf cash", "they have mkt_rf, smb, rf"),
        (["--select", "rf"], "no column but the rate", "has factors"),
        (["--start", "2030-01-01"], "have no frequency", "longer"),
        (["--start", "2020-12-28"], "4 common dates", "overlap"),
        (["--start", "soon"], "--start soon", "2016-12-30"),
        (["--window", "4"], "window of 4", "5 observations"),
        (["--window", "1"], "--window 1", "2 or more"),
        (["--lags", "-1"], "--lags -1", "0 or more"),
        (["--dimson", "-1"], "--dimson -1", "0 or more"),
        (["--factors", "."], "holds no factor returns", "results.pkl"),
        (["--out", "book.csv"], "cannot write", "--out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(files: Path, options, message, remedy, monkeypatch, capsys) -> None:
    (sample()[["book"]] * 1000).to_csv(files / "percent.csv")
    monkeypatch.chdir(files)
    (files / "factors.csv").rename(files / "f.csv")
    (files / "f.csv").rename(files / "factors.csv")
    given = ["--returns", "book.csv", "--factors", "factors.csv", "--out", "out"]
    if options == ["--factors", "."]:
        (files / "factors.csv").rename(files / "else.csv")
    assert main([*given, *options]) == 2
    shown = capsys.readouterr()
    assert message in shown.err and remedy in shown.err and shown.out == ""
    assert len(shown.err.splitlines()) <= 3 and not (files / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no line names"),
        ("a,b\n2020-01-01,1\n", "no line names"),
        ("date,r\n", "no rows"),
        ("date,r\n2020-01-01,one\n", "'one', not a number"),
        ("date,r\n2020-01-01,inf\n", "not a number"),
        ("date,r\n2020-01-02,0.1\n2020-01-01,0.1\n", "row 2, '2020-01-01'"),
        ("date,r\n2020-01-01,0.1\n2020-01-01,0.1\n", "row 2"),
        ("date,r\n2020-01-01,0.1\n20200102,0.1\n", "row 2, '20200102'"),
        ("date,r\nyesterday,0.1\n", "row 1, 'yesterday'"),
        ("date,r\n2020-01-01,0.1,0.2\n", "line 2 has 3 cells, its header 2"),
        ("date,r\n2020-01-01,1,5\n", "line 2 has 3 cells"),
        ("date,r,r\n2020-01-01,1,1\n", "'r' stands twice"),
        ("date,r\n2020-01-01,-1.5\n", "below -100 %"),
    ],
)
def test_damaged_tables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(DataError, match="(?s)" + message.replace("%", ".")):
        read_table(tmp_path / "r.csv")


def test_a_symbol_called_na_is_a_column(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("\ufeffDate,NA\n2020-01-01,0.1\n2020-01-02,\n")
    table = read_table(tmp_path / "r.csv")
    assert table.columns.tolist() == ["NA"] and table["NA"].isna().tolist() == [False, True]


def test_weekly_factors_take_the_days_between_their_dates() -> None:
    days = sample(pd.date_range("2018-01-01", "2020-12-31"))
    weeks = (1 + days).groupby(pd.Grouper(freq="W-WED")).prod() - 1
    found = study_attribution(days["book"], weeks[["mkt_rf", "smb"]], rf=0.0)
    assert found.facts["frequency"] == "weekly" and found.facts["periods_per_year"] == 52
    whole = weeks.iloc[1:-1]
    fit = sm.OLS(whole["book"], sm.add_constant(whole[["mkt_rf", "smb"]])).fit()
    assert found.fit.observations == len(whole)
    assert found.fit.betas.to_numpy() == pytest.approx(fit.params[1:].to_numpy(), rel=1e-9)
