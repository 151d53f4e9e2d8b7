"""The paper account beside the backtest: the same decisions, fills and values, day by day."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from configs.load import load_config
from feeds.errors import DataError, UserError
from runs.assemble import execute, prepare
from runs.paper_record import paper_record
from runs.parity import compare_with_backtest
from strategies.execution.ledger import reading_ledger
from strategies.execution.replay import replay
from tests.paper_case import CONFIG, DAYS, DIVIDENDS, live_at, run_to, write_config, write_set

FIRST, LAST = 22, 62


BUNDLED = Path(__file__).parent.parent / "configs" / "large_caps_bitcoin.yaml"


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """The set, its configuration, and a ledger that was brought up day by day."""
    folder = tmp_path_factory.mktemp("paper")
    config = write_config(folder, write_set(folder / "set"))
    for day in DAYS[FIRST : LAST + 1]:
        run_to(folder / "paper.db", config, day)
    return folder, config


def events_of(path):
    with reading_ledger(path) as ledger:
        ledger.check()
        return ledger.events()


def events_by_kind(events):
    found = {}
    for event in events:
        found.setdefault(event.kind, []).append(event)
    return found


def test_day_by_day_equals_the_backtest(case):
    folder, config = case
    events = events_of(folder / "paper.db")
    live = live_at(config, DAYS[LAST])
    record = paper_record(live, events)
    backtest = execute(record.study)
    assert len(backtest.decisions) == LAST + 1 - FIRST
    for paper, other in zip(record.execution.decisions, backtest.decisions, strict=True):
        assert (paper.row, paper.reports) == (other.row, other.reports)
        assert np.array_equal(paper.weights, other.weights)
    ours, theirs = record.execution.tables, backtest.tables
    assert {"rebalance", "delisting"} == set(ours["fills"]["reason"])
    for name in ("fills", "carry"):
        words = ours[name].select_dtypes(exclude="number").columns
        assert ours[name][words].equals(theirs[name][words])
    for name in ("fills", "carry", "values"):
        numbers = ours[name].select_dtypes("number")
        assert len(numbers) > 30
        assert np.nanmax(np.abs(numbers - theirs[name][numbers.columns])) < 1e-6
    parity = compare_with_backtest(live, record, events)
    assert parity.summary["differences"] == 0
    assert parity.summary["late_decisions"] == 0


def test_decisions_equal_a_backtest_of_the_whole_set(case):
    """Each was made from the bars up to its own, and the backtest saw the rest too."""
    folder, config = case
    study = prepare(load_config(config))
    decisions = {str(study.panel.dates[one.row]): one.weights for one in execute(study).decisions}
    made = events_by_kind(events_of(folder / "paper.db"))["decision"]
    assert len(made) == LAST + 1 - FIRST
    for event in made:
        assert not event.payload["late"]
        weights = dict(zip(study.panel.assets.tolist(), decisions[event.bar].tolist()))
        assert event.payload["weights"] == {name: one for name, one in weights.items() if one}


def test_printed_shares_and_raw_prices_give_the_value_of_every_bar(case):
    """Independent of replay: shares are summed from events, closes read from the vendor's table."""
    folder, _ = case
    closes = {}
    for name in ("equities", "crypto"):
        lines = (folder / "set" / f"prices_{name}.csv").read_text().splitlines()[1:]
        for day, symbol, _, _, _, close, *_ in (line.split(",") for line in lines):
            closes[symbol, day] = float(close)
    shares, marks, cash, checked = {}, {}, 100_000.0, 0
    for event in events_of(folder / "paper.db"):
        told = event.payload
        if event.kind == "fill":
            shares[event.symbol] = shares.get(event.symbol, 0.0) + told["shares"]
            cash -= told["shares"] * told["price"] + told["commission"]
        elif event.kind == "split":
            shares[event.symbol] *= told["ratio"]
        elif event.kind == "dividend":
            # Paid on the shares held, and spent on further ones at the close.
            close = closes[event.symbol, event.bar]
            assert told["price"] == pytest.approx(close, rel=1e-12)
            assert told["amount"] == pytest.approx(told["per_share"] * shares[event.symbol])
            shares[event.symbol] += told["per_share"] * shares[event.symbol] / close
        elif event.kind == "carry":
            cash += told["amount"]
        elif told.get("note") == "close":
            for symbol in shares:
                marks[symbol] = closes.get((symbol, event.bar), marks.get(symbol))
            value = cash + sum(shares[name] * marks[name] for name in shares if shares[name])
            assert told["value"] == pytest.approx(value, rel=1e-11)
            assert told["cash"] == pytest.approx(cash, rel=1e-9, abs=1e-6)
            checked += 1
    assert checked == LAST + 1 - FIRST


