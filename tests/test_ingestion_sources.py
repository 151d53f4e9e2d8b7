"""Sources by name, and vendors of the user's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from feeds.errors import ConfigError
from feeds.ingestion import CollectOptions, collect
from feeds.sources import registry
from feeds.sources.plugins import load_sources
from feeds.sources.registry import (
    known_symbol_sources,
    open_source,
    register_source,
    source,
)
from feeds.symbols_file import SYMBOL_SOURCES, read_symbols
from tests.ingestion_case import Vendor, contents, write_set

BUILT_IN = ("exchange", "files", "yahoo")
ROOT = Path(__file__).parent.parent

PLUGIN = '''
"""A vendor whose closes are 1, 2, 3, ..."""

import pandas as pd

from feeds.sources.registry import source
from feeds.sources.request import RawSeries


@source("acme")
class Acme:
    made = 0

    def __init__(self):
        Acme.made += 1

    def fetch(self, request):
        index = pd.date_range("2020-01-01", periods=3, name="date").as_unit("s")
        bars = pd.DataFrame(index=index)
        for name in ("open", "high", "low", "close"):
            bars[name] = [1.0, 2.0, 3.0]
        bars["volume"], bars["split_ratio"], bars["dividend"] = 9.0, 1.0, 0.0
        return RawSeries(request, bars, "units", "traded", "USD", "UTC", "acme 1", "free")
'''


@pytest.fixture(autouse=True)
def clean():
    """What a test registers is gone after it."""
    before = dict(registry._REGISTERED)
    yield
    registry._REGISTERED.clear()
    registry._REGISTERED.update(before)
    open_source.cache_clear()
    for name in [name for name in sys.modules if name.startswith("plugin_")]:
        del sys.modules[name]


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "acme_vendor.py"
    path.write_text(PLUGIN)
    return path


def test_the_sources_that_come_with_the_project():
    assert known_symbol_sources() == BUILT_IN and set(SYMBOL_SOURCES) <= set(BUILT_IN)
    assert type(open_source("exchange")).__name__ == "Exchange"
    assert open_source("yahoo") is open_source("yahoo")


def test_naming_them_imports_no_client():
    code = (
        "import sys, feeds.ingestion, feeds.sources.registry as r; r.known_symbol_sources()\n"
        "sys.exit(' '.join({'yfinance', 'ccxt', 'curl_cffi'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unknown_source_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="unknown source 'yaho'") as caught:
        open_source("yaho")
    assert caught.value.remedy == "did you mean yahoo?"


def test_a_vendor_of_the_users_own_is_one_file_and_nothing_else(plugin, tmp_path):
    load_sources([str(plugin)])
    assert known_symbol_sources() == ("acme", *BUILT_IN)
    symbols = tmp_path / "symbols.csv"
    symbols.write_text("symbol,asset_class,source\nX,equity,acme\nNA,crypto,acme\n")
    requests = read_symbols(symbols, known_symbol_sources())
    out = tmp_path / "place" / "mine"
    with collect(requests, out, CollectOptions()) as made:
        write_set(out, made)
    assert [outcome.status for outcome in made.outcomes] == ["new", "new"]
    assert made.infos["NA"].vendor == "acme 1" and "raw/NA.csv" in contents(out)
    # One source serves all symbols.
    assert type(open_source("acme")).made == 1


def test_a_file_that_is_loaded_twice_counts_once(plugin):
    load_sources([str(plugin), str(plugin)])
    load_sources([str(plugin)])
    assert known_symbol_sources() == ("acme", *BUILT_IN)


def test_a_module_by_its_dotted_name(plugin, monkeypatch):
    monkeypatch.syspath_prepend(str(plugin.parent))
    load_sources(["acme_vendor"])
    assert "acme" in known_symbol_sources()
    del sys.modules["acme_vendor"]


def test_a_function_is_a_source_too():
    @source("plain")
    def fetch(request):
        return Vendor().fetch(request)

    assert open_source("plain").fetch is fetch


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def (:\n", r"failed to import: SyntaxError.*\(line 1\)"),
        ("import nowhere_to_be_found\n", r"failed to import: ModuleNotFoundError.*\(line 1\)"),
        ("x = 1\ny = 1 / 0\n", r"ZeroDivisionError: division by zero \(line 2\)"),
        ("import sys\nsys.exit(3)\n", r"SystemExit: 3 \(line 2\)"),
        (
            "from feeds.sources.registry import source\nsource('yahoo')(print)\n",
            "'yahoo' exists already",
        ),
        ("from feeds.sources.registry import source\nsource('Acme')(print)\n", "cannot be a name"),
        (
            "from feeds.sources.registry import source\n@source('acme')\nclass A: pass\n",
            "has no method fetch",
        ),
    ],
)
def test_a_file_that_fails_is_named_and_leaves_nothing(tmp_path, text, problem):
    path = tmp_path / "bad.py"
    path.write_text(text)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_sources([str(path)])
    assert str(path) in caught.value.problem and caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 3
    assert known_symbol_sources() == BUILT_IN
    assert not [name for name in sys.modules if name.startswith("plugin_")]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("gone.py", "--plugin gone.py: no such file"),
        ("gone_module", "--plugin no module named gone_module"),
        ("feeds.gone", "--plugin no module named feeds.gone"),
        ("not a name", "neither a module's dotted name nor a path"),
    ],
)
def test_what_is_not_there(name, problem):
    with pytest.raises(ConfigError, match=problem):
        load_sources([name])


def test_two_vendors_of_a_name_are_refused(plugin, tmp_path):
    other = tmp_path / "other.py"
    other.write_text(PLUGIN.replace("Acme", "Other"))
    load_sources([str(plugin)])
    with pytest.raises(ConfigError, match="'acme' exists already"):
        load_sources([str(other)])
    assert type(open_source("acme")).__name__ == "Acme"


def test_a_class_that_cannot_be_made_fails_its_symbols_alone():
    class Broken:
        def __init__(self, key):
            pass

        def fetch(self, request):
            pass

    register_source("broken", Broken)
    with pytest.raises(ConfigError, match="source 'broken' cannot be made: TypeError"):
        open_source("broken")
