"""Every template compiles, renders in every language from a sample, keeps to the content security policy, and says
nothing that is not translated."""

from __future__ import annotations

import gettext
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from ar.core.i18n import read_catalogue, read_room
from ar.core.render import Renderer, template_folder
from tests.house.markup import Markup
from tests.house.samples import samples
from tests.house.sentences import marked_sentences

FOLDER = template_folder()
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.suffix in (".html", ".txt"))
LANGUAGES = sorted({"en", *(path.name for path in (FOLDER / "locales").iterdir())})
PERCENTS = re.compile(r"%(?:\((\w+)\)[sd]|(%)|)")


def is_part(name: str) -> bool:
    """Frames, macros and other pieces that are rendered as parts of pages."""
    return (
        name.startswith(("base/", "messages/parts/", "messages/layout."))
        or name.endswith("/frame.html")
        or Path(name).name.startswith("_")
    )


PAGES = [name for name in TEMPLATES if not is_part(name) and not name.startswith("messages/")]
KINDS = sorted({name.split("/")[1] for name in TEMPLATES if name.startswith("messages/") and not is_part(name)})
PAGE_SAMPLES = [name for name in samples() if not name.startswith("messages/")]
MESSAGE_SAMPLES = [name for name in samples() if name.startswith("messages/")]


class Unfound(gettext.NullTranslations):
    """Answers for the sentences that a catalogue lacks, and remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: set[str] = set()

    def gettext(self, message: str) -> str:
        self.sentences.add(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.sentences.add(msgid1)
        return msgid1


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture(scope="module")
def unfound(renderer: Renderer) -> dict[str, Unfound]:
    made = {}
    for language in LANGUAGES:
        if language != "en":
            made[language] = Unfound()
            renderer.catalogues[language].add_fallback(made[language])
    return made


@pytest.fixture(scope="module", params=[language for language in LANGUAGES if language != "en"])
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return read_catalogue(FOLDER / "locales" / request.param)


@pytest.mark.parametrize("name", TEMPLATES)
def test_compiles(renderer: Renderer, name: str) -> None:
    assert renderer.compiled(name, language="en").name == name


def test_every_page_and_message_has_a_sample() -> None:
    sampled = {name.partition("#")[0] for name in samples()}
    wanted = {*PAGES, *(f"messages/{kind}" for kind in KINDS)}
    assert wanted - sampled == set(), "wants an example of what it is given, in tests/<room>/samples.py"
    fragments = {name for name in TEMPLATES if Path(name).name.startswith("_")}
    assert sampled - wanted - fragments == set(), "a sample of no template"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGE_SAMPLES)
def test_a_page_renders_in_every_language(
    renderer: Renderer, unfound: dict[str, Unfound], name: str, language: str
) -> None:
    template = name.partition("#")[0]
    known = {entry: set(asked.sentences) for entry, asked in unfound.items()}
    read = Markup(renderer.page(template, language=language, **samples()[name]))
    assert read.faults == []
    assert read.language == (None if Path(template).name.startswith("_") else language)
    if language in unfound:
        assert unfound[language].sentences - known[language] == set(), "not translated"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MESSAGE_SAMPLES)
def test_a_message_is_written_in_every_language(renderer: Renderer, name: str, language: str) -> None:
    kind = name.partition("#")[0].removeprefix("messages/")
    for part in ("subject.txt", "body.txt", "body.html"):
        assert (FOLDER / "messages" / kind / language / part).is_file()
    message = renderer.message(kind, language=language, **samples()[name])
    assert message.subject
    assert "\n" not in message.subject
    assert message.text.strip()
    assert "<p" not in message.text
    assert "&amp;" not in message.text + message.subject
    read = Markup(message.html)
    assert [fault for fault in read.faults if "style" not in fault] == []
    assert read.language == language


def _forms(sentence: str | Sequence[str] | None) -> tuple[str, ...]:
    return (sentence or "",) if isinstance(sentence, str | None) else tuple(sentence)


def test_every_marked_sentence_is_translated(catalogue: Catalog) -> None:
    missing = []
    for sentence, place in marked_sentences().items():
        message = catalogue.get(sentence if isinstance(sentence, str) else sentence[:2])
        if message is None or message.fuzzy or not all(_forms(message.string)):
            missing.append(f"{place}: {sentence!r}")
    assert missing == []


def test_placeholders_are_those_of_the_sentence(catalogue: Catalog) -> None:
    for message in catalogue:
        if not message.id:
            continue
        wanted = {place for form in _forms(message.id) for place in _places(form)}
        forms = _forms(message.string)
        assert {place for form in forms for place in _places(form)} == wanted, message.id
        assert len(forms) == (1 if isinstance(message.id, str) else catalogue.num_plurals), message.id


def _places(sentence: str) -> set[str]:
    found = PERCENTS.findall(sentence)
    names = {name for name, _ in found if name}
    assert not names or ("", "") not in found, f"a lone % beside a place (write %%) in {sentence!r}"
    return names


def test_two_rooms_do_not_translate_one_sentence_in_two_ways() -> None:
    for language in LANGUAGES:
        said: dict[object, object] = {}
        for path in sorted((FOLDER / "locales" / language).glob("*.po")):
            for message in read_room(path, language):
                assert said.setdefault(message.id, message.string) == message.string, f"{path}: {message.id}"


@pytest.mark.parametrize("name", [name for name in TEMPLATES if not name.startswith("messages/")])
def test_no_inline_style_or_script(name: str) -> None:
    source = (FOLDER / name).read_text(encoding="utf-8")
    assert not re.search(r"""\s(style|on[a-z]+|hx-on[:\w-]*)\s*=\s*["']""", source)
    assert "<style" not in source
    assert not re.search(r"<script(?![^>]*\ssrc=)", source)
