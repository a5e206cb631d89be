"""Pages and messages: one set of Jinja templates, rendered in the reader's language.

The templates are those of `templates/` in a checkout, and of `ar/_templates` in an installed wheel. Each language has
an environment of its own, made once and alike but for what writes words, days and amounts; so a macro speaks
the language of the page that imports it. A name that a template uses and nobody gave raises UndefinedError.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache, partial
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from jinja2 import (
    Environment,
    StrictUndefined,
    Template,
    pass_context,
    select_autoescape,
)
from jinja2.runtime import Context
from markupsafe import Markup

from ar.core import charts, gsm, i18n, money
from ar.core.mailstyle import TemplateLoader
from ar.core.speech import BareSentences, speech

_PACKAGE = Path(__file__).resolve().parent.parent
STATIC = _PACKAGE / "core" / "static"
"""What is served under /static: our style sheet and script, and the vendored files."""

_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_BLANKS = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class RenderedMessage:
    """A message ready to be queued. `subject` is one line, free of control characters."""

    subject: str
    text: str
    html: str


class Renderer:
    """Renders templates. Make one for the installation: it parses catalogues and keeps compiled templates."""

    def __init__(self, *, default_language: str = i18n.SOURCE, templates: Path | None = None) -> None:
        folder = templates or template_folder()
        self.default_language = default_language
        self.catalogues = i18n.catalogues(folder / "locales")
        if default_language not in self.catalogues:
            raise ValueError(f"{default_language!r} is no language of this installation: {', '.join(self.languages())}")
        self.loader = TemplateLoader(folder)
        self._written = _written(folder / "messages")
        self._environments = {
            language: _environment(
                self.loader, language, self.catalogues.get(language, NullTranslations()), self.languages()
            )
            for language in {*self.catalogues, *self.message_languages()}
        }
        self._messages: dict[tuple[str, str], tuple[Template, Template, Template]] = {}

    def languages(self) -> list[str]:
        """The codes of the languages that every page and message comes in, in alphabetical order."""
        return sorted(self.catalogues)

    def message_languages(self) -> list[str]:
        """The codes of the languages that some kind of message is written in, in alphabetical order."""
        return sorted({*self.catalogues, *(language for found in self._written.values() for language in found)})

    def language(self, wanted: str | None) -> str:
        """The language to answer someone in who asks for `wanted`: 'fr' for 'fr-CA', the default for an unknown one."""
        code = _code(wanted)
        return code if code in self.catalogues else self.default_language

    def message_language(self, kind: str, wanted: str | None) -> str:
        """The language in which `kind` reaches someone who reads `wanted`: that one where it is written in it, else
        the default one, else the source."""
        code, written = _code(wanted), self._written.get(kind, ())
        return next((found for found in (code, self.default_language) if found in written), i18n.SOURCE)

    def page(self, template: str, *, language: str, **context: Any) -> str:
        """The template's text in `language`. Raises TemplateNotFound, UndefinedError."""
        return self.compiled(template, language=language).render(context)

    def compiled(self, template: str, *, language: str) -> Template:
        """The template as it speaks `language`, for a caller that streams it. Raises TemplateNotFound."""
        return self._environments[self.language(language)].get_template(template)

    def message(self, kind: str, *, language: str, **context: Any) -> RenderedMessage:
        """The message `kind` in `language`, or in the default language where it is not written in that one.

        Raises TemplateNotFound, UndefinedError.
        """
        return self.filled(self._message(kind, self.message_language(kind, language)), context)

    def filled(self, templates: tuple[Template, Template, Template], context: Mapping[str, Any]) -> RenderedMessage:
        """Subject, text and HTML of `templates`, the subject on one line. Raises UndefinedError."""
        subject, text, html = templates
        return RenderedMessage(
            subject=one_line(subject.render(context)),
            text=_BLANKS.sub("\n\n", text.render(context)).strip() + "\n",
            html=html.render(context),
        )

    def sms(self, kind: str, *, language: str, **context: Any) -> str:
        """The message `kind` as a text message in `language`, in the letters of GSM where they can say it.

        Falls back as `message` does. Raises TemplateNotFound for a kind that has none, UndefinedError.
        """
        found = self.message_language(kind, language)
        return gsm.fitted(self.compiled_message(f"messages/{kind}/{found}/sms.txt", found).render(context))

    def compiled_message(self, template: str, language: str) -> Template:
        """A template of messages as it speaks `language`, one of `message_languages()`. Raises TemplateNotFound."""
        return self._environments[language].get_template(template)

    def text(self, sentence: str, *, language: str, **values: Any) -> str:
        """A marked sentence in `language`, its %(name)s places filled in: for text that is not made by a template."""
        return i18n.fill(self.catalogues[self.language(language)].gettext(sentence), values)

    def _message(self, kind: str, language: str) -> tuple[Template, Template, Template]:
        found = self._messages.get((kind, language))
        if found is None:
            get, folder = self._environments[language].get_template, f"messages/{kind}/{language}"
            found = get(f"{folder}/subject.txt"), get(f"{folder}/body.txt"), get(f"{folder}/body.html")
            self._messages[kind, language] = found
        return found


