"""What the documentation says is true: its links, its commands, the tests it names, and the API's examples."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from sqlmodel import Session, select
from typer.main import get_command

from ar import cli
from ar.core import clock
from ar.core.access.keys import create_key
from ar.core.access.models import Role, User
from ar.core.access.permissions import permissions_of
from ar.core.access.principals import Person, Principal
from ar.core.kernel import Kernel
from ar.core.settings import Settings
from ar.demo import command
from tests.browser import served

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
HEADINGS = ["Status", "Context", "Choice", "Alternatives"]

HOSTS = re.compile(r"pypi\.(?:org|python)|pythonhosted|npmjs|registry\.(?:yarn|npm)|crates\.io|proxy\.golang", re.I)
MACHINE_PATHS = re.compile(r"(?<![\w.$}])/(?:work|root|home/\w+|Users/\w+)/[\w.-]")
BINARY = {".png", ".ico", ".xlsx", ".db", ".zip", ".mo"}


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_resolves(page: Path) -> None:
    broken = [link for link in links_of(page) if not resolves(page, link)]
    assert broken == []


def links_of(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]


def resolves(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not anchor or anchor in {slug(line) for line in headings_of(target)}


def headings_of(page: Path, level: str = "#+") -> list[str]:
    return re.findall(rf"^{level} (.+)$", page.read_text(encoding="utf-8"), flags=re.M)


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_named_exists(page: Path) -> None:
    wrong = [line for line in commands_of(page.read_text(encoding="utf-8")) if (fault := fault_of(line)) and fault]
    assert wrong == []


def commands_of(text: str) -> list[str]:
    """What follows `amiable` in code: a line of a block, or a span that begins with it."""
    blocks = re.findall(r"^(?:\.venv/bin/)?amiable ([^#\n]+)", "\n".join(re.findall(r"```.*?```", text, re.S)), re.M)
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    return blocks + re.findall(r"`(?:\.venv/bin/)?amiable ([^`]+)`", prose)


def fault_of(line: str) -> str | None:
    """Why the command line is none, or None: an unknown command, or an option that the command does not have."""
    words = shlex.split(line.replace("\n", " "))
    found = get_command(cli.app)
    while words and (inner := getattr(found, "commands", {}).get(words[0])) is not None:
        found, words = inner, words[1:]
    if getattr(found, "commands", None):
        return f"no command: {line}"
    options = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
    return f"{line}: no option {unknown[0]}" if unknown else None


def test_a_command_that_is_not_there_is_found() -> None:
    assert commands_of("See `amiable import invoices FILE`.\n```sh\namiable fly --high\n```") == [
        "fly --high",
        "import invoices FILE",
    ]
    assert fault_of("import invoices FILE --json") is None
    assert fault_of("serve --with-scheduler") is None
    for line in ("fly", "import", "import moons", "serve --with-wings"):
        assert fault_of(line)


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/decisions/0*.md")), ids=lambda page: page.name[:4])
def test_every_decision_has_its_four_parts_and_is_listed(page: Path) -> None:
    assert headings_of(page, "##") == HEADINGS
    assert headings_of(page, "#")[0].startswith(f"{page.name[:4]}. ")
    assert page.name in links_of(page.parent / "README.md")


def test_glossary_is_in_order_and_says_each_term_once() -> None:
    terms = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.M)[1:]
    assert len(terms) > 30
    assert terms == sorted(set(terms), key=str.casefold)


def test_readme_names_both_commands_and_shows_its_pictures() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "```sh\nmake demo\n```" in readme
    assert "```sh\nmake test\n```" in readme
    pictures = [link for link in links_of(ROOT / "README.md") if link.endswith(".png")]
    assert 0 < len(pictures) <= 6
    assert all((ROOT / picture).stat().st_size < 200_000 for picture in pictures)


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs/index.md"
    reached = {(index.parent / link.partition("#")[0]).resolve() for link in links_of(index)}
    missing = [named(page) for page in ROOT.glob("docs/*.md") if page != index and page.resolve() not in reached]
    assert missing == []


def test_every_test_file_and_module_named_exists() -> None:
    pattern = r"`((?:ar|invoicing|prediction|dunning|selfservice|templates|tests|docker)/[\w/.]+\.\w+)`"
    missing = {
        (named(page), path)
        for page in PAGES
        for path in re.findall(pattern, page.read_text(encoding="utf-8"))
        if not (ROOT / path).exists()
    }
    assert missing == set()


@cache
def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout: git cannot say which files are tracked")
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in told.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_package_host_or_a_path_of_somebodys_machine() -> None:
    found = []
    for path in tracked():
        if path.suffix in BINARY or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{named(path)}: {match}" for match in HOSTS.findall(text)]
        found += [f"{named(path)}: {match}" for match in MACHINE_PATHS.findall(text)]
    assert found == []


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A small demonstration, served: what the API's page tells its reader to export."""
    folder = tmp_path_factory.mktemp("shop")
    settings = command.demo_settings(Settings(var_dir=folder, argon2_memory_kib=8, argon2_rounds=1), port=8000)
    kernel, _, _ = command.make(settings, customers=10, months=3, seed=1, now=clock.now(), out=Console(file=StringIO()))
    with served(kernel) as here:
        yield {
            "BASE": here.settings.base_url,
            "KEY": key_of(
                kernel, Role.CREDIT_MANAGER, ("customers:", "ledger:", "invoices:", "dunning:", "import:", "kpis:")
            ),
            "CASH_KEY": key_of(kernel, Role.CASH, ("cash:",)),
        }
    kernel.database.engine.dispose()


def key_of(kernel: Kernel, role: Role, beginnings: tuple[str, ...]) -> str:
    scopes = sorted(scope for scope in permissions_of(role) if scope.startswith(beginnings))
    with kernel.database.transaction() as session:
        _, token = create_key(session, name="docs", scopes=scopes, creator=principal(session, role), now=NOW)
    return token


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def principal(session: Session, role: Role) -> Principal:
    user = session.exec(select(User).where(User.role == role)).first()
    assert user is not None
    assert user.id is not None
    return Principal(
        actor=f"user:{user.id}",
        language=user.language,
        permissions=permissions_of(role),
        user=Person(user.id, user.email, user.name),
        role=role,
    )


CURL = """
curl() {
  case " $* " in *" --dump-header "*) command curl "$@"; return;; esac
  local status
  status=$(command curl --silent --show-error --max-time 20 --output "$ANSWER" --write-out '%{http_code}' "$@")
  echo "$status $(head -c 300 "$ANSWER")"
}
"""


def test_the_examples_of_the_api_page_work(shop: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    text = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", text, re.S) if "curl" in block]
    assert len(blocks) >= 7
    environment = {"PATH": os.environ["PATH"], "ANSWER": str(tmp_path / "answer"), **shop}
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", CURL + block],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        wanted = "4" if "# refused" in block else "2"
        answers = done.stdout.splitlines()
        assert done.returncode == 0, done.stderr
        assert answers, block
        assert all(answer.startswith(wanted) for answer in answers), f"{block}\n{done.stdout}"
