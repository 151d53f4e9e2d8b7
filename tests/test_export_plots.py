from __future__ import annotations

import os
import pickle

import pytest

from feeds.errors import DataError
from runs.export_plots import load_prices, main
from tests.study_case import make_study
from tests.synthetic_run import synthetic_run

PRICES = "date,NA,TRUE,BTC\n2020-01-02,10,20,\n2020-01-03,11,19,7000\n2020-01-06,12,,7100\n"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    synthetic_run(1).save(folder / "results.pkl")
    return folder


@pytest.mark.parametrize("name", ["", "results.pkl"])
def test_a_run_or_its_folder_gives_every_figure(run_folder, tmp_path, name, capsys):
    out = tmp_path / "plots"
    assert main(["--input", str(run_folder / name), "--out", str(out)]) == 0
    assert len(list(out.glob("*.png"))) == len(list(out.glob("*.svg"))) == 11
    assert "22 files" in capsys.readouterr().out


def test_a_price_file_gives_four(tmp_path, capsys):
    (tmp_path / "p.csv").write_text(PRICES)
    done = main(["--input", str(tmp_path / "p.csv"), "--out", str(tmp_path / "o"), "--quiet"])
    assert done == 0 and capsys.readouterr().out == ""
    assert sorted(path.stem for path in (tmp_path / "o").glob("*.png")) == [
        "correlation",
        "cumulative_returns",
        "drawdown",
        "monthly_returns",
    ]


def test_a_factor_study_gives_its_figures(tmp_path):
    make_study().save(tmp_path / "results.pkl")
    out = tmp_path / "o"
    assert main(["--input", str(tmp_path), "--out", str(out), "--quiet"]) == 0
    assert sorted(path.stem for path in out.glob("*.svg")) == [
        "breadth",
        "costs_equity",
        "factor_correlation",
        "factor_growth",
        "fama_macbeth_equity",
        "frontier",
        "ic_decay",
        "information_coefficients",
        "quantile_returns",
        "quantile_turnover",
        "rank_autocorrelation",
        "regimes_equity",
        "score_correlation_equity",
        "spanning",
    ]
    assert ">Noise (proxy)<" in (out / "quantile_returns.svg").read_text("utf-8")


def test_a_study_of_an_earlier_version_says_so(tmp_path, capsys):
    old = make_study()
    del old.__dict__["decay"]
    (tmp_path / "results.pkl").write_bytes(pickle.dumps(old))
    assert main(["--input", str(tmp_path), "--out", str(tmp_path / "o")]) == 2
    told = capsys.readouterr().err
    assert "without decay" in told and "run python -m runs.factors again" in told


def test_symbols_are_text_and_empty_cells_are_unknown(tmp_path):
    (tmp_path / "p.csv").write_text(PRICES)
    prices = load_prices(tmp_path / "p.csv")
    assert list(prices) == ["NA", "TRUE", "BTC"] and prices.isna().sum().tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a price CSV"),
        ("day,A\n2020-01-02,1\n", "'day', not date"),
        ("date,A\n2020-01-03,1\n2020-01-02,1\n", "row 2: dates"),
        ("date,A\n2020-01-02,1\n2020-01-02,1\n", "row 2: dates"),
        ("date,A\n02/01/2020,1\n", "row 1: dates"),
        ("date,A\n2020-01-02,-1\n", "A on 2020-01-02 is '-1'"),
        ("date,A\n2020-01-02,ten\n", "A on 2020-01-02 is 'ten'"),
        ("date,A\n2020-01-02,inf\n", "A on 2020-01-02 is 'inf'"),
        ("date,A,A\n2020-01-02,1,1\n", "A stands twice"),
        ("date,A\n2020-01-02,1\n", "fewer than two rows"),
    ],
)
def test_a_price_file_that_is_none_is_refused_at_its_place(tmp_path, text, problem):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        load_prices(tmp_path / "p.csv")
    assert problem in str(caught.value) and len(str(caught.value).splitlines()) <= 3


def test_mistakes_exit_2_in_three_lines(run_folder, tmp_path, capsys):
    (tmp_path / "text.pkl").write_text("no pickle")
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1]))
    (tmp_path / "file").write_text("in the way")
    cases = [
        (tmp_path / "absent.pkl", tmp_path / "o", "no such file"),
        (tmp_path, tmp_path / "o", "no such file"),
        (tmp_path / "text.pkl", tmp_path / "o", "not a saved result"),
        (tmp_path / "list.pkl", tmp_path / "o", "holds a list"),
        (run_folder, tmp_path / "file", "cannot write plots"),
        (run_folder, tmp_path / "file" / "o", "cannot write plots"),
    ]
    for source, out, problem in cases:
        assert main(["--input", str(source), "--out", str(out)]) == 2
        said = capsys.readouterr().err
        assert problem in said and len(said.splitlines()) <= 3
    assert not (tmp_path / "o").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_exits_2(run_folder, tmp_path, capsys):
    tmp_path.chmod(0o500)
    assert main(["--input", str(run_folder), "--out", str(tmp_path / "o")]) == 2
    assert "cannot write plots" in capsys.readouterr().err
