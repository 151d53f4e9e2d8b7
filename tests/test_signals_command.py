"""runs.signals as a user runs it: what it writes, what it says, and what it refuses."""

import csv
import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from feeds.errors import ConfigError
from runs.ingest import main as ingest
from runs.live_study import closed_day
from runs.signal_record import _told_changes
from runs.signal_terminal import _price
from runs.signals import main, signals
from strategies.execution.ledger import reading_ledger
from tests.paper_case import DAYS, write_config, write_set

ROOT = Path(__file__).parent.parent
TODAY = dt.date(2021, 6, 1)
TOP = {
    "schema", "name", "as_of", "decided", "late", "next_decision", "data_hash", "config_hash",
    "ledger_head", "account", "printed", "limits", "staleness", "assets", "orders", "reports",
}  # fmt: skip
ASSET = {
    "symbol", "asset_class", "eligible", "why", "factors", "score", "rank", "weight",
    "held_weight", "change", "price", "price_date", "age_sessions",
}  # fmt: skip


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signals")
    return folder, write_config(folder, write_set(folder / "set"))


def run(case, place, day, *overrides, today=TODAY, since=None):
    return signals(
        str(case[1]),
        overrides,
        ledger=place / "paper.db",
        out=str(place / "signals"),
        as_of=dt.date.fromisoformat(str(day)),
        since=since,
        today=today,
    )


def command(case, place, *arguments):
    return main(
        [
            "--config", str(case[1]), "--ledger", str(place / "paper.db"),
            "--out", str(place / "signals"), *arguments,
        ]
    )  # fmt: skip


def test_what_is_written(case, tmp_path):
    record, progress, folder = run(case, tmp_path, DAYS[30])
    assert sorted(os.listdir(folder)) == ["history", "manifest.json", "signals.csv", "signals.json"]
    written = json.loads((folder / "signals.json").read_text())
    assert written == record
    assert set(record) == TOP
    assert all(set(asset) == ASSET for asset in record["assets"])
    assert (record["schema"], record["name"]) == (1, "paper-case")
    assert (record["as_of"], record["decided"], record["late"]) == (str(DAYS[30]), True, False)
    assert record["next_decision"] == str(DAYS[31])
    assert progress.bars == (str(DAYS[30]),)
    assert (record["printed"], record["limits"]) == (True, ["It is made up."])
    assert len(record["config_hash"]) == len(record["data_hash"]) == 64
    with reading_ledger(tmp_path / "paper.db") as ledger:
        assert record["ledger_head"] == ledger.head
        decision = ledger.events("decision")[-1]
    weights = {one["symbol"]: one["weight"] for one in record["assets"] if one["weight"]}
    assert weights == decision.payload["weights"]
    assert sum(map(abs, weights.values())) == pytest.approx(1.2)


