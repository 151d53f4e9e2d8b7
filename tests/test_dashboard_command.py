"""The command that starts the dashboard, and its pages without a browser."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from runs import dashboard
from tests.dashboard_case import ROOT, write_all

pytest.importorskip("streamlit", reason="Streamlit is not installed")
PAGES = ("Signals", "Portfolio", "Runs", "Factors", "Costs", "Data")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_all(tmp_path_factory.mktemp("pages") / "outputs")


def drawn(monkeypatch: pytest.MonkeyPatch, page: str, *places: Path):
    """A page as Streamlit's own harness sees it."""
    from streamlit.testing.v1 import AppTest

    script = ROOT / "runs" / "dashboard_app.py"
    monkeypatch.setattr(sys, "argv", [str(script), *map(str, places)])
    app = AppTest.from_file(str(script), default_timeout=30)
    app.query_params["page"] = page
    return app.run()


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert dashboard.main(list(argv)) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) <= 3 and "Traceback" not in said
    return said


def test_mistakes_are_told_in_a_line(capsys, tmp_path):
    assert "no such file" in refused(capsys, "--ledger", str(tmp_path / "paper.db"))
    assert "70000 is not a port" in refused(capsys, "--port", "70000")
    assert "203.0.113.1" in refused(capsys, "--host", "203.0.113.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port}" in refused(capsys, "--port", port)


def test_nothing_is_sent_and_nobody_else_is_served(monkeypatch, outputs):
    started = []
    monkeypatch.setattr(dashboard, "_serve", lambda *given: started.append(given))
    assert dashboard.main(["--outputs", str(outputs), "--port", "0", "--quiet"]) == 0
    places, options, said = started[0]
    assert places == [str(outputs), "data"] and said == ""
    assert options["server.address"] == "127.0.0.1" and options["server.port"] > 0
    assert options["browser.gatherUsageStats"] is False
    assert options["client.toolbarMode"] == "minimal"
    assert "localhost" in options["server.allowedHosts"]


def test_other_machines_are_let_in_with_a_warning(caplog):
    with caplog.at_level("WARNING"):
        found = dashboard._hosts("0.0.0.0", ["factors.example.org"])
    assert found == ["0.0.0.0", "factors.example.org"]
    assert "other machines" in caplog.text
    assert dashboard._hosts("0.0.0.0", []) == []


def test_every_setting_is_known_to_streamlit():
    from streamlit import config

    known = config.get_config_options()
    options = dashboard.streamlit_options("127.0.0.1", 8501, ["localhost"], False)
    assert [name for name in options if name not in known] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn(monkeypatch, outputs, page):
    app = drawn(monkeypatch, page, outputs, outputs.parent / "data")
    assert [one.value for one in app.title] == [page]
    assert len(app.exception) == len(app.error) == len(app.info) == 0


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_files_names_the_command(monkeypatch, tmp_path, page):
    app = drawn(monkeypatch, page, tmp_path / "outputs", tmp_path / "data")
    assert len(app.info) == 1 and len(app.exception) == len(app.error) == 0
    command = {"Runs": "backtest", "Data": "ingest", "Portfolio": "signals"}.get(page, page.lower())
    assert app.code[0].value.startswith(f"python -m runs.{command} ")


_TABLE, _PAGE = b"a,b\n1,2\n", b"<html><b>no</b>\xff\x00"


@pytest.mark.parametrize(
    "page, file, content",
    [
        ("Signals", "signals/small/signals.json", _PAGE),
        ("Portfolio", "paper.db", _PAGE),
        ("Runs", "small/values.csv", _TABLE),
        ("Runs", "other/metrics.json", b""),
        ("Factors", "ic.csv", _TABLE),
        ("Costs", "costs/small/grid.csv", b""),
        ("Data", "../data/little/universe.csv", _PAGE),
    ],
)
def test_a_damaged_file_is_named(monkeypatch, tmp_path, page, file, content):
    outputs = write_all(tmp_path / "outputs")
    (outputs / file).write_bytes(content)
    app = drawn(monkeypatch, page, outputs, tmp_path / "data")
    assert len(app.exception) == 0
    assert len(app.error) == 1 and Path(file).stem in app.error[0].value.replace("\\", "")


def test_no_pickle_is_opened(monkeypatch, outputs):
    import pickle

    monkeypatch.setattr(pickle, "load", lambda *_: pytest.fail("a pickle was loaded"))
    monkeypatch.setattr(pickle, "loads", lambda *_: pytest.fail("a pickle was loaded"))
    assert (outputs / "small" / "results.pkl").is_file()
    assert not drawn(monkeypatch, "Runs", outputs, outputs.parent / "data").exception


def test_names_of_files_are_text(monkeypatch, tmp_path):
    outputs = write_all(tmp_path / "outputs")
    text = (outputs / "signals" / "small" / "signals.json").read_text()
    hostile = text.replace('"as_of": "2021-03-04"', '"as_of": "<img src=x onerror=alert(1)>"', 1)
    (outputs / "signals" / "small" / "signals.json").write_text(hostile)
    app = drawn(monkeypatch, "Signals", outputs, tmp_path / "data")
    facts = [one.proto.body for one in app.get("html")]
    assert any("&lt;img" in body for body in facts)
    assert not any("<img" in body for body in facts)
