"""Dockerfile, compose file and workflows as data, and where their linters are."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:?[-?])([^}]*))?\}")


def linter(name: str) -> str:
    """The linter's program beside this interpreter; the test is skipped where there is none."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}")
    if found is None:
        pytest.skip(f"{name} is not installed: pip install -r requirements.txt")
    return found


def linted(*command: str) -> str:
    """What a linter has to say; empty where it is content."""
    done = subprocess.run([linter(command[0]), *command[1:]], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def interpolated(text: str, env: dict[str, str]) -> str:
    """A compose file as compose reads it with these variables.

    Raises
    ------
    KeyError
        If one is asked for with ``:?`` and is absent or empty.
    """

    def value(found: re.Match[str]) -> str:
        name, sign, given = found.groups()
        known = env.get(name)
        if sign is None or (known is not None and (known or not sign.startswith(":"))):
            return known or ""
        if sign.endswith("?"):
            raise KeyError(name)
        return given

    return _VARIABLE.sub(value, text)


def compose(env: dict[str, str] | None = None) -> dict[str, Any]:
    """The compose file with a token and these variables."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    return yaml.safe_load(interpolated(text, {"FACTOR_API_TOKEN": "secret"} | (env or {})))


def workflow(name: str) -> dict[str, Any]:
    """A workflow; YAML 1.1 takes its key ``on`` for true."""
    text = (ROOT / f".github/workflows/{name}.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def replay_script() -> ModuleType:
    """``scripts/replay_dockerfile.py`` as a module."""
    path = ROOT / "scripts/replay_dockerfile.py"
    spec = importlib.util.spec_from_file_location("replay_dockerfile", path)
    module = importlib.util.module_from_spec(spec)
    # Its dataclass looks the module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