def test_the_table_holds_the_same(case, tmp_path):
    record, _, folder = run(case, tmp_path, DAYS[30])
    with open(folder / "signals.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["symbol"] for row in rows] == [one["symbol"] for one in record["assets"]]
    assert "NA" in {row["symbol"] for row in rows} and "TRUE" in {row["symbol"] for row in rows}
    for row, one in zip(rows, record["assets"], strict=True):
        assert row["eligible"] == ("true" if one["eligible"] else "false")
        assert float(row["weight"]) == one["weight"]
        assert (float(row["score"]) if row["score"] else None) == one["score"]
        assert (float(row["momentum"]) if row["momentum"] else None) == one["factors"]["momentum"]


def test_orders_by_hand(case, tmp_path):
    """From cash alone each order is the weight of 100,000 at the raw close, in whole lots."""
    record, _, _ = run(case, tmp_path, DAYS[33])
    orders = {order["symbol"]: order for order in record["orders"]}
    assets = {one["symbol"]: one for one in record["assets"] if one["weight"]}
    assert set(orders) == set(assets)
    for name, one in assets.items():
        exact = one["weight"] * 100_000 / one["price"]
        lot = 1e-6 if one["asset_class"] == "crypto" else 1.0
        assert orders[name]["shares"] == pytest.approx(np.trunc(exact / lot) * lot, rel=1e-9)
        assert orders[name]["side"] == ("buy" if exact > 0 else "sell")
        assert orders[name]["increase"] == orders[name]["shares"]
        assert orders[name]["value"] == pytest.approx(orders[name]["shares"] * one["price"])
        # AA has split 2 for 1 by then: its price is the printed one.
        assert one["price_date"] == str(DAYS[33]) and one["age_sessions"] == 0
    closes = (case[0] / "set" / "prices_equities.csv").read_text().splitlines()
    printed = {
        cells[1]: float(cells[5])
        for cells in (line.split(",") for line in closes)
        if cells[0] == str(DAYS[33])
    }
    for one in record["assets"]:
        if one["symbol"] in printed:
            assert one["price"] == pytest.approx(printed[one["symbol"]], rel=1e-12)


def test_held_weights_and_changes(case, tmp_path):
    run(case, tmp_path, DAYS[30])
    record, _, _ = run(case, tmp_path, DAYS[32])
    held = np.array([one["held_weight"] for one in record["assets"]])
    weight = np.array([one["weight"] for one in record["assets"]])
    account = record["account"]
    assert np.abs(held).sum() == pytest.approx(account["gross"])
    assert held.sum() == pytest.approx(account["net"])
    assert account["net"] == pytest.approx(1 - account["cash"] / account["value"])
    assert [one["change"] for one in record["assets"]] == (weight - held).tolist()


def test_why_an_asset_is_left_out(case, tmp_path):
    overrides = (
        "data.investable={min_price: 41}",
        "factors.momentum={weight: 1, lookback: 43, skip: 1}",
    )
    record, _, _ = run(case, tmp_path, DAYS[46], *overrides, since=None)
    why = {one["symbol"]: (one["eligible"], one["why"]) for one in record["assets"]}
    # Its last bar is that of session 44, its name left the universe with it.
    assert not why["EE"][0] and why["EE"][1] in (
        "not in the universe on this date",
        f"no bar since {DAYS[44]}",
    )
    low = {one["symbol"] for one in record["assets"] if one["price"] < 41} - {"EE"}
    assert low and all(why[name] == (False, "below a floor of data.investable") for name in low)
    early, _, _ = run(case, tmp_path / "early", DAYS[30], *overrides)
    reasons = {one["why"] for one in early["assets"] if one["eligible"]}
    assert reasons == {"not known: momentum; preprocess.min_factors is 1"}
    assert {one["rank"] for one in early["assets"]} == {None}


def test_ranks_are_within_the_pool(case, tmp_path):
    record, _, _ = run(case, tmp_path, DAYS[30])
    ranked = [one for one in record["assets"] if one["score"] is not None]
    assert [one["rank"] for one in ranked] == list(range(1, len(ranked) + 1))
    scores = [one["score"] for one in ranked]
    assert scores == sorted(scores, reverse=True)
    sleeves = "portfolio.sleeves={equity: 0.9, crypto: 0.1}"
    record, _, _ = run(case, tmp_path / "two", DAYS[30], sleeves)
    ranks = {one["symbol"]: one["rank"] for one in record["assets"]}
    assert ranks["COIN"] == 1 and sorted(ranks.values())[:3] == [1, 1, 2]


def test_days_between_decisions(case, tmp_path):
    """Monthly: the 26th of February decides, the 1st of March trades and shows what it would be."""
    monthly = "portfolio.rebalance=monthly"
    record, _, _ = run(case, tmp_path, "2021-02-26", monthly)
    assert record["decided"] and record["next_decision"] == "2021-03-31"
    assert record["orders"]
    record, progress, _ = run(case, tmp_path, "2021-03-01", monthly)
    assert not record["decided"] and record["orders"] == []
    assert sum(abs(one["weight"]) for one in record["assets"]) == pytest.approx(1.2)
    assert progress.book.decision_bar == "2021-02-26"
    with reading_ledger(tmp_path / "paper.db") as ledger:
        assert len(ledger.events("decision")) == 1
        assert len(ledger.events("fill")) == 4


@pytest.mark.parametrize(
    "rule, following",
    [
        ("weekly", "2021-03-12"),
        ("quarterly", "2021-03-31"),
        # Sessions 18, 43 of the set: 2021-01-29 is the 18th, and 25 later is March 8th.
        ("{every: 25}", "2021-03-08"),
        ("{dates: [2021-02-16, 2021-03-20, 2021-04-01]}", "2021-03-19"),
        ("{dates: [2021-02-16]}", None),
    ],
)
def test_the_next_decision(case, tmp_path, rule, following):
    record, _, _ = run(case, tmp_path, "2021-03-05", f"portfolio.rebalance={rule}")
    assert record["next_decision"] == following
    assert record["decided"] == (rule == "weekly")


def test_staleness_names_who_is_behind(case, tmp_path):
    record, _, _ = run(case, tmp_path, DAYS[30])
    for part, kind, count in zip(record["staleness"], ("crypto", "equity"), (1, 7), strict=True):
        assert (part["asset_class"], part["symbols"], part["behind"]) == (kind, count, [])
        assert (part["newest"], part["age_sessions"]) == (str(DAYS[30]), 0)
    short = write_set(tmp_path / "set")
    lines = (short / "prices_crypto.csv").read_text().splitlines(keepends=True)
    kept = "".join(line for line in lines if line < str(DAYS[29]) or line.startswith("date"))
    change(short, "prices_crypto.csv", kept)
    config = write_config(tmp_path, short)
    record, _, _ = run((tmp_path, config), tmp_path, DAYS[30])
    coins = record["staleness"][0]
    assert (coins["behind"], coins["age_sessions"]) == (["COIN"], 2)
    assert coins["newest"] == str(DAYS[28])


def change(folder, name, text):
    (folder / name).write_text(text)
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = {"rows": text.count("\n") - 1, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    manifest["files"][name] = entry
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_the_same_bar_again_writes_the_same_bytes(case, tmp_path):
    run(case, tmp_path, DAYS[30])
    run(case, tmp_path, DAYS[31])
    first = {path: path.read_bytes() for path in (tmp_path / "signals").rglob("*.*")}
    for _ in range(2):
        _, progress, _ = run(case, tmp_path, DAYS[31])
        assert progress.bars == ()
        assert {path: path.read_bytes() for path in (tmp_path / "signals").rglob("*.*")} == first
    names = sorted(os.listdir(tmp_path / "signals" / "history"))
    assert names == [f"{DAYS[30]}.json", f"{DAYS[31]}.json"]
    latest = tmp_path / "signals" / "signals.json"
    history = tmp_path / "signals" / "history" / f"{DAYS[31]}.json"
    assert latest.read_bytes() == history.read_bytes()


def test_reports_tell_of_revisions_and_of_another_configuration(case, tmp_path):
    run(case, tmp_path, DAYS[30])
    run(case, tmp_path, DAYS[31])
    record, _, _ = run(case, tmp_path, DAYS[31], "portfolio.gross=1.0")
    told = {report["kind"]: report["detail"] for report in record["reports"]}
    assert told["configuration"] == "counts from the next bar on: portfolio.gross 1.2 -> 1.0"
    record, _, _ = run(case, tmp_path, DAYS[32], "portfolio.gross=1.0")
    told = {report["kind"]: report["detail"] for report in record["reports"]}
    assert told["epoch"] == "the configuration has changed: portfolio.gross 1.2 -> 1.0"
    held = next(one["symbol"] for one in record["assets"] if one["held_weight"])
    name = held if held != "COIN" else "AA"
    revised = write_config(tmp_path, write_set(tmp_path / "set", revise={name: {32: 1.05}}))
    record, _, _ = run((tmp_path, revised), tmp_path, DAYS[32], "portfolio.gross=1.0")
    kinds = [report["kind"] for report in record["reports"]]
    assert "revision" in kinds
    assert record["decided"]


def test_a_bar_that_is_not_closed_is_never_used(case, tmp_path):
    """On the day itself the day before counts, whatever the set holds already."""
    today = DAYS[30].astype(object)
    record, _, _ = run(case, tmp_path, DAYS[29], today=today)
    assert record["as_of"] == str(DAYS[29])
    with pytest.raises(ConfigError, match="is not closed before 24:00 UTC"):
        run(case, tmp_path, DAYS[30], today=today)
    config = str(case[1])
    out = {"ledger": tmp_path / "b.db", "out": str(tmp_path / "b")}
    record, _, _ = signals(config, ledger=out["ledger"], out=out["out"], today=today)
    assert record["as_of"] == str(DAYS[29])
    assert closed_day(None, dt.date(2021, 3, 1)) == dt.date(2021, 2, 28)


def test_on_the_screen(case, tmp_path, capsys):
    assert command(case, tmp_path, "--offline", "--as-of", str(DAYS[30])) == 0
    shown = capsys.readouterr().out
    assert f"paper-case, close of {DAYS[30]}" in shown
    assert "the next decision is due" in shown and "orders for the next close" in shown
    assert max(map(len, shown.splitlines())) <= 110
    assert command(case, tmp_path, "--offline", "--as-of", str(DAYS[30])) == 0
    assert "nothing was traded again" in capsys.readouterr().out
    assert command(case, tmp_path, "--offline", "--as-of", str(DAYS[34]), "--quiet") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "arguments, told",
    [
        ((), "cannot be refreshed: it was made from files"),
        (("--offline", "--as-of", "2021-01-04"), "is not after data.start"),
        (("--offline", "--since", "2021-12-01"), "is after the latest bar"),
        (("--offline", "--as-of", "2999-01-01"), "its bar is not closed"),
        (("--offline", "--ingest", "--symbols-file s.csv"), "are two ways"),
        (("--offline", "--set", "portfolio.rebalanc=weekly"), "did you mean rebalance?"),
    ],
)
def test_mistakes_are_answered(case, tmp_path, capsys, arguments, told):
    assert command(case, tmp_path, *arguments) == 2
    error = capsys.readouterr().err
    assert told in error and len(error.splitlines()) <= 3
    assert "Traceback" not in error
    assert not (tmp_path / "signals").exists()


def test_changes_are_told_with_what_was_and_is():
    changed = {"a.b": [None, 5], "c": [True, "on"], "d": ["x" * 64, [0.5]]}
    told = "a.b nothing -> 5, c true -> on, d " + "x" * 37 + "... -> [0.5]"
    assert _told_changes(changed) == told


def test_what_happened_on_bars_caught_up_is_on_the_screen(case, tmp_path, capsys):
    """EE goes bankrupt among them: the signal of the latest bar says nothing of it."""
    assert command(case, tmp_path, "--offline", "--as-of", str(DAYS[40])) == 0
    capsys.readouterr()
    assert command(case, tmp_path, "--offline", "--as-of", str(DAYS[52])) == 0
    shown = capsys.readouterr().out
    assert "12 bars caught up" in shown
    told = f"- {DAYS[48]} EE delisting: no bar for 4 sessions, closed as bankruptcy"
    assert told in shown.splitlines()
    record = json.loads((tmp_path / "signals" / "signals.json").read_text())
    assert "delisting" not in [report["kind"] for report in record["reports"]]
    assert command(case, tmp_path, "--offline", "--as-of", str(DAYS[52])) == 0
    assert "EE delisting" not in capsys.readouterr().out


def test_a_first_day_that_a_ledger_does_not_have_is_told(case, tmp_path, capsys):
    asked = ("--offline", "--as-of", str(DAYS[30]), "--quiet")
    assert command(case, tmp_path, *asked, "--since", str(DAYS[24])) == 0
    for since, warned in ((DAYS[24], False), (DAYS[24] - 1, False), (DAYS[26], True)):
        assert command(case, tmp_path, *asked[:-1], "--since", str(since)) == 0
        told = f"begins on {DAYS[24]}: --since {since} is for a new ledger"
        assert (told in capsys.readouterr().err) is warned


@pytest.mark.parametrize(
    "price, shown",
    [(None, ""), (1234.5, "1,234.50"), (0.1, "0.10"), (0.0123456, "0.01235"), (3.2e-7, "3.2e-07")],
)
def test_prices_below_ten_cents_keep_their_digits(price, shown):
    assert _price(price) == shown


def test_a_strange_folder_is_left_alone(case, tmp_path, capsys):
    (tmp_path / "signals").mkdir()
    (tmp_path / "signals" / "mine.txt").write_text("x")
    assert command(case, tmp_path, "--offline", "--as-of", str(DAYS[30])) == 2
    assert "is not empty" in capsys.readouterr().err
    assert not (tmp_path / "paper.db").exists()


def test_a_set_of_symbols_is_refreshed(tmp_path, monkeypatch, capsys):
    """Made from files by symbol; then the files have another day."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    walks = {
        name: 50 * np.exp(np.cumsum(rng.normal(0, 0.01, 40))) for name in ("A", "B", "NA", "D")
    }
    (tmp_path / "raw").mkdir()

    def write(count):
        for name, walk in walks.items():
            rows = [
                f"{day},{x:.2f},{x:.2f},{x:.2f},{x:.2f},1000" for day, x in zip(DAYS, walk[:count])
            ]
            text = "\n".join(["date,open,high,low,close,volume", *rows]) + "\n"
            (tmp_path / "raw" / f"{name}.csv").write_text(text)

    write(30)
    lines = [f"{name},equity,files,raw/{name}.csv,USD" for name in walks]
    head = "symbol,asset_class,source,source_symbol,currency"
    (tmp_path / "symbols.csv").write_text("\n".join([head, *lines]) + "\n")
    assert ingest(["--symbols-file", "symbols.csv", "--out", "set", "--quiet"]) == 0
    config = write_config(tmp_path, Path("set"))
    given = [
        "--config", str(config), "--set", "portfolio.side=long_only", "--set",
        "execution.lots={equity: 1}", "--set", "costs={}", "--ledger", "p.db", "--out", "signals",
        "--set", "portfolio.net=1.0", "--set", "portfolio.gross=1.0", "--quiet",
    ]  # fmt: skip
    assert main([*given, "--offline"]) == 0, capsys.readouterr().err
    assert json.loads(Path("signals/signals.json").read_text())["as_of"] == str(DAYS[29])
    write(31)
    assert main(given) == 0, capsys.readouterr().err
    record = json.loads(Path("signals/signals.json").read_text())
    assert record["as_of"] == str(DAYS[30])
    assert not [one for one in record["reports"] if one["kind"] == "revision"]
    write(32)
    assert main([*given, "--ingest", "--symbols-file symbols.csv"]) == 0
    assert json.loads(Path("signals/signals.json").read_text())["as_of"] == str(DAYS[31])


def test_a_factor_of_ones_own_that_is_changed_is_a_new_epoch(case, tmp_path):
    own = tmp_path / "own.py"
    text = (
        "from factors.registry import factor\n\n\n"
        "@factor('level')\ndef level(panel):\n    return SIGN * panel.close\n"
    )
    found = []
    for day, sign in zip(DAYS[30:33], ("", "-", "-"), strict=True):
        own.write_text(text.replace("SIGN *", sign))
        overrides = (f"plugins=['{own}']", "factors={level: {weight: 1}}")
        record, _, _ = run(case, tmp_path, day, *overrides)
        found.append(record["config_hash"])
    assert found[0] != found[1] == found[2]


@pytest.mark.slow
def test_the_same_bytes_whatever_the_hash_seed_and_the_zone(case, tmp_path):
    found = []
    for seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo"), ("2", "America/New_York")):
        place = tmp_path / seed
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
        subprocess.run(
            [
                sys.executable, "-m", "runs.signals", "--config", str(case[1]), "--offline",
                "--quiet", "--ledger", str(place / "paper.db"), "--out", str(place / "signals"),
                "--since", str(DAYS[24]), "--as-of", str(DAYS[40]),
            ],
            cwd=ROOT, env=environment, check=True,
        )  # fmt: skip
        paths = sorted((place / "signals").rglob("*.*"))
        with reading_ledger(place / "paper.db") as ledger:
            found.append(([path.read_bytes() for path in paths], ledger.events(), ledger.head))
    assert found[0] == found[1] == found[2]
