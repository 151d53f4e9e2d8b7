"""The page on coin factors: its example across classes runs, its promises hold."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def found():
    page = (ROOT / "docs" / "coin_factors.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- runs in .*?-->\n```python\n(.*?)```", page, re.DOTALL)
    names: dict = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        exec(compile(block.group(1), "coin_factors.md", "exec"), names)
    return names["found"]


def test_its_columns_are_classes_and_factors(found) -> None:
    expected = {
        f"{kind} {name}"
        for kind in ("all", "crypto", "equity")
        for name in ("combination", "momentum", "value")
    }
    assert set(found.returns.columns) == expected
    # Five years of coins are not there: value is of equities alone.
    assert found.returns["crypto value"].isna().all()
    assert found.returns["all value"].notna().any()


def test_three_coins_have_the_smaller_share(found) -> None:
    crypto, equity = found.shares["momentum"].T
    both = (crypto > 0) & (equity > 0)
    assert both.sum() > 12
    assert np.median(crypto[both]) < 0.25
    np.testing.assert_allclose((crypto + equity)[both], 1.0, rtol=1e-12)
