"""A folder as a run writes it, through the endpoint: the very numbers of its tables."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from analyzers.run_folder import write_tables
from runs import api_models as models
from runs.api_answers import Answers
from runs.api_folders import Outputs
from tests.synthetic_run import synthetic_run

MODELS = {
    "carry": models.CarryPage,
    "factor_returns": models.FactorReturnPage,
    "fills": models.FillPage,
    "positions": models.PositionPage,
    "values": models.ValuePage,
    "weights": models.WeightPage,
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory):
    result, outputs = synthetic_run(), tmp_path_factory.mktemp("outputs")
    # In the order in which runs have them.
    result.weights = result.weights.set_index("decision_date").reset_index()
    result.fills = result.fills.sort_values("date", kind="stable", ignore_index=True)
    (outputs / "made up").mkdir()
    write_tables(result, outputs / "made up", config_text="", environment="", timings={"all": 1.0})
    return result, Answers(Outputs(outputs))


def plain(values: pd.Series) -> list:
    """A column as JSON has it."""
    if values.dtype.kind == "M":
        return [None if pd.isna(value) else str(value.date()) for value in values]
    return [None if pd.isna(value) else value for value in values]


@pytest.mark.parametrize("name", MODELS)
def test_every_table_is_served_to_the_last_digit(served, name: str) -> None:
    result, answers = served
    table = getattr(result, name)
    if name in ("values", "factor_returns"):
        table = table.rename_axis("date").reset_index()
    page = json.loads(answers.table(name, "made up", 5000, 0).content)
    assert MODELS[name].model_validate(page).model_dump(mode="json") == page
    assert page["total"] == len(table)
    rows = [{**row, **row.pop("factors", {})} for row in page["items"]]
    for column in table.columns:
        assert [row[column] for row in rows] == plain(table[column])


def test_the_run_is_listed_and_its_metrics_are_its_own(served) -> None:
    result, answers = served
    listed = json.loads(answers.runs(10, 0).content)["items"]
    assert [row["name"] for row in listed] == ["made up"]
    assert listed[0]["sharpe"] == result.metrics["sharpe"]
    assert json.loads(answers.metrics("made up").content)["metrics"] == result.metrics


def test_an_answer_is_in_memory_once_it_was_made(served) -> None:
    _, answers = served
    given = ("values", "made up", 7, 3)
    assert answers.table(*given, cached=True) is None
    made = answers.table(*given)
    assert answers.table(*given, cached=True) is made
