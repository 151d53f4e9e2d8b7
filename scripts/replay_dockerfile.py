"""Do what the Dockerfile says in a clean folder and environment, without a container engine.

python scripts/replay_dockerfile.py [--installed] [--run "python -m runs.signals --offline"]

Copies what .dockerignore leaves, installs what is pinned into an environment of its own, starts
the command, asks the health check, runs further commands if asked to, and sees to it that none
of them wrote outside the folders that are volumes. What a folder cannot stand in for is left out
and named: the base image (this interpreter and system take its place) and users with their files.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Stage", "allowed", "instructions", "main", "replay"]

ROOT = Path(__file__).resolve().parent.parent
#: Commands about users, whom a folder does not have.
_LEFT_OUT = ("groupadd", "useradd", "chown")
#: Places that are volumes or temporary when the image runs; the rest of it is read-only.
_WRITABLE = ("/app/outputs", "/app/data", "/tmp")
_SECONDS_TO_START = 60.0


@dataclass
class Stage:
    """One stage of the image: a folder that stands for its root, and what was said of it."""

    root: Path
    workdir: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def place(self, path: str) -> Path:
        """Where a path of the image is."""
        return self.root / os.path.normpath(os.path.join(self.workdir, path)).lstrip("/")

    def relocated(self, text: str) -> str:
        """A text in which the image's own folders are those below `root`."""
        own = "|".join(sorted(name.name for name in self.root.iterdir() if name.name != "tmp"))
        if not own:
            return text
        return re.sub(rf"(?<![\w./])/(?=(?:{own})\b)", f"{self.root}/", text)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """(word, rest) of each instruction of a Dockerfile, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.strip()


def allowed(path: str, patterns: Sequence[str]) -> bool:
    """Whether a .dockerignore lets a file into the context: the last pattern that fits decides.

    A pattern fits a file if it fits the file or a folder that the file is in.
    """
    parts = path.split("/")
    heads = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    inside = True
    for pattern in patterns:
        bare = pattern.removeprefix("!").strip("/")
        if any(_expression(bare).fullmatch(head) for head in heads):
            inside = pattern.startswith("!")
    return inside


def _expression(pattern: str) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return re.compile(text.replace(r"\*", "[^/]*").replace(r"\?", "[^/]"))


def context_files(context: Path) -> list[str]:
    """Files of a folder that go to the builder, sorted."""
    lines = (context / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    # Version control and environments are large, and no pattern could let a part of them in.
    skipped = (".git", ".venv", ".venv-peers", "outputs")
    found = []
    for folder, names, files in os.walk(context):
        here = Path(folder).relative_to(context)
        names[:] = [name for name in names if here != Path() or name not in skipped]
        found += [(here / name).as_posix() for name in files]
    return sorted(path for path in found if allowed(path, patterns))


def replay(context: Path, scratch: Path, installed: bool) -> Stage:
    """Build every stage below `scratch`; returns the last one.

    Parameters
    ----------
    context : Path
        Folder with Dockerfile and .dockerignore.
    scratch : Path
        An empty folder.
    installed : bool
        Whether packages of this interpreter stand in for those that pip would install.

    Raises
    ------
    SystemExit
        If a step fails, naming it.
    """
    files, stages, stage = context_files(context), {}, None
    for word, rest in instructions((context / "Dockerfile").read_text(encoding="utf-8")):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stage = stages[name] = Stage(scratch / (name or f"stage-{len(stages)}"))
            (stage.root / "tmp").mkdir(parents=True)
            _tell(f"FROM {base.split('@')[0]}: Python {sys.version.split()[0]} stands in")
        elif word == "WORKDIR":
            stage.workdir = os.path.join(stage.workdir, rest)
            stage.place(".").mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            _copy(stage, rest, context, files, stages)
        elif word == "ENV":
            _set(stage, rest)
        elif word == "RUN":
            _run(stage, rest, installed)
        elif word in ("CMD", "HEALTHCHECK", "USER", "EXPOSE"):
            stage.said[word] = rest
        elif word != "LABEL":
            raise SystemExit(f"{word} is not replayed: {rest}")
    return stage


def _copy(
    stage: Stage, rest: str, context: Path, files: Sequence[str], stages: dict[str, Stage]
) -> None:
    words = [word for word in rest.split() if not word.startswith("--chown")]
    origin = next((word for word in words if word.startswith("--from=")), None)
    *sources, target = [word for word in words if not word.startswith("--")]
    for source in sources:
        if origin:
            found = stages[origin.removeprefix("--from=")].place(source)
            shutil.copytree(found, stage.place(target), symlinks=True)
            continue
        name = source.strip("/")
        pairs = [(path, path.removeprefix(f"{name}/")) for path in files if _is_in(path, name)]
        if not pairs:
            raise SystemExit(f"COPY {source}: not there, or left out by .dockerignore")
        for path, below in pairs:
            place = stage.place(target) / (below if below != path else Path(path).name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(context / path, place)
    _tell(f"COPY {rest}")


def _is_in(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}/")


def _set(stage: Stage, rest: str) -> None:
    for pair in shlex.split(rest):
        name, _, value = pair.partition("=")
        known = stage.env.get("PATH", os.environ["PATH"])
        stage.env[name] = stage.relocated(value).replace("$PATH", known)


def _run(stage: Stage, rest: str, installed: bool) -> None:
    for part in (part.strip() for part in rest.split("&&")):
        words = shlex.split(part)
        if words[0] in _LEFT_OUT:
            _tell(f"left out: {' '.join(words)}")
            continue
        if installed and words[:3] == ["python", "-m", "pip"]:
            _stand_in(stage)
            continue
        _tell(f"RUN {' '.join(words)}")
        # Base images have it; what is told by its name must be there to be told.
        (stage.root / "opt").mkdir(exist_ok=True)
        command = ["sh", "-e", "-c", stage.relocated(part)]
        done = subprocess.run(command, cwd=stage.place("."), env=_building(stage))
        if done.returncode:
            raise SystemExit(f"RUN {part}: exit code {done.returncode}")


def _building(stage: Stage) -> dict[str, str]:
    """The environment of a RUN: pip's settings are this machine's, `python` is this one."""
    shim = stage.root.parent / "interpreter"
    if not shim.exists():
        shim.mkdir()
        (shim / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (shim / "python").chmod(0o755)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    return kept | stage.env | {"PATH": f"{shim}:{stage.env.get('PATH', os.environ['PATH'])}"}


def _stand_in(stage: Stage) -> None:
    """Let the image's environment see what this interpreter has installed."""
    (site,) = stage.place("/opt/venv").glob("lib/python*/site-packages")
    places = [place for place in sys.path if place.endswith("-packages")]
    (site / "installed.pth").write_text("\n".join(places) + "\n", encoding="utf-8")
    _tell("left out: pip install (packages of this interpreter stand in)")


