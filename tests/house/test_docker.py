"""No Docker engine is needed to see that the image and the compose file say what they should."""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from ar.cli import app
from ar.core.settings import Settings
from tests.databases import Postgres

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker/compose.yaml"
SETTINGS = {f"AMIABLE_{name.upper()}" for name in Settings.model_fields}
OURS = ("migrate", "api", "worker", "scheduler")


def instructions(text: str) -> list[tuple[str, str]]:
    """(instruction, rest) for each of a Dockerfile, continuation lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(word.upper(), rest.strip()) for word, _, rest in (line.strip().partition(" ") for line in joined)]


@pytest.fixture(scope="module")
def image() -> list[tuple[str, str]]:
    return instructions((ROOT / "docker/Dockerfile").read_text())


@pytest.fixture(scope="module")
def final(image: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The instructions of the last stage, the one that runs."""
    start = max(n for n, (word, _) in enumerate(image) if word == "FROM")
    return image[start:]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load(COMPOSE.read_text())
    assert isinstance(loaded, dict)
    return loaded


def every(given: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in given if name == word]


def exec_form(rest: str) -> list[str]:
    found = yaml.safe_load(rest)
    assert isinstance(found, list), f"not in exec form: {rest}"
    return [str(part) for part in found]


def test_bases_are_slim_pinned_and_named_without_a_host(image: list[tuple[str, str]]) -> None:
    bases = [rest.split(" ")[0] for rest in every(image, "FROM")]
    assert set(bases) == {"python:3.11-slim"}
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert requires == ">=3.11"


def test_nothing_is_fetched_by_url_and_no_secret_is_baked_in(image: list[tuple[str, str]]) -> None:
    assert every(image, "ADD") == []
    assert not any("://" in rest and "file://" not in rest for word, rest in image if word in ("COPY", "RUN"))
    baked = " ".join(every(image, "ENV") + every(image, "ARG"))
    assert not re.search(r"SECRET|PASSWORD|TOKEN", baked)
    assert set(re.findall(r"AMIABLE_[A-Z_]+", baked)) <= SETTINGS


def test_image_is_built_from_the_lock(image: list[tuple[str, str]]) -> None:
    builds = " ".join(every(image, "RUN"))
    assert "--constraints requirements.lock" in builds
    assert "amiable[postgres]" in builds


def test_runs_as_nobody_in_particular_with_a_health_check(final: list[tuple[str, str]]) -> None:
    words = [word for word, _ in final]
    assert words.index("USER") < words.index("CMD")
    [user] = every(final, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), "a number, so that an orchestrator can see it is not root"
    assert every(final, "EXPOSE") == ["8000"]
    [check] = every(final, "HEALTHCHECK")
    program = exec_form(check[check.index("CMD") + 3 :])
    assert program[:2] == ["python", "-c"]
    assert "127.0.0.1:8000/health" in program[2]
    compile(program[2], "healthcheck", "exec")
    [command] = every(final, "CMD")
    assert exec_form(command)[:2] == ["amiable", "serve"]


def test_build_context_holds_what_the_wheel_needs_and_nothing_else(image: list[tuple[str, str]]) -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "**", "everything is left out that is not named"
    kept = {line[1:] for line in lines if line.startswith("!")}
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = build["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {
        *packages,
        "templates",
        "pyproject.toml",
        "hatch_build.py",
        "package-lock.json",
        "requirements.lock",
    } <= kept
    assert not {"var", ".git", ".venv", "tests"} & kept


def test_services_and_what_they_wait_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"database", "mail", *OURS}
    assert services["database"]["image"] == "postgres:15"
    assert "healthcheck" in services["database"]
    waits = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    assert waits["migrate"] == {"database": "service_healthy"}
    for name in ("api", "worker", "scheduler"):
        assert waits[name]["migrate"] == "service_completed_successfully"
    for name, others in waits.items():
        assert set(others) <= set(services), name
        for other, condition in others.items():
            checked = "healthcheck" in services[other] and not services[other]["healthcheck"].get("disable")
            assert condition != "service_healthy" or checked, (
                f"{name} waits for the health of {other}, which has no check"
            )
    mounted = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    assert mounted == set(compose["volumes"])


