"""The scripts of a release, run with stand-ins for ssh, docker, curl and aws."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deployment_case import ROOT


@pytest.fixture
def programs(tmp_path: Path):
    """Stand-ins for programs: `make(name, script)`; `run(script, env)` runs one of ours on them.

    Each writes its arguments to the log, one line a call.
    """
    folder = tmp_path / "programs"
    folder.mkdir()
    log = tmp_path / "log"
    log.touch()

    class Programs:
        def make(self, name: str, script: str) -> None:
            path = folder / name
            path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{log}"\n{script}\n')
            path.chmod(0o755)

        def run(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
            kept = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path)}
            command = [str(ROOT / "scripts" / script)]
            return subprocess.run(command, env=kept | env, capture_output=True, text=True)

        @property
        def calls(self) -> list[str]:
            return log.read_text().splitlines()

    return Programs()


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").glob("*.sh")))
def test_scripts_are_sound_bash(script: str) -> None:
    assert subprocess.run(["bash", "-n", str(ROOT / "scripts" / script)]).returncode == 0


class TestMachine:
    IMAGE = "ghcr.io/owner/name@sha256:" + "0" * 64

    @pytest.fixture
    def there(self, tmp_path: Path, programs) -> Path:
        """The machine's folder; ssh and scp go to it on this machine."""
        folder = tmp_path / "there"
        folder.mkdir()
        (folder / ".env").write_text("FACTOR_API_TOKEN=secret\nFACTOR_IMAGE=old\n")
        # ssh: the options end at user@host; the rest is the command, its input the script.
        programs.make("ssh", 'while [ "$1" != me@there ]; do shift; done; shift; exec "$@"')
        programs.make(
            "scp", f'for last; do :; done; cp docker-compose.yml "{folder}/${{last##*/}}"'
        )
        programs.make("docker", f'echo "with $FACTOR_IMAGE" >>"{folder}/images"')
        return folder

    def deploy(self, programs, folder: Path, **env: str):
        given = {"IMAGE": self.IMAGE, "HOST": "there", "USER_NAME": "me", "FOLDER": str(folder)}
        return programs.run("deploy_machine.sh", **given | {"KEY": "k", "KNOWN_HOSTS": "h"} | env)

    def test_brings_compose_file_and_image(self, there: Path, programs) -> None:
        done = self.deploy(programs, there)
        assert done.returncode == 0, done.stderr
        ours = (ROOT / "docker-compose.yml").read_text()
        assert (there / "docker-compose.yml").read_text() == ours
        calls = [call for call in programs.calls if call.startswith("docker")]
        assert [call.split()[2] for call in calls] == ["config", "pull", "up", "up"]
        assert set((there / "images").read_text().splitlines()) == {f"with {self.IMAGE}"}
        # What else is set there stays; the image is kept for the next start.
        env = (there / ".env").read_text()
        assert env == f"FACTOR_API_TOKEN=secret\nFACTOR_IMAGE={self.IMAGE}\n"
        assert (there / ".env").stat().st_mode & 0o777 == 0o600

    def test_an_image_that_cannot_be_had_changes_no_setting(self, there: Path, programs) -> None:
        programs.make("docker", '[ "$2" != pull ]')
        assert self.deploy(programs, there).returncode != 0
        assert "FACTOR_IMAGE=old" in (there / ".env").read_text()
        assert not any(" up " in call for call in programs.calls)

    def test_asks_for_a_host_that_proves_itself(self, there: Path, programs) -> None:
        self.deploy(programs, there)
        for call in programs.calls[:2]:
            assert "StrictHostKeyChecking=yes" in call and "BatchMode=yes" in call

    @pytest.mark.parametrize("name", ["FOLDER", "IMAGE"])
    def test_a_name_that_a_shell_would_read_is_refused(
        self, there: Path, programs, name: str
    ) -> None:
        assert self.deploy(programs, there, **{name: "/x;touch y"}).returncode == 1
        assert programs.calls == []

    def test_the_key_does_not_stay(self, there: Path, programs, tmp_path: Path) -> None:
        (tmp_path / "temporary").mkdir()
        self.deploy(programs, there, TMPDIR=str(tmp_path / "temporary"))
        assert list((tmp_path / "temporary").iterdir()) == []

    @pytest.mark.parametrize("name", ["KEY", "KNOWN_HOSTS", "HOST"])
    def test_what_is_not_set_is_named(self, there: Path, programs, name: str) -> None:
        done = self.deploy(programs, there, **{name: ""})
        assert done.returncode != 0 and name in done.stderr and programs.calls == []