def serve(stage: Stage) -> None:
    """Start the image's command and ask its health check until it passes.

    Raises
    ------
    SystemExit
        If it does not, or the image would run as root.
    """
    user = stage.said.get("USER", "0").split(":")[0]
    if user in ("0", "root"):
        raise SystemExit("the image would run as root")
    ports = {port: _free_port() for port in stage.said.get("EXPOSE", "").split()}
    command = _moved(json.loads(stage.said["CMD"]), ports)
    check = _moved(json.loads(stage.said["HEALTHCHECK"].partition("CMD ")[2]), ports)
    _tell(f"CMD {' '.join(command)}")
    settings = {"cwd": stage.place("."), "env": _running(stage)}
    process = subprocess.Popen(_found(stage, command), **settings)
    try:
        started = time.monotonic()
        while subprocess.run(
            _found(stage, check), stderr=subprocess.DEVNULL, **settings
        ).returncode:
            if process.poll() is not None:
                raise SystemExit(f"CMD: ended with exit code {process.returncode}")
            if time.monotonic() - started > _SECONDS_TO_START:
                raise SystemExit("HEALTHCHECK: not healthy")
            time.sleep(0.3)
        _tell(f"HEALTHCHECK: healthy after {time.monotonic() - started:.1f} s")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _running(stage: Stage) -> dict[str, str]:
    """The environment of a container: nothing of this machine's but its temporary folder."""
    scratch = stage.root / "tmp"
    moved = {name: text.replace("/tmp", str(scratch)) for name, text in stage.env.items()}
    # The paths of the folder itself may hold the word.
    moved["PATH"] = stage.env.get("PATH", os.environ["PATH"])
    return moved | {"LANG": "C.UTF-8", "TMPDIR": str(scratch)}


def _found(stage: Stage, command: Sequence[str]) -> list[str]:
    """The program as the image's PATH gives it: that of this process is another one."""
    program = shutil.which(command[0], path=stage.env.get("PATH"))
    if program is None:
        raise SystemExit(f"{command[0]} is not in the image")
    return [program, *command[1:]]


def _moved(command: Sequence[str], ports: dict[str, int]) -> list[str]:
    """A command on free ports of this machine alone."""
    moved = []
    for word in command:
        for port, free in ports.items():
            word = re.sub(rf"\b{port}\b", str(free), word)
        moved.append(word.replace("0.0.0.0", "127.0.0.1"))
    return moved


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _content(stage: Stage) -> dict[str, int]:
    """Files that must stay as they are, with their times of change."""
    writable = [stage.root / path.lstrip("/") for path in _WRITABLE]
    files = (path for path in stage.root.rglob("*") if path.is_file() and not path.is_symlink())
    return {
        str(path.relative_to(stage.root)): path.stat().st_mtime_ns
        for path in files
        if not any(place in path.parents for place in writable)
    }


def _tell(text: str) -> None:
    print(f"  {text}", flush=True)


def build_parser() -> argparse.ArgumentParser:
    """The script's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--context", type=Path, default=ROOT, help="folder with the Dockerfile")
    parser.add_argument(
        "--installed", action="store_true", help="install nothing: use this interpreter's packages"
    )
    parser.add_argument(
        "--run", action="append", default=[], metavar="COMMAND", help="run this in the image, too"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Replay and serve: 0 on success, 1 with the step that failed."""
    arguments = build_parser().parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        stage = replay(arguments.context, Path(scratch), arguments.installed)
        before = _content(stage)
        serve(stage)
        for command in arguments.run:
            _tell(f"run: {command}")
            words = _found(stage, shlex.split(command))
            done = subprocess.run(words, cwd=stage.place("."), env=_running(stage))
            if done.returncode:
                raise SystemExit(f"{command}: exit code {done.returncode}")
        after = _content(stage)
        strange = sorted(path for path in after if before.get(path) != after[path])
        if strange:
            raise SystemExit(f"written in a part of the image that is read-only: {strange[0]}")
        size = sum(path.stat().st_size for path in stage.root.rglob("*") if path.is_file())
        _tell(f"{len(after)} files, {size / 1e6:.0f} MB on top of the base image")
    return 0


if __name__ == "__main__":
    sys.exit(main())