def test_splits_and_dividends_are_those_of_the_set(case):
    folder, _ = case
    found = events_by_kind(events_of(folder / "paper.db"))
    splits = {(event.symbol, event.bar): event.payload["ratio"] for event in found["split"]}
    paid = {(event.symbol, event.bar): event.payload["per_share"] for event in found["dividend"]}
    assert ("AA", str(DAYS[30])) in splits and ("AA", str(DAYS[30])) in paid
    for (symbol, bar), ratio in splits.items():
        assert {("AA", str(DAYS[30])): 2.0, ("BB", str(DAYS[44])): 0.1}[symbol, bar] == ratio
    known = {
        ("AA", str(DAYS[30])): 0.3,
        ("AA", str(DAYS[36])): 0.4,
        ("CC", str(DAYS[32])): 0.25,
        ("CC", str(DAYS[50])): 0.25,
        ("NA", str(DAYS[40])): 1.0,
    }
    for key, amount in paid.items():
        assert known[key] == pytest.approx(amount, rel=1e-9)


def test_a_bar_is_booked_once(case, tmp_path):
    folder, config = case
    before = (folder / "paper.db").read_bytes()
    for _ in range(10):
        assert run_to(folder / "paper.db", config, DAYS[LAST]).bars == ()
    assert len(events_of(folder / "paper.db")) > 400
    again = tmp_path / "paper.db"
    again.write_bytes(before)
    assert events_of(again) == events_of(folder / "paper.db")


def test_bars_caught_up_are_those_booked_in_time_but_late(case, tmp_path):
    folder, config = case
    run_to(tmp_path / "a.db", config, DAYS[FIRST])
    progress = run_to(tmp_path / "a.db", config, DAYS[LAST])
    assert list(progress.bars) == DAYS[FIRST + 1 : LAST + 1].astype(str).tolist()
    ours, theirs = events_of(tmp_path / "a.db"), events_of(folder / "paper.db")
    assert len(ours) == len(theirs)
    late = []
    for one, two in zip(ours, theirs, strict=True):
        if one.kind == "decision":
            late.append(one.payload["late"])
            assert {**one.payload, "late": False} == two.payload
        else:
            assert one == two
    assert late == [False] + [True] * (LAST - FIRST - 1) + [False]


def test_one_run_since_a_day_equals_many_runs(case, tmp_path):
    folder, config = case
    run_to(tmp_path / "once.db", config, DAYS[LAST], since=DAYS[FIRST])
    run_to(tmp_path / "twice.db", config, DAYS[LAST], since=DAYS[FIRST])
    once = events_of(tmp_path / "once.db")
    assert once == events_of(tmp_path / "twice.db")
    kinds = [event.kind for event in once]
    assert kinds == [event.kind for event in events_of(folder / "paper.db")]


