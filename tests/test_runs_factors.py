"""The factor study: planted factors, thin classes, files, and the command's mistakes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzers.factor_results import FactorResults
from analyzers.factor_study import study_factors
from feeds.errors import DataError, OutputError
from runs import factors as command
from runs.study_files import earlier_files, remove_leftovers
from tests.study_case import LABELS, RULES, make_study

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data" / "sp500_crypto"
needs_data = pytest.mark.skipif(
    not (DATA / "manifest.json").exists(), reason="the bundled data set is not built"
)


def test_an_oracle_ranks_perfectly_and_noise_does_not() -> None:
    study = make_study()
    summary = study.summary.set_index("factor")
    oracle = study.ic[study.ic["factor"] == "oracle"]
    assert oracle["ic"].dropna().tolist() == pytest.approx([1.0] * 21)
    assert (oracle["ic_untraded"].dropna() < 1.0).any()
    assert summary.loc["oracle", "ic_mean"] == pytest.approx(1.0)
    assert abs(summary.loc["noise", "ic_mean"]) < 0.3
    assert np.isnan(summary.loc["oracle", "icir"])  # without spread there is no ratio
    means = study.quantiles[study.quantiles["factor"] == "oracle"]["mean_annual"].tolist()
    assert means[:4] == sorted(means[:4])
    assert means[4] == pytest.approx(means[3] - means[0])
    assert summary.loc["oracle", "sharpe"] > 10 > abs(summary.loc["noise", "sharpe"])


def test_what_is_too_thin_is_reported_and_nowhere_else() -> None:
    study = make_study()
    assert study.thin.values.tolist() == [["crypto", "oracle", 2, 4], ["crypto", "noise", 2, 4]]
    assert study.factor_returns.columns.tolist() == ["equity oracle", "equity noise"]
    assert set(study.ic["asset_class"]) == {"equity"}
    assert study.labels["equity noise"] == "Noise (proxy: chance), equity"


def test_returns_begin_after_the_first_entry_of_each_factor() -> None:
    study = make_study()
    known = study.factor_returns.notna()
    # The oracle decides in row 9 and is in at row 10; noise is first known 15 rows later.
    assert known["equity oracle"].to_numpy().argmax() == 2
    assert known["equity noise"].to_numpy().argmax() == 17
    assert len(study.factor_returns) == 111
    for table in study.quantile_returns.values():
        assert table.index.equals(study.factor_returns.index)


def test_the_summary_follows_from_the_tables() -> None:
    study = make_study()
    row = study.summary.set_index("factor").loc["noise"]
    returns = study.factor_returns["equity noise"].dropna()
    assert row["volatility"] == pytest.approx(returns.std(ddof=1) * np.sqrt(252))
    assert row["cagr"] == pytest.approx(
        np.prod(1 + returns) ** (365.25 / (returns.index[-1] - returns.index[0]).days) - 1
    )
    ic = study.ic[study.ic["factor"] == "noise"]
    assert row["ic_mean"] == pytest.approx(ic["ic"].mean())
    assert row["icir"] == pytest.approx(ic["ic"].mean() / ic["ic"].std(ddof=1))
    assert row["decisions"] == len(ic) == 20
    assert row["turnover_half_annual"] == pytest.approx(
        ic["turnover_half"].sum() * 252 / len(returns)
    )
    wide = study.quantile_returns["equity noise"]
    assert row["spread_annual"] == pytest.approx((wide[4].mean() - wide[1].mean()) * 252)


def test_later_data_change_nothing_that_was_known() -> None:
    whole, cut = make_study(), make_study(80)
    same = cut.factor_returns.index
    pd.testing.assert_frame_equal(
        whole.factor_returns.loc[same, ["equity noise"]], cut.factor_returns[["equity noise"]]
    )
    before = cut.ic["ic"].notna()
    merged = cut.ic[before].merge(whole.ic, on=["decision_date", "factor"], suffixes=("", "_w"))
    assert len(merged) == before.sum() > 20
    assert merged["ic"].tolist() == merged["ic_w"].tolist()


def test_a_study_in_which_all_is_thin_still_has_its_tables() -> None:
    study = study_factors(
        {"oracle": np.full((2, 3), np.nan)},
        {"equity": np.ones(3, dtype=bool)},
        np.ones((5, 3)),
        np.arange("2020-01-01", "2020-01-06", dtype="datetime64[D]"),
        np.array([0, 2]),
        RULES,
        labels=LABELS,
    )
    assert study.summary.empty and study.correlation.empty and len(study.thin) == 1
    assert command.output_files(study, Path("x/results.pkl"))


def test_results_come_back_as_they_were_saved(tmp_path: Path) -> None:
    study = make_study()
    study.save(tmp_path / "results.pkl")
    again = FactorResults.load(tmp_path / "results.pkl")
    pd.testing.assert_frame_equal(again.summary, study.summary)
    assert make_study().to_bytes() == study.to_bytes()
    with pytest.raises(DataError, match="no such file"):
        FactorResults.load(tmp_path / "none.pkl")
    (tmp_path / "text.pkl").write_text("no pickle")
    with pytest.raises(DataError, match="not a saved factor study"):
        FactorResults.load(tmp_path / "text.pkl")
    pd.Series([1]).to_pickle(tmp_path / "series.pkl")
    with pytest.raises(DataError, match="holds a Series"):
        FactorResults.load(tmp_path / "series.pkl")


def test_tables_are_written_beside_the_results(tmp_path: Path) -> None:
    study = make_study()
    files = command.output_files(study, tmp_path / "new" / "results.pkl")
    command.write_files(files)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "correlation.csv",
        "factor_returns.csv",
        "factor_summary.csv",
        "factors_manifest.json",
        "fama_macbeth.csv",
        "frontier.csv",
        "ic.csv",
        "ic_decay.csv",
        "market_returns.csv",
        "net_returns.csv",
        "quantiles.csv",
        "regimes.csv",
        "results.pkl",
        "score_correlation.csv",
        "sleeve_test.csv",
        "spanning.csv",
        "thin.csv",
    ]
    table = pd.read_csv(tmp_path / "new" / "factor_returns.csv", index_col="date")
    np.testing.assert_array_equal(table.to_numpy(), study.factor_returns.to_numpy())


def test_a_manifest_names_every_file_and_its_hash(tmp_path: Path) -> None:
    out = tmp_path / "results.pkl"
    command.write_files(command.output_files(make_study(), out, "<p>page</p>"))
    manifest = json.loads((tmp_path / "factors_manifest.json").read_text())
    names = {path.name for path in tmp_path.iterdir()} - {"factors_manifest.json"}
    assert set(manifest["files"]) == names and "factor_tearsheet.html" in names
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest


def test_files_of_an_earlier_study_go_and_the_users_stay(tmp_path: Path) -> None:
    out = tmp_path / "results.pkl"
    command.write_files(command.output_files(make_study(), out, "<p>page</p>"))
    (tmp_path / "spanning.csv").write_text("changed by hand")
    (tmp_path / "notes.txt").write_text("mine")
    before = earlier_files(out)
    fewer = replace(
        make_study(), spanning=pd.DataFrame(), frontier=pd.DataFrame(), sleeve_test=pd.DataFrame()
    )
    files = command.output_files(fewer, out)
    command.write_files(files)
    remove_leftovers(out, files, before)
    names = {path.name for path in tmp_path.iterdir()}
    assert not names & {"factor_tearsheet.html", "frontier.csv", "sleeve_test.csv"}
    assert {"spanning.csv", "notes.txt", "ic.csv", "results.pkl"} <= names


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"files": 3}', '{"files": {"../outside.txt": "x"}}']
)
def test_a_manifest_that_is_none_removes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "factors_manifest.json").write_text(text)
    assert earlier_files(tmp_path / "results.pkl") == {}


def test_results_of_an_earlier_version_say_so(tmp_path: Path) -> None:
    old = make_study()
    del old.__dict__["regimes"]
    old.save(tmp_path / "results.pkl")
    with pytest.raises(DataError, match="earlier version, without regimes"):
        FactorResults.load(tmp_path / "results.pkl")


def test_a_failed_write_leaves_earlier_files_untouched(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"old")
    (tmp_path / "results.pkl").mkdir()
    with pytest.raises(OutputError, match="results.pkl"):
        command.write_files({tmp_path / "a.csv": b"new", tmp_path / "results.pkl": b"new"})
    assert (tmp_path / "a.csv").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "results.pkl"]


@needs_data
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--factors", "vlaue"], "did you mean value"),
        (["--factors", "value,,size"], "empty or repeated"),
        (["--start", "2016-01-01", "--end", "2015-01-01"], "--end 2015-01-01"),
        (["--start", "soon"], "--start soon"),
        (["--config", "configs/none.yaml"], "no such file"),
        (["--set", "data.dir=data/none"], "not a data set"),
        (["--set", "factors.value.proxy=null", "--factors", "value"], "book_equity"),
        (["--horizon", "0"], "--horizon 0"),
        (["--investable", "min_price"], "--investable 'min_price'"),
        (["--investable", "min_prise=5"], "did you mean min_price"),
        (["--investable", "min_market_cap=1e9"], "no market caps"),
        (["--out", "docs"], "docs: it is a folder"),
        (["--out", "pyproject.toml/results.pkl"], "name another file with --out"),
    ],
)
def test_mistakes_exit_2_in_three_lines(
    arguments: list[str], words: str, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    before = sorted((ROOT / "docs").iterdir())
    assert command.main(["--quiet", *arguments]) == 2
    told = capsys.readouterr()
    assert words in told.err and "Traceback" not in told.err
    assert 2 <= len(told.err.splitlines()) <= 3
    assert told.out == ""
    assert sorted((ROOT / "docs").iterdir()) == before


@needs_data
def test_the_command_on_real_data(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    out = tmp_path / "results.pkl"
    arguments = ["--start", "2013-01-01", "--end", "2015-12-31", "--factors", "value,momentum"]
    assert command.main([*arguments, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "Value (proxy), equity" in text and "Crypto is too thin" in text and str(out) in text
    found = FactorResults.load(out)
    assert found.summary["factor"].tolist() == ["value_proxy", "momentum"]
    assert found.factor_returns.index[0] == pd.Timestamp("2013-01-31")
    assert found.factor_returns.index[-1] == pd.Timestamp("2015-12-31")
    assert found.ic.groupby("factor")["ranked"].min().gt(300).all()
    assert found.horizon == 21
    repeat = tmp_path / "again" / "results.pkl"
    environment = {**os.environ, "PYTHONHASHSEED": "99", "TZ": "Pacific/Auckland"}
    subprocess.run(
        [sys.executable, "-m", "runs.factors", "--quiet", *arguments, "--out", str(repeat)],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    for path in sorted(repeat.parent.iterdir()):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


@needs_data
def test_a_factor_of_the_users_own_is_in_every_table_and_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    plugin = tmp_path / "my_last_week.py"
    plugin.write_text(
        "import numpy as np\n"
        "from factors import factor\n"
        "@factor('last_week', label='Last <week>')\n"
        "def last_week(panel):\n"
        "    scores = np.full(panel.shape, np.nan)\n"
        "    scores[5:] = 1.0 - panel.close[5:] / panel.close[:-5]\n"
        "    return scores\n"
    )
    out = tmp_path / "results.pkl"
    given = ["--quiet", "--start", "2015-01-01", "--out", str(out), "--set", f"plugins=[{plugin}]"]
    given += ["--factors", "last_week,momentum", "--investable", "min_dollar_volume=1e8"]
    assert command.main(given) == 0
    found = FactorResults.load(out)
    assert found.labels["equity last_week"] == "Last <week>, equity"
    for name in ("summary", "ic", "quantiles", "decay", "fama_macbeth", "regimes", "spanning"):
        assert "last_week" in set(getattr(found, name)["factor"]), name
    universes = found.universes[found.universes["factor"] == "last_week"].set_index("universe")
    assert universes.index.tolist() == ["full", "full, same dates", "investable"]
    assert universes.loc["full", "ranked_mean"] > universes.loc["investable", "ranked_mean"] + 50
    pd.testing.assert_series_equal(
        universes.loc["full"], universes.loc["full, same dates"], check_names=False
    )
    page = (tmp_path / "factor_tearsheet.html").read_text()
    assert page.count("Last &lt;week&gt;, equity") >= 6 and "Last <week>" not in page
    assert "--investable min_dollar_volume=1e8" in found.command and "--out" not in found.command


@needs_data
def test_a_factor_that_the_configuration_lacks_is_computed_with_its_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    out = str(tmp_path / "results.pkl")
    given = ["--quiet", "--no-tearsheet", "--start", "2015-01-01", "--out", out, "--horizon", "5"]
    assert command.main([*given, "--factors", "volatility"]) == 0
    assert FactorResults.load(Path(out)).summary["factor"].tolist() == ["volatility"]


def test_the_printed_study_fits_80_columns() -> None:
    from rich.console import Console

    from runs.factors_terminal import print_study

    stream = io.StringIO()
    paths = [Path("outputs/ic.csv"), Path("outputs/factor_tearsheet.html")]
    print_study(make_study(), paths, Console(file=stream, width=80))
    text = stream.getvalue()
    assert "\u2026" not in text
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "Noise (proxy) is a stand-in: chance" in text
    assert "Crypto is too thin to rank: at most 2 assets have a score, 4 are needed" in text
    assert "outputs/*.csv (1)" in text and "page     outputs/factor_tearsheet.html" in text
