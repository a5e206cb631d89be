"""What a text of staff cannot do, and how it is told."""

from __future__ import annotations

import pytest

from ar.core.i18n import fill
from dunning.texts.markup import blanked, strange_markup, strange_source
from dunning.texts.samples import hostile, sample
from dunning.texts.sandbox import MAX_SOURCE, Part, TextRefusedError, compiled, rendered
from dunning.texts.speak import Words, make_ready, sandbox_of, speak
from tests.dunning.world import renderer

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ customer.__init__ }}",
    "{{ customer['__class__'] }}",
    "{{ customer|attr('__class__') }}",
    "{{ rows.__class__.__mro__ }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ config }}",
    "{{ cycler }}",
    "{{ lipsum.__globals__ }}",
    "{{ range(9) }}",
    "{% for x in range(999999999) %}x{% endfor %}",
    "{{ 'x' * 1000000000 }}",
    "{{ 7*7 }}",
    "{{ 9 ** 99999999 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'x'.center(1000000000) }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ rows|map(attribute='__class__')|list }}",
    "{{ [1]|sum }}",
    "{{ [1, 2] }}",
    "{{ {'a': 1} }}",
    "{% include 'messages/layout.html' %}",
    "{% import 'messages/parts/en.txt' as x %}",
    "{% from 'messages/parts/en.txt' import sign %}",
    "{% extends 'messages/layout.html' %}",
    "{% block x %}{% endblock %}",
    "{% macro x() %}{% endmacro %}",
    "{% call x() %}{% endcall %}",
    "{% set x = 1 %}",
    "{% filter upper %}x{% endfilter %}",
    "{% for a in rows %}{% for b in rows %}x{% endfor %}{% endfor %}",
    "{% for a in rows recursive %}x{% endfor %}",
    "{% for rows in rows %}x{% endfor %}",
    "{% for _x in rows %}x{% endfor %}",
    "{{ customer.name.upper() }}",
    "{{ seller.id }}",
    "{{ customer.account_id }}",
    "{{ customer.name|safe }}",
    "{{ customer.name|tojson }}",
    "{{ money.__globals__ }}",
    "{{ money.func }}",
    "{{ rows[0]._asdict() }}",
    "{{ nobody }}",
    "{{ customer.name",
    "{% if %}",
    "{% do rows.clear() %}",
    "{{ namespace() }}",
    "{{ joiner() }}",
    "{{ caller() }}",
    "{{ loop }}",
    "{{ _('Invoice') }}",
    "{{ " + "not " * 3000 + "1 }}",
    "{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}",
    "{{ " + " and ".join(["rows"] * 2500) + " }}",
]


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("source", ESCAPES, ids=lambda source: source[:40])
def test_nothing_gets_out_of_the_sandbox(source: str, html: bool) -> None:
    sandbox = sandbox_of(renderer(), "en", html=html)
    part: Part = "html" if html else "text"
    with pytest.raises(TextRefusedError) as refused:
        rendered(compiled(sandbox, part, source), part, sample())
    fault = refused.value.fault
    assert fault.part == part
    assert "%(" not in fill(fault.message, dict(fault.values))


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("Hello\n{{ ros }}", 2, "There is no “ros”: did you mean “rows”?"),
        (
            "{% for row in rows %}\n\n{{ row.refrence }}{% endfor %}",
            3,
            "There is no “refrence”: did you mean “reference”?",
        ),
        ("{{ customer.name", 1, "This cannot be read: "),
        ("x\n{{ total|uppper }}", 2, "There is no “uppper” here; there are "),
        ("{{ range(3) }}", 1, "Only money can be called."),
        ("\n\n{% include 'x' %}", 3, "“include” is not let in"),
        ("x" * (MAX_SOURCE + 1), 0, "This is too long: write at most 20,000 characters."),
    ],
)
def test_a_fault_names_the_line_and_how_to_mend_it(source: str, line: int, words: str) -> None:
    with pytest.raises(TextRefusedError) as refused:
        compiled(sandbox_of(renderer(), "en", html=False), "text", source)
    fault = refused.value.fault
    assert fault.line == line
    assert fill(fault.message, dict(fault.values)).startswith(words)


def test_what_is_let_in_works() -> None:
    source = (
        "{% for row in rows %}{{ loop.index }} {{ row.reference }} {{ money(row.amount_minor, row.currency) }} "
        "{{ row.due_on | day }}{% if not loop.last %}, {% endif %}{% endfor %}|"
        "{% for currency, minor in totals %}{{ minor | money(currency) }}{% endfor %}|"
        "{{ (contact.name or customer.name)[:4] }} {{ rows | length }} {{ 'a' ~ count }} "
        "{% if terms %}{{ terms.interest_percent | number }}{% else %}-{% endif %}"
    )
    template = compiled(sandbox_of(renderer(), "en", html=False), "text", source)
    said = rendered(template, "text", {**sample(), "count": 1})
    assert said == "1 INV-201 €1,234.51 11 April 2026|€1,234.51|Cami 1 a1 -"


def test_names_of_customers_are_names_and_nothing_more() -> None:
    words = Words("{{ customer.name }}", "{{ customer.name }}", "<p>{{ customer.name }} {{ rows[0].reference }}</p>")
    message = speak(renderer(), make_ready(renderer(), words, "en"), hostile())
    assert len(message.subject.splitlines()) == 1
    assert "{{ 7*7 }}" in message.text
    assert "<script>" not in message.html
    assert "<b onclick" not in message.html
    assert "&lt;script&gt;" in message.html


@pytest.mark.parametrize(
    "bad",
    [
        "<script>x</script>",
        "<img src=x>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<p onclick="x">x</p>',
        '<p style="x">x</p>',
        "<p class=x>x</p>",
        "<!-- x -->",
        "<form>",
        "<iframe></iframe>",
        "<svg/onload=x>",
        "<sc<p>ript>",
        "<p",
        "1 < 2",
        '<a href="{{ customer.name }}">x</a>',
        '<p class="{{ customer.name }}">x</p>',
        "<p {{ customer.name }}>x</p>",
        "<{{ customer.name }}>",
        "<a href={{ link }}>x</a>",
        "<{# #}script>",
        "<p {% if rows %}onclick{% endif %}>x</p>",
    ],
)
def test_markup_that_a_mail_should_not_carry_is_found(bad: str) -> None:
    found = strange_source(f"<p>fine</p>\n{bad}")
    assert found is not None
    assert found[0] == 2


def test_plain_markup_is_let_in() -> None:
    assert strange_source('<p class="soft">a {% if a < b %}<strong>{{ x }}</strong>{% endif %}<br/></p>') is None
    assert strange_source('<ul>\n<li><a class="button" href="{{ link }}">x</a></li></ul>') is None
    assert strange_source('<td colspan="2"><a href="https://x.example/?a=1&amp;b=2">x</a></td>') is None
    assert strange_markup("&lt;script&gt;") is None


def test_words_keep_their_places_when_the_rest_is_blanked() -> None:
    source = "<p>Pay {{ total }}\nnow</p>{% if rows %}!{% endif %}"
    plain = blanked(source, html=True)
    assert len(plain) == len(source)
    assert plain.index("Pay") == source.index("Pay")
    assert plain.index("now") == source.index("now")
    assert plain.split() == ["Pay", "now", "!"]