class TestEcs:
    TASK = {
        "taskDefinitionArn": "arn:task/factor:7",
        "family": "factor",
        "revision": 7,
        "status": "ACTIVE",
        "cpu": None,
        "containerDefinitions": [
            {"name": "api", "image": "old"},
            {"name": "signals", "image": "old"},
        ],
    }
    ENV = {"IMAGE": "new", "CLUSTER": "c", "SERVICE": "s", "AWS_REGION": "r"}

    @pytest.fixture
    def aws(self, programs, tmp_path: Path) -> Path:
        if shutil.which("jq") is None:
            pytest.skip("jq is not installed")
        (tmp_path / "task.json").write_text(json.dumps(self.TASK))
        programs.make(
            "aws",
            f"""cd "{tmp_path}"
case "$2" in
describe-services) echo arn:task/factor:7 ;;
describe-task-definition) cat task.json ;;
register-task-definition) cp "${{4#file://}}" registered.json; echo arn:task/factor:8 ;;
esac
[ -z "$AWS_WEB_IDENTITY_TOKEN_FILE" ] || cp "$AWS_WEB_IDENTITY_TOKEN_FILE" identity""",
        )
        return tmp_path / "registered.json"

    def test_every_container_gets_the_image_and_the_service_the_task(
        self, aws: Path, programs
    ) -> None:
        done = programs.run("deploy_ecs.sh", **self.ENV)
        assert done.returncode == 0, done.stderr
        containers = [{"name": "api", "image": "new"}, {"name": "signals", "image": "new"}]
        assert json.loads(aws.read_text()) == {
            "family": "factor",
            "containerDefinitions": containers,
        }
        update, wait = programs.calls[-2:]
        assert (
            "update-service --cluster c --service s --task-definition arn:task/factor:8" in update
        )
        assert wait == "aws ecs wait services-stable --cluster c --services s"

    def test_takes_its_role_by_the_workflows_identity(
        self, aws: Path, programs, tmp_path: Path
    ) -> None:
        programs.make("curl", """echo '{"value": "identity"}'""")
        address = {"ACTIONS_ID_TOKEN_REQUEST_URL": "u", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}
        done = programs.run("deploy_ecs.sh", **self.ENV, **address, AWS_ROLE_ARN="arn:role")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "identity").read_text() == "identity\n"

    def test_a_role_that_cannot_be_had_changes_nothing(self, aws: Path, programs) -> None:
        programs.make("curl", "exit 22")
        address = {"ACTIONS_ID_TOKEN_REQUEST_URL": "u", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}
        done = programs.run("deploy_ecs.sh", **self.ENV, **address, AWS_ROLE_ARN="arn:role")
        assert done.returncode != 0
        assert not any(call.startswith("aws") for call in programs.calls)


class TestStart:
    ENV = {"FACTOR_IMAGE": "image"}

    def stand_ins(self, programs, status: str) -> None:
        programs.make("docker", "")
        programs.make("curl", f'case "$*" in *http_code*) printf {status};; esac')

    def test_is_asked_with_and_without_its_token_and_taken_down(self, programs) -> None:
        self.stand_ins(programs, "401")
        done = programs.run("start_image.sh", **self.ENV)
        assert done.returncode == 0, done.stderr
        assert "--wait" in programs.calls[0] and programs.calls[-1].endswith("down --volumes")
        assert "factor-investing-start" in programs.calls[-1]

    def test_an_endpoint_that_asks_for_no_token_fails(self, programs) -> None:
        self.stand_ins(programs, "200")
        assert programs.run("start_image.sh", **self.ENV).returncode == 1
        assert programs.calls[-1].endswith("down --volumes")