def test_sixty_days_on_a_bundled_set(tmp_path, monkeypatch):
    """The signal of each day is the backtest's decision, and the fills are its fills, exactly."""
    monkeypatch.chdir(BUNDLED.parent.parent)
    daily = ("portfolio.rebalance={every: 1}", "data.start=2021-05-03", "data.end=2021-10-29")
    config = load_config(BUNDLED, daily)
    study = prepare(config)
    decided = {str(study.panel.dates[one.row]): one.weights for one in execute(study).decisions}
    days = [day for day in sorted(decided) if day >= "2021-07-01"][:60]
    for day in days:
        progress = run_to(tmp_path / "paper.db", BUNDLED, day, *daily)
        assert progress.bars == (day,)
        weights = [progress.book.decision["weights"].get(name, 0.0) for name in study.panel.assets]
        assert progress.book.decision_bar == day
        assert np.array_equal(weights, decided[day])
    events = events_of(tmp_path / "paper.db")
    record = paper_record(live_at(BUNDLED, days[-1], *daily), events)
    backtest = execute(record.study)
    assert len(record.execution.decisions) == 60
    for name in ("fills", "values", "carry"):
        assert record.execution.tables[name].equals(backtest.tables[name])
    assert len(record.execution.tables["fills"]) > 400


#: Rules, and a note that shows that they did what they are there for.
RULES = {
    "spread": (
        "portfolio.rebalance={every: 5}",
        "execution.spread_over=3",
        "execution.fill=next_open",
    ),
    "stop": (
        "portfolio.rebalance={every: 4}",
        "portfolio.stops={loss: 0.02, trailing: 0.03, cool_off: 3}",
    ),
    "participation": ("portfolio.rebalance={every: 3}", "execution.participation_rate=0.0004"),
    "close": ("portfolio.stagger=3", "portfolio.no_trade_band=0.02"),
    "liquidation": (
        "portfolio.rebalance={every: 6}",
        "execution.maintenance_margin=0.9",
        # Closed over several sessions, in the lots last traded.
        "execution.starting_cash=1000000",
        "execution.participation_rate=0.004",
        "execution.lots={equity: 7, crypto: 1.0e-6}",
    ),
    "scaled": ("costs.commission.crypto={scheme: kraken_pro}", "portfolio.gross=1.7"),
}


@pytest.mark.parametrize("shown", RULES)
def test_what_lasts_longer_than_a_bar_is_remembered(case, tmp_path, shown):
    """Spread rebalances, stops, tickets that wait, formations, liquidations, graded fees."""
    _, config = case
    run_to(tmp_path / "a.db", config, DAYS[LAST], *RULES[shown], since=DAYS[FIRST])
    live = live_at(config, DAYS[LAST], *RULES[shown])
    events = events_of(tmp_path / "a.db")
    record = paper_record(live, events)
    backtest = execute(record.study)
    for name in ("fills", "values"):
        numbers = record.execution.tables[name].select_dtypes("number")
        theirs = backtest.tables[name][numbers.columns]
        assert len(numbers) == len(theirs) > 30
        assert np.nanmax(np.abs(numbers - theirs)) < 1e-6
    ours = record.execution.tables["events"]
    assert ours.to_dict("list") == backtest.tables["events"].to_dict("list")
    notes = [event.payload for event in events if event.kind == "note"]
    assert any(shown == one["note"] or one.get(shown) for one in notes)


def test_a_revised_close_is_flagged_and_not_traded_again(case, tmp_path):
    folder, config = case
    path = tmp_path / "paper.db"
    path.write_bytes((folder / "paper.db").read_bytes())
    before = events_of(path)
    held = sorted(replay(before).held)[0]
    changed = write_config(
        tmp_path, write_set(tmp_path / "set", revise={held: {LAST - 3: 1.1, LAST: 1.02}})
    )
    progress = run_to(path, changed, DAYS[LAST])
    assert progress.bars == ()
    told = {(event.symbol, event.payload["column"]) for event in progress.revisions}
    assert (held, "closes") in told and ("", "digest") in told
    assert {event.kind for event in progress.revisions} == {"revision"}
    after = events_of(path)
    assert after[: len(before)] == before
    changes = next(one for one in progress.revisions if one.symbol == held).payload["changes"]
    for bar in changes:
        was, new = changes[bar]
        assert new / was == pytest.approx(
            {str(DAYS[LAST - 3]): 1.1, str(DAYS[LAST]): 1.02}[bar], abs=1e-3
        )
    # The same again tells nothing new, and the account holds what it held.
    assert run_to(path, changed, DAYS[LAST]).revisions == ()
    assert replay(events_of(path)).held == replay(before).held
    assert replay(events_of(path)).value == replay(before).value
    # Back to what it was: that is a revision too.
    assert len(run_to(path, config, DAYS[LAST]).revisions) == 2


