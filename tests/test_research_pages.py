"""The pages of the research statistics name modules, functions and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["alphalens", "attribution", "research_statistics"])
def test_what_a_page_names_is_there(page: str) -> None:
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:analyzers|tests|scripts|docs)/[\w/]+\.\w+)`", text))
    assert all((ROOT / path).is_file() for path in sorted(paths))
    peers = (ROOT / "tests/test_peers.py").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    assert [name for name in sorted(named) if f"def {name}(" not in peers] == []


def test_functions_beside_alphalens_are_ours() -> None:
    text = (ROOT / "docs/alphalens.md").read_text(encoding="utf-8")
    own = re.findall(r"^\| [^|]+ \| `(\w+)", text, re.MULTILINE)
    sources = [(ROOT / f"analyzers/{name}.py").read_text() for name in ("decay", "information")]
    assert len(own) == 5
    assert [name for name in own if f"def {name}(" not in "".join(sources)] == []