def test_our_services_are_hardened_and_share_one_environment(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["environment"] == services["api"]["environment"]
        assert service["build"] == {"context": "..", "dockerfile": "docker/Dockerfile"}
        assert (ROOT / "docker" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published, "somebody must be able to open the page"
    assert all(port.startswith("127.0.0.1:") for port in published), "nothing is open to the network by default"


def test_every_variable_is_a_setting_and_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    text = COMPOSE.read_text()
    assert set(re.findall(r"AMIABLE_[A-Z_]+", text)) <= SETTINGS
    for name, rule in interpolations(compose["services"]):
        if re.search(r"SECRET|PASSWORD", name):
            assert rule.startswith(":?") or rule == ":-", f"{name} has a default"
    required = {name for name, rule in interpolations(compose["services"]) if rule.startswith(":?")}
    assert required == {"POSTGRES_PASSWORD", "AMIABLE_SECRET_KEY"}


def interpolations(value: object) -> Iterator[tuple[str, str]]:
    """(variable, rule) of each ${VARIABLE...} anywhere inside a loaded compose file."""
    if isinstance(value, str):
        yield from re.findall(r"\$\{([A-Z_]+)([^}]*)\}", value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from interpolations(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from interpolations(inner)


def environment(compose: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """The environment of our services with `given` in the operator's, the way compose fills it in."""

    def fill(match: re.Match[str]) -> str:
        name, rule = match.groups()
        return given.get(name) or (rule[2:] if rule.startswith(":-") else "")

    found = compose["services"]["api"]["environment"]
    return {key: re.sub(r"\$\{([A-Z_]+)([^}]*)\}", fill, str(value)) for key, value in found.items()}


def test_settings_accept_the_environment_as_it_is_filled_in(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(compose, {"POSTGRES_PASSWORD": "pw", "AMIABLE_SECRET_KEY": "key"}).items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.database == "postgresql+psycopg://amiable:pw@database:5432/amiable"
    assert settings.signing_key == "key"
    assert settings.smtp_url == "smtp://mail:1025"
    assert not settings.stripe_secret_key, "an empty key is no key: payments go to the test gateway"


def test_images_of_others_are_pinned(compose: dict[str, Any]) -> None:
    for name in ("database", "mail"):
        image = compose["services"][name]["image"]
        repository, _, tag = image.partition(":")
        assert tag
        assert tag != "latest"
        assert "." not in repository.split("/")[0], "named without a registry's host"


def test_commands_are_written_as_lists(compose: dict[str, Any]) -> None:
    for name in OURS:
        command = compose["services"][name]["command"]
        assert command[0] == "amiable"
        assert command[1] in {str(one.name or one.callback.__name__) for one in app.registered_commands if one.callback}
        assert shlex.split(shlex.join(command)) == command


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(question: Callable[[], object], *, seconds: float, told: Callable[[], str]) -> None:
    """Ask until the answer is yes; fails with what `told` says when it never is."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            pytest.fail(told())
        time.sleep(0.1)


@pytest.mark.postgres
def test_each_service_runs_by_its_command(
    compose: dict[str, Any], final: list[tuple[str, str]], postgres: Postgres, tmp_path: Path
) -> None:
    """The processes of the compose file, against one fresh database: migrated, served, ticked, worked, healthy."""
    port = str(free_port())
    with postgres.clone(empty=True) as url, ExitStack() as stack:
        given = environment(compose, {"POSTGRES_PASSWORD": "pw", "AMIABLE_SECRET_KEY": "a long random text"})
        given |= {"AMIABLE_DATABASE_URL": url, "AMIABLE_VAR_DIR": str(tmp_path), "AMIABLE_SMTP_URL": ""}
        paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        surroundings = {**os.environ, **given, "PATH": paths}

        def command(name: str) -> list[str]:
            return [port if word == "8000" else word for word in compose["services"][name]["command"]]

        subprocess.run(command("migrate"), env=surroundings, check=True, capture_output=True, timeout=60)
        logs = {name: tmp_path / f"{name}.log" for name in ("api", "worker", "scheduler")}
        started = {}
        for name, log in logs.items():
            output = stack.enter_context(log.open("wb"))
            started[name] = subprocess.Popen(command(name), env=surroundings, stdout=output, stderr=output)
            stack.callback(started[name].wait)
            stack.callback(started[name].kill)

        def told() -> str:
            return "\n".join(f"{name}: {log.read_text()[-2000:]}" for name, log in logs.items())

        [check] = every(final, "HEALTHCHECK")
        probe = [word.replace(":8000/", f":{port}/") for word in exec_form(check[check.index("CMD") + 3 :])]
        probe[0] = sys.executable
        eventually(lambda: subprocess.run(probe, capture_output=True).returncode == 0, seconds=30, told=told)

        def a_job_is_done() -> bool:
            with psycopg.connect(url) as connection:
                return bool(connection.execute("SELECT count(*) FROM job WHERE state = 'done'").fetchone() != (0,))

        eventually(a_job_is_done, seconds=30, told=told)
        assert {name: process.poll() for name, process in started.items()} == dict.fromkeys(logs), told()
        for process in started.values():
            process.terminate()
        for process in started.values():
            process.wait(timeout=20)
