"""Pages and messages: what a template can say, in which language, and what it can never let through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from ar.core.i18n import typeset
from ar.core.mailstyle import inline, read_rules
from ar.core.render import STATIC, Renderer, asset

PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "Hello %(name)s"
msgstr "Bonjour %(name)s"

msgid "Really?"
msgstr "Vraiment ?"

msgid "%(num)s invoice"
msgid_plural "%(num)s invoices"
msgstr[0] "%(num)s facture"
msgstr[1] "%(num)s factures"
"""

Make = Callable[..., Renderer]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A renderer of a folder that holds the given templates and a little French."""

    def made(files: dict[str, str], default_language: str = "en") -> Renderer:
        for name, text in {"locales/fr/room.po": PO, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Renderer(default_language=default_language, templates=tmp_path)

    return made


def said(make: Make, template: str, language: str = "en", **context: object) -> str:
    return make({"page.html": template}).page("page.html", language=language, **context)


@pytest.mark.parametrize(
    ("template", "english", "french"),
    [
        ("{{ 123450|money('EUR') }}", "€1,234.50", "1\u202f234,50\u00a0€"),
        ("{{ 123450|money('JPY') }}", "¥123,450", "123\u202f450\u00a0JPY"),
        ("{{ money(-1234567, 'KWD') }}", "-KWD\u00a01,234.567", "-1\u202f234,567\u00a0KWD"),
        ("{{ 123456700|compact_money('EUR') }}", "€1.2M", "1,2\u00a0M\u00a0€"),
        ("{{ on|day }}", "1 September 2026", "1er septembre 2026"),
        ("{{ on|short_day }}", "1 Sep 2026", "1 sept. 2026"),
        ("{{ on|month }}", "Sep 2026", "sept. 2026"),
        ("{{ at|instant('Europe/Paris') }}", "28 Mar 2026, 23:30", "28 mars 2026, 23:30"),
        ("{{ 1234.5|number }} {{ 2|number(2) }}", "1,234.5 2.00", "1\u202f234,5 2,00"),
        ("{{ share|percent }} {{ 1|percent(0) }}", "88.3% 100%", "88,3\u202f% 100\u202f%"),
        ("{{ 12345|compact }}", "12.3K", "12,3\u00a0k"),
        ("{{ language }} {{ languages|length }}", "en 2", "fr 2"),
        ("{{ _('Hello %(name)s', name='Ada') }}", "Hello Ada", "Bonjour Ada"),
        ("{{ _('Really?') }}", "Really?", "Vraiment\u202f?"),
        ("{{ ngettext('%(num)s invoice', '%(num)s invoices', 0) }}", "0 invoices", "0 facture"),
        ("{{ ngettext('%(num)s invoice', '%(num)s invoices', 2) }}", "2 invoices", "2 factures"),
        ("{{ _('Not translated') }}{{ _('') }}", "Not translated", "Not translated"),
    ],
)
def test_each_language_writes_its_own_way(make: Make, template: str, english: str, french: str) -> None:
    context = {"on": date(2026, 9, 1), "at": datetime(2026, 3, 28, 22, 30, tzinfo=UTC), "share": Decimal("0.883")}
    assert said(make, template, "en", **context) == english
    assert said(make, template, "fr", **context) == french


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Vraiment ?", "Vraiment\u202f?"),
        ("l'avis : « oui » ; 3 %", "l\u2019avis\u00a0: «\u202foui\u202f»\u202f; 3\u202f%"),
        ("de %(a)s à %(b)s, d'%(c)s", "de %(a)s à %(b)s, d\u2019%(c)s"),
        ("3 %% de %(a)s", "3\u202f%% de %(a)s"),
        ("à 14:05, http://ar.example/?a=1", "à 14:05, http://ar.example/?a=1"),
    ],
)
def test_french_is_typeset(typed: str, printed: str) -> None:
    assert typeset(typed, "fr") == printed
    assert typeset(typed, "en") == typed


def test_text_from_outside_is_escaped_also_inside_a_translation(make: Make) -> None:
    hostile = "<script>alert(1)</script>&"
    escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&amp;"
    assert said(make, "{{ x }}", x=hostile) == escaped
    assert said(make, "{{ _('Hello %(name)s', name=x) }}", "fr", x=hostile) == f"Bonjour {escaped}"
    assert said(make, "{{ csrf_field() }}", csrf_token='"><b>').count("<b>") == 0


def test_a_sentence_out_of_a_variable_is_escaped_and_may_hold_a_percent_sign(make: Make) -> None:
    assert said(make, "{{ _(x) }}", x="<b> 5 % off") == "&lt;b&gt; 5 % off"
    assert said(make, "{{ _('5 %% of %(x)s', x=x) }} {{ _('5 %%') }}", x="<") == "5 % of &lt; 5 %"
    assert make({"page.txt": "{{ _('R&D %(x)s', x='<') }}"}).page("page.txt", language="en") == "R&D <"


def test_text_from_outside_is_never_run_as_a_template(make: Make) -> None:
    assert said(make, "{{ x }}", x="{{ 7*7 }}{% raw %}") == "{{ 7*7 }}{% raw %}"


def test_a_name_that_nobody_gave_is_an_error(make: Make) -> None:
    with pytest.raises(UndefinedError):
        said(make, "{{ nobody }}")
    with pytest.raises(TemplateNotFound):
        make({}).page("none.html", language="en")


@pytest.mark.parametrize(
    ("wanted", "answered"),
    [("fr", "fr"), ("fr-CA", "fr"), ("FR_fr", "fr"), ("de", "en"), ("", "en"), (None, "en"), ("../fr", "en")],
)
def test_an_unknown_language_is_answered_in_the_default_one(make: Make, wanted: str | None, answered: str) -> None:
    assert make({}).language(wanted) == answered


def test_a_default_language_that_is_not_there_is_refused(make: Make) -> None:
    with pytest.raises(ValueError, match="de"):
        make({}, default_language="de")


def message_files(kind: str, language: str, subject: str = "Hi {{ name }}", body: str = "{{ name }}") -> dict[str, str]:
    folder = f"messages/{kind}/{language}"
    return {
        f"{folder}/subject.txt": f"\n  {subject}\n",
        f"{folder}/body.txt": f"\n{body}\n\n\n\nBye {{{{ language }}}}\n",
        f"{folder}/body.html": "<p>{{ name }} {{ _('Hello %(name)s', name=name) }}</p>",
    }


def test_a_message_has_a_subject_of_one_line_and_two_bodies(make: Make) -> None:
    message = make(message_files("hello", "en")).message("hello", language="en", name="A & B")
    assert message.subject == "Hi A & B"
    assert message.text == "A & B\n\nBye en\n"
    assert message.html == "<p>A &amp; B Hello A &amp; B</p>"


@pytest.mark.parametrize("breaks", ["\r\nBcc: x@evil.example", "\n", "\x00", "\u2028", "\x85", "\x0b", "\x1b[2J"])
def test_a_subject_takes_no_line_break_from_outside(make: Make, breaks: str) -> None:
    subject = make(message_files("hello", "en")).message("hello", language="en", name=f"A{breaks}B").subject
    assert all(character.isprintable() for character in subject)
    assert len(subject.splitlines()) == 1


def test_a_subject_keeps_the_spaces_of_french_typography(make: Make) -> None:
    files = message_files("hello", "fr", subject="{{ 123450|money('EUR') }}")
    assert make(files).message("hello", language="fr", name="x").subject == "1\u202f234,50\u00a0€"


def test_a_message_not_written_in_a_language_comes_whole_in_the_default_one(make: Make) -> None:
    renderer = make(message_files("hello", "en"))
    assert renderer.message("hello", language="fr", name="Ada") == renderer.message("hello", language="en", name="Ada")
    with pytest.raises(TemplateNotFound):
        renderer.message("none", language="fr")


def test_code_speaks_the_same_languages(make: Make) -> None:
    assert make({}).text("Hello %(name)s", language="fr-BE", name="<Ada>") == "Bonjour <Ada>"


def test_an_asset_is_addressed_by_its_content() -> None:
    assert asset("app.css").startswith("/static/app.css?v=")
    assert asset("app.css") != asset("app.js")
    with pytest.raises(FileNotFoundError):
        asset("none.css")
    assert (STATIC / "app.css").read_text().count("\n") < 600


CSS = """/* words */ p { margin: 0;
  color: red; } .button { font-family: "A B"; } td { padding: 1px; }"""


@pytest.mark.parametrize(
    ("source", "styled"),
    [
        ("<p>x</p>", '<p style="margin: 0; color: red;">x</p>'),
        (
            '<a class="button" href="{{ link }}">x</a>',
            '<a class="button" href="{{ link }}" style="font-family: \'A B\';">x</a>',
        ),
        ('<p class="none button">', '<p class="none button" style="margin: 0; color: red; font-family: \'A B\';">'),
        ('<td style="padding:9px">', '<td style="padding:9px">'),
        ("<b>x</b> a < b {{ p > 1 }}", "<b>x</b> a < b {{ p > 1 }}"),
    ],
)
def test_a_message_carries_its_styles_on_its_elements(source: str, styled: str) -> None:
    assert inline(source, read_rules(CSS)) == styled


def test_only_messages_have_styles_put_in(make: Make) -> None:
    files = {"messages/styles.css": CSS, "page.html": "<p>x</p>", **message_files("hello", "en")}
    renderer = make(files)
    assert renderer.page("page.html", language="en") == "<p>x</p>"
    assert renderer.message("hello", language="en", name="x").html.startswith('<p style="margin: 0;')
