"""`python -m runs.api`: mistakes exit 2 in three lines, warnings are said, and it ends politely."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from runs import api
from tests.api_case import ROOT, documented, serving, write_outputs

pytest.importorskip("runs.api_app")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a mistake is answered with."""
    assert api.main(list(arguments)) == 2
    text = capsys.readouterr().err.strip()
    assert 1 <= len(text.splitlines()) <= 3
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--outputs", "nowhere"], "--outputs nowhere: no such file or directory"),
        (["--outputs", "README.md"], "--outputs README.md: not a directory"),
        (["--outputs", "docs", "--ledger", "nowhere.db"], "--ledger nowhere.db: no such file"),
        (["--outputs", "docs", "--port", "65536"], "--port 65536 is not a port"),
        (["--outputs", "docs", "--port", "-1"], "--port -1 is not a port"),
        (["--outputs", "docs", "--host", "256.1.1.1"], "cannot listen on 256.1.1.1 port 8000"),
        (["--outputs", "docs", "--cors", "*"], "--cors '*' is not the origin of a page"),
        (["--outputs", "docs", "--cors", "https://a.org/x"], "--cors 'https://a.org/x' is not"),
        (["--allow-host", "a.org", "a.org:80"], "--allow-host 'a.org:80' is not the name of"),
        (["--allow-host", "https://a.org"], "--allow-host 'https://a.org' is not the name"),
    ],
)
def test_mistakes_are_told_with_their_remedy(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("FACTOR_API_TOKEN", raising=False)
    told = refused(capsys, *arguments).splitlines()
    assert told[0].startswith(f"error: {said}")
    assert len(told) == 2


@pytest.mark.parametrize("token", ["", " ", "two words", "ümlaut", "line\nbreak"])
def test_a_token_that_cannot_be_sent_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("FACTOR_API_TOKEN", token)
    told = refused(capsys, "--outputs", str(ROOT / "docs"))
    assert "FACTOR_API_TOKEN" in told
    assert not token.strip() or token not in told


def test_a_port_that_is_taken_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FACTOR_API_TOKEN", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = refused(capsys, "--outputs", str(ROOT / "docs"), "--port", port)
    assert f"port {port}: address already in use" in told


def test_it_says_where_it_is_and_ends_when_interrupted(tmp_path: Path) -> None:
    outputs = write_outputs(tmp_path / "outputs")
    with serving(outputs) as running:
        assert running.ask("/v1/health").status == 200
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(timeout=15) == 0
        assert running.log.read_text() == ""


def test_a_server_for_others_warns_of_what_it_lacks(tmp_path: Path) -> None:
    outputs = write_outputs(tmp_path / "outputs")
    with serving(outputs, "--host", "0.0.0.0", "--verbose") as running:
        assert running.ask("/v1/runs", {"Host": "any.example"}).status == 200
        told = running.log.read_text()
    assert "0.0.0.0 can be reached from other machines and no token is asked for" in told
    assert "not encrypted" in told
    assert '"GET /v1/runs HTTP/1.1" 200' in told


def test_with_a_token_others_are_no_surprise(caplog: pytest.LogCaptureFixture) -> None:
    assert api._hosts("0.0.0.0", "0.0.0.0", [], "token") is None
    assert "from other machines" in caplog.text and "no token" not in caplog.text
    assert api._hosts("0.0.0.0", "0.0.0.0", ["A.example"], "token") == ["0.0.0.0", "a.example"]


def test_the_page_shows_every_route_with_its_answer(tmp_path: Path) -> None:
    shown = documented()
    with serving(write_outputs(tmp_path / "outputs")) as running:
        routes = running.ask("/v1/openapi.json").json["paths"]
        assert list(shown) == list(routes)
        for route, (asked, answer) in shown.items():
            if "portfolio" not in route:
                assert running.ask(asked).json == answer, asked


@pytest.mark.parametrize("name", ["a.org", "A-b_c.example", "localhost", "10.0.0.1", "fd00::1"])
def test_names_and_addresses_may_be_allowed(name: str) -> None:
    api._check_names([name])


def test_help_names_the_variable() -> None:
    told = " ".join(api.build_parser().format_help().split())
    assert "FACTOR_API_TOKEN" in told


def test_the_command_loads_no_server_before_it_needs_one() -> None:
    script = (
        "import sys, runs.api\n"
        "print(sorted({'fastapi', 'uvicorn', 'starlette', 'pydantic'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_each_is_imported_in_one_module(package: str) -> None:
    importing = [
        path.name
        for path in sorted((ROOT / "runs").glob("*.py"))
        if re.search(rf"^\s*(from|import) {package}\b", path.read_text(), re.MULTILINE)
    ]
    assert len(importing) == 1