def _code(wanted: str | None) -> str:
    return re.split("[-_]", wanted or "", maxsplit=1)[0].lower()


def _written(messages: Path) -> dict[str, frozenset[str]]:
    """The languages in which each kind of message is written."""
    found: dict[str, set[str]] = {}
    for path in messages.glob("*/*/subject.txt"):
        found.setdefault(path.parent.parent.name, set()).add(path.parent.name)
    return {kind: frozenset(languages) for kind, languages in found.items()}


def one_line(text: str) -> str:
    """`text` as a header may carry it: line breaks and control characters are spaces."""
    return _BREAKS.sub(" ", text).strip(" ")


def template_folder() -> Path:
    """Where the templates are: inside the package when it was installed from a wheel, else beside it."""
    packaged = _PACKAGE / "_templates"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "templates"


@cache
def asset(path: str) -> str:
    """The address of a file under static/, with a mark of its content, so that browsers may keep it for ever."""
    return f"/static/{path}?v={hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]}"


@pass_context
def _csrf_field(context: Context) -> Markup:
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(context["csrf_token"])


def _environment(
    loader: TemplateLoader, language: str, translations: NullTranslations, languages: list[str]
) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", BareSentences],
    )
    environment.translations = translations  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        translations.gettext, translations.ngettext, newstyle=True
    )
    environment.globals.update(speech(translations))
    environment.globals.update(_globals(language, languages))
    environment.filters.update(_filters(language))
    return environment


@lru_cache(maxsize=16384)
def _money(minor: int, currency: str, *, language: str) -> str:
    """A message writes an amount several times over, in its subject and both bodies: it is worked out once."""
    return money.localized(minor, currency, language)


@lru_cache(maxsize=4096)
def _dated(day: date, *, language: str) -> Markup:
    """A day in a table, which machines read as well."""
    return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), i18n.short_day(day, language=language))


def _globals(language: str, languages: list[str]) -> Mapping[str, Any]:
    return {
        "language": language,
        "languages": [(code, i18n.own_name(code)) for code in languages],
        "money": partial(_money, language=language),
        "asset": asset,
        "csrf_field": _csrf_field,
        "plot": charts,
    }


def _filters(language: str) -> Mapping[str, Any]:
    return {
        "money": partial(_money, language=language),
        "compact_money": partial(i18n.compact_money, language=language),
        "day": partial(i18n.long_day, language=language),
        "dated": partial(_dated, language=language),
        "short_day": partial(i18n.short_day, language=language),
        "month": partial(i18n.month, language=language),
        "instant": partial(i18n.instant, language=language),
        "number": partial(i18n.number, language=language),
        "percent": partial(i18n.percent, language=language),
        "compact": partial(i18n.compact, language=language),
    }
