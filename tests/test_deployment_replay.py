"""The image's steps, replayed in a folder: what is copied, run, asked, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deployment_case import ROOT, replay_script

SCRIPT = replay_script()
CONTEXT = {
    ".dockerignore": "*\n!app.py\n",
    "app.py": """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(STATUS)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
""",
    "secret.txt": "of nobody's concern",
    "Dockerfile": """
FROM python:3.12-slim AS packages
# A comment within.
RUN python -m venv --without-pip /opt/venv \\
    && useradd somebody
FROM python:3.12-slim AS run
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY app.py ./
ENV PATH=/opt/venv/bin:$PATH \\
    HOME=/tmp
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=5s CMD ["python", "-c", \
"import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/')"]
CMD ["python", "app.py", "8000"]
""",
}


def context(folder: Path, **changed: str) -> Path:
    """A context of four files; `changed` holds replacements by old text."""
    folder.mkdir()
    for name, text in CONTEXT.items():
        for old, new in changed.pop("replace", {}).items() if name == "Dockerfile" else ():
            assert old in text
            text = text.replace(old, new)
        (folder / name).write_text(text.replace("STATUS", changed.get("status", "200")))
    return folder


class TestIgnored:
    @pytest.mark.parametrize(
        ("path", "patterns", "inside"),
        [
            ("a/b.py", [], True),
            ("a/b.py", ["*"], False),
            ("a/b.py", ["a"], False),
            ("a/b.py", ["a/*.txt"], True),
            ("a/b.py", ["*.py"], True),
            ("a/b.py", ["**/*.py"], False),
            ("b.py", ["**/*.py"], False),
            # A folder that is let in again brings what is in it; the last word counts.
            ("a/b.py", ["*", "!a/"], True),
            ("a/b.py", ["*", "!a/", "**/b.*"], False),
            ("a/c/__pycache__/b.pyc", ["*", "!a", "**/__pycache__/"], False),
            ("ab/c.py", ["*", "!a"], False),
        ],
    )
    def test_as_the_builder_reads_it(self, path: str, patterns: list[str], inside: bool) -> None:
        assert SCRIPT.allowed(path, patterns) is inside

    def test_of_the_project(self) -> None:
        text = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        patterns = [line for line in text if line and not line.startswith("#")]
        kept = ("runs/api.py", "data/README.md", "docs/api.md", "deploy/packages.txt", "LICENSE")
        assert all(SCRIPT.allowed(path, patterns) for path in kept)
        left = (".env", "own/strategy.yaml", "outputs/paper.db", "tests/test_daily.py", ".git/HEAD")
        left += (
            "runs/.env",
            "data/sp500_crypto/.cache/x.npy",
            "runs/__pycache__/api.pyc",
            "paper.db",
        )
        assert [path for path in left if SCRIPT.allowed(path, patterns)] == []


class TestReplay:
    def test_builds_serves_and_is_healthy(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = context(tmp_path / "context")
        assert SCRIPT.main(["--context", str(folder), "--run", "python -c pass"]) == 0
        told = capsys.readouterr().out
        assert "HEALTHCHECK: healthy" in told and "left out: useradd somebody" in told

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("USER 10001\n", "", "would run as root"),
            ("COPY app.py ./", "COPY app.py secret.txt ./", "COPY secret.txt: not there, or left"),
            ("USER 10001", "RUN false\nUSER 10001", "RUN false: exit code 1"),
            ("USER 10001", "VOLUME /x\nUSER 10001", "VOLUME is not replayed"),
            ('CMD ["python", "app.py"', 'CMD ["python", "nothing.py"', "CMD: ended with exit"),
            ('CMD ["python", "app.py"', 'CMD ["pithon", "app.py"', "pithon is not in the image"),
        ],
    )
    def test_a_step_that_fails_is_named(
        self, tmp_path: Path, old: str, new: str, told: str
    ) -> None:
        folder = context(tmp_path / "context", replace={old: new})
        with pytest.raises(SystemExit, match=told):
            SCRIPT.main(["--context", str(folder)])

    def test_what_is_not_healthy_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(SCRIPT, "_SECONDS_TO_START", 1.0)
        with pytest.raises(SystemExit, match="not healthy"):
            SCRIPT.main(["--context", str(context(tmp_path / "context", status="500"))])

    def test_what_writes_to_the_image_fails(self, tmp_path: Path) -> None:
        folder = context(tmp_path / "context")
        command = "python -c \"open('new', 'w')\""
        with pytest.raises(SystemExit, match="read-only: app/new"):
            SCRIPT.main(["--context", str(folder), "--run", command])
        allowed = "python -c \"import os; open(os.environ['HOME'] + '/new', 'w')\""
        assert SCRIPT.main(["--context", str(folder), "--run", allowed]) == 0

    def test_of_the_project_with_what_is_installed(self) -> None:
        assert SCRIPT.main(["--installed"]) == 0

    @pytest.mark.exhaustive
    def test_of_the_project_with_what_is_pinned(self) -> None:
        """Minutes long: installs every package of the image, then runs a strategy on them."""
        config = "--config configs/large_caps_bitcoin.yaml --quiet"
        given = ["--run", f"python -m runs.backtest {config}"]
        assert SCRIPT.main([*given, "--run", f"python -m runs.signals {config} --offline"]) == 0
