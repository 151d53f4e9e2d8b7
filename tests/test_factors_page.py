"""The page of factors says what the factors are: names, labels, fields and usual parameters."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from configs.schema import PreprocessConfig
from configs.yaml_reader import parse_yaml
from factors import known_factors
from factors.registry import Factor
from feeds.figures import Figures
from feeds.panel import Panel
from runs.scoring import make_steps

PAGE = (Path(__file__).parent.parent / "docs" / "factors.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]
# Factors of other tests and of a user are registered too, in modules of their own.
OURS = [entry for entry in known_factors() if entry.function.__module__.startswith("factors.")]
NAMED = {f"{entry.name}-{entry.proxy}" if entry.proxy else entry.name: entry for entry in OURS}
SESSIONS = 2000


def row_of(first: str, cells: int) -> list[str]:
    found = [row for row in ROWS if row[0] == first and len(row) == cells]
    assert len(found) == 1, f"{first} stands in {len(found)} rows of the page"
    return found[0]


def documented(entry: Factor) -> dict[str, dict]:
    """Parameters by calendar, as the page gives them."""
    if not entry.parameters:
        return {"XNYS": {}, "24/7": {}}
    by = f" by `{entry.proxy}`" if entry.proxy else ""
    cells = row_of(f"`{entry.name}`{by}", 3)[1:]
    found = [dict(re.findall(r"`(\w+)` ([\w.]+)", cell)) for cell in cells]
    read = [{name: parse_yaml(text, "page").data for name, text in one.items()} for one in found]
    return dict(zip(("XNYS", "24/7"), read, strict=True))


@pytest.fixture(scope="module")
def panels() -> dict[str, Panel]:
    """One panel a calendar with everything that a factor may need."""
    rng = np.random.default_rng(11)
    shape = (SESSIONS, 4)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0))
    names = sorted({field for entry in OURS for field in entry.fields})
    blocks = ("close", "volume", "market_cap", "book_equity")
    figures = {name: rng.uniform(1.0, 9.0, shape) for name in names if name not in blocks}
    made = {}
    for calendar in ("XNYS", "24/7"):
        dates = np.datetime64("2012-01-02") + np.arange(SESSIONS + 1)
        if calendar == "XNYS":
            dates = np.busday_offset("2012-01-02", np.arange(SESSIONS + 1), roll="forward")
        ones = np.ones(shape)
        made[calendar] = Panel(
            dates=dates[:-1],
            assets=np.array(["A", "B", "C", "D"]),
            asset_class=np.array(["equity"] * 4),
            calendar=calendar,
            next_session=dates[-1],
            open=close,
            high=close,
            low=close,
            close=close,
            volume=rng.uniform(1e5, 1e6, shape),
            split_factor=ones,
            dividend_factor=ones,
            tradable=ones.astype(bool),
            member=ones.astype(bool),
            volume_unit=np.array(["units"] * 4),
            price_kind=np.array(["traded"] * 4),
            close_only=np.zeros(4, dtype=bool),
            end_reason=np.array(["data_end"] * 4),
            market_cap=close * 1e6,
            book_equity=rng.uniform(1e7, 1e8, shape),
            shares=ones * 1e6,
            figure_events=Figures.from_arrays(figures),
        )
    return made


@pytest.mark.parametrize("entry", NAMED.values(), ids=NAMED)
def test_each_factor_stands_on_the_page(entry: Factor) -> None:
    proxy = f", `proxy: {entry.proxy}`" if entry.proxy else ""
    name, label, score, needs, source = row_of(f"`{entry.name}`{proxy}", 5)
    assert label == entry.label
    assert needs == ", ".join(f"`{field}`" for field in entry.fields)
    assert score
    for year in re.findall(r"\((\d{4})\)", source):
        assert year in inspect.getsource(inspect.getmodule(entry.function))
    assert list(documented(entry)["XNYS"]) == list(entry.parameters)


@pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
@pytest.mark.parametrize("entry", NAMED.values(), ids=NAMED)
def test_the_usual_parameters_are_those_of_the_page(panels, entry: Factor, calendar: str) -> None:
    panel, given = panels[calendar], documented(entry)[calendar]
    rows = np.arange(SESSIONS - 150, SESSIONS, 30)
    usual = entry.scores(panel, rows)
    assert np.isfinite(usual).all()
    np.testing.assert_array_equal(entry.scores(panel, rows, **given), usual)
    for name, value in given.items():
        if isinstance(value, int) and name != "min_observations":
            changed = value // 2 if value > 1 else value + 1
            other = entry.scores(panel, rows, **(given | {name: changed}))
            assert not np.array_equal(other, usual), f"{name} of {entry.column} changes nothing"


def test_the_page_names_no_factor_that_is_not_there() -> None:
    names = {f"`{entry.name}`" for entry in OURS}
    assert {row[0].split(",")[0] for row in ROWS if len(row) == 5} == names


def test_the_pipeline_of_the_page_runs(make_panel) -> None:
    block = next(text for text in PAGE.split("```python\n")[1:] if "make_pipeline" in text)
    panel = make_panel(shape=(5, 8), asset_class=["equity"] * 5 + ["crypto"] * 3)
    rng = np.random.default_rng(1)
    raw, log_cap, beta = rng.normal(size=(3, 5, 8))
    given = {"np": np, "panel": panel, "raw": raw, "log_cap": log_cap, "beta": beta}
    exec(block.split("```")[0], given)
    assert np.isnan(given["scores"][0]).all() and np.isfinite(given["scores"][1:]).all()


def test_the_blocks_of_preprocessing_on_the_page_are_valid() -> None:
    blocks = re.findall(r"```yaml\n(preprocess:.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 2
    made = [
        make_steps(PreprocessConfig.model_validate(parse_yaml(text, "page").data["preprocess"]))
        for text in blocks
    ]
    assert [len(steps) for steps in made] == [1, 4]