def test_a_dividend_that_is_added_to_history_is_flagged(case, tmp_path, monkeypatch):
    folder, config = case
    path = tmp_path / "paper.db"
    path.write_bytes((folder / "paper.db").read_bytes())
    book = replay(events_of(path))
    bar = sorted(book.marks)[-5]
    row = int(np.flatnonzero(DAYS == np.datetime64(bar))[0])
    name = next(one for one in sorted(book.marks[bar]["closes"]) if one in ("AA", "BB", "CC", "DD"))
    monkeypatch.setitem(DIVIDENDS, name, {row: 0.5})
    # The walk takes the dividend off prices from its day on: only the step is to be told.
    changed = write_config(tmp_path, write_set(tmp_path / "set"))
    told = run_to(path, changed, DAYS[LAST]).revisions
    assert bar in next(
        event.payload["changes"] for event in told if event.payload["column"] == "steps"
    )


def test_another_configuration_is_a_new_epoch(case, tmp_path):
    _, config = case
    path = tmp_path / "paper.db"
    run_to(path, config, DAYS[FIRST + 9], since=DAYS[FIRST])
    cheaper = ("costs.slippage.equity={scheme: bps, bps: 1}",)
    # Without a new bar there is nothing to tell; the next one tells it.
    run_to(path, config, DAYS[FIRST + 9], *cheaper)
    assert not [one for one in events_of(path) if one.payload.get("note") == "epoch"]
    run_to(path, config, DAYS[FIRST + 20], *cheaper)
    epochs = [one for one in events_of(path) if one.payload.get("note") == "epoch"]
    assert [one.bar for one in epochs] == [str(DAYS[FIRST + 10])]
    assert epochs[0].payload["changed"] == {"costs.slippage.equity.bps": [5, 1]}
    live = live_at(config, DAYS[FIRST + 20], *cheaper)
    events = events_of(path)
    parity = compare_with_backtest(live, paper_record(live, events), events)
    assert parity.summary["differences"] > 0
    assert parity.summary["unexplained"] == 0
    assert parity.differences["reason"].str.startswith("costs changed").all()


@pytest.mark.parametrize(
    "change, problem",
    [
        (("name=other",), "is the ledger of 'paper-case', not of 'other'"),
        (("data.calendar=24/7",), "was made from the data set paper_case (XNYS)"),
        (("data.universe=[AA, BB, CC, DD, COIN, 'TRUE']",), "is held or waits in the ledger"),
    ],
)
def test_what_does_not_belong_together_is_refused(case, tmp_path, change, problem):
    folder, config = case
    path = tmp_path / "paper.db"
    path.write_bytes((folder / "paper.db").read_bytes())
    with pytest.raises(UserError) as error:
        run_to(path, config, DAYS[LAST], *change)
    assert problem in str(error.value)
    assert len(str(error.value).splitlines()) <= 3
    assert events_of(path) == events_of(folder / "paper.db")


def test_a_bar_before_the_last_one_is_refused(case, tmp_path):
    folder, config = case
    with pytest.raises(DataError, match="after the latest bar"):
        run_to(folder / "paper.db", config, DAYS[LAST - 1])


def test_adjusted_prices_scaled_anew_are_corrected_not_traded(tmp_path):
    """All closes of a vendor of adjusted prices times 0.98, as after a dividend."""
    folder = write_set(tmp_path / "set")
    rescale(folder, 1.0)
    config = write_config(
        tmp_path,
        folder,
        CONFIG.replace("per_share, rate: 0.01, minimum: 1", "percent, bps: 2"),
    )
    path = tmp_path / "paper.db"
    run_to(path, config, DAYS[40], since=DAYS[FIRST])
    before = replay(events_of(path))
    rescale(folder, 0.98)
    told = run_to(path, config, DAYS[40]).revisions
    after = replay(events_of(path))
    corrected = {event.symbol for event in told if event.kind == "correction"}
    used = {name for marks in before.marks.values() for name in marks["closes"]}
    assert corrected == used - {"COIN"} and set(before.held) - {"COIN"} <= corrected
    for name in corrected & {*before.held}:
        assert after.held[name] == pytest.approx(before.held[name] / 0.98, rel=1e-9)
    assert after.value == before.value
    # The next bar goes on as if nothing had been: the move of the close alone.
    run_to(path, config, DAYS[41])
    other = tmp_path / "other.db"
    rescale(folder, 1.0)
    run_to(other, config, DAYS[41], since=DAYS[FIRST])
    assert replay(events_of(path)).value == pytest.approx(replay(events_of(other)).value, rel=1e-3)


@pytest.mark.parametrize("shown, last", [("spread", 38), ("stop", 48)])
def test_what_is_under_way_goes_on_after_a_correction(tmp_path, shown, last):
    """Stops, parts and tickets of the days after are those of prices that were never scaled."""
    folder = tmp_path / "set"
    text = CONFIG.replace("per_share, rate: 0.01, minimum: 1", "percent, bps: 2")
    config = write_config(tmp_path, folder, text)
    rules = (*RULES[shown], "execution.lots={equity: 1.0e-7, crypto: 1.0e-7}")
    found = []
    for factor in (1.0, 0.5):
        rescale(folder, 1.0)
        path = tmp_path / f"{factor}.db"
        run_to(path, config, DAYS[last], *rules, since=DAYS[FIRST])
        close = replay(events_of(path)).close
        assert close["spread"] or any(one["size"] for one in close["stops"].values())
        rescale(folder, factor)
        run_to(path, config, DAYS[LAST], *rules)
        events = [event for event in events_of(path) if event.bar > str(DAYS[last])]
        fills = [event for event in events if event.kind == "fill"]
        stops = [event for event in events if event.payload.get("note") == "stop"]
        found.append(([one.payload["paid"] for one in fills], fills, stops))
    (plain, fills, stops), (scaled, others, again) = found
    assert len(fills) > 10 and (stops or shown == "spread")
    assert [(one.bar, one.symbol) for one in stops] == [(one.bar, one.symbol) for one in again]
    assert [(one.bar, one.symbol) for one in fills] == [(one.bar, one.symbol) for one in others]
    assert np.allclose(plain, scaled, rtol=1e-6, atol=0.01)


def rescale(folder, factor):
    """Make the stocks' closes adjusted ones, times a factor; as a vendor would store them."""
    write_set(folder)
    path = folder / "prices_equities.csv"
    header, *lines = path.read_text().splitlines()
    rows = []
    for line in lines:
        cells = line.split(",")
        prices = [repr(round(float(price) * factor, 9)) for price in cells[2:6]]
        rows.append(",".join([*cells[:2], *prices, cells[6], "1", "0"]))
    path.write_text("\n".join([header, *rows]) + "\n")
    universe = folder / "universe.csv"
    text = "".join(
        line.replace(",traded", ",adjusted") if ",equity," in line else line
        for line in universe.read_text().splitlines(keepends=True)
    )
    universe.write_text(text)
    manifest = json.loads((folder / "manifest.json").read_text())
    for changed in (path, universe):
        manifest["files"][changed.name]["sha256"] = hashlib.sha256(changed.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
