"""How templates say a sentence: `_`, `ngettext`, and bare sentences that are translated as a template is compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from gettext import NullTranslations
from typing import Any

from jinja2 import pass_eval_context
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.nodes import EvalContext
from markupsafe import escape

from ar.core import i18n


class BareSentences(Extension):
    """Puts the translation where a template says `_("...")` and nothing more: most of what a page says.

    Each language has an environment of its own, with its translations as `environment.translations`. What is put there
    is a plain string: it is escaped like any other.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        translations: NullTranslations = self.environment.translations  # type: ignore[attr-defined]
        held: list[Token] = []
        for token in stream:
            held.append(token)
            if not _may_be_bare(held):
                yield from held
                held.clear()
            elif len(held) == len(_BARE):
                sentence = held[2]
                words = i18n.fill(translations.gettext(sentence.value), {})
                yield Token(sentence.lineno, "string", words)
                held.clear()
        yield from held


_BARE = ("name", "lparen", "string", "rparen")


def _may_be_bare(tokens: list[Token]) -> bool:
    return tokens[0].value == "_" and all(token.type == kind for token, kind in zip(tokens, _BARE, strict=False))


def speech(translations: NullTranslations) -> Mapping[str, Any]:
    """`_` and `ngettext`. Unlike Jinja's own, they escape the sentence too, since it may come out of a variable, and
    read a percent sign in one without values as just that."""

    def said(sentence: str, escaped: bool, values: Mapping[str, Any]) -> str:
        words = translations.gettext(sentence)
        return i18n.fill(escape(words) if escaped else words, values)

    @lru_cache(maxsize=4096, typed=True)  # typed: what is marked as safe is never taken for the same words unmarked
    def said_bare(sentence: str, escaped: bool) -> str:
        return said(sentence, escaped, {})

    @pass_eval_context
    def say(context: EvalContext, sentence: str, /, **values: Any) -> str:
        escaped = bool(context.autoescape)
        return said(sentence, escaped, values) if values else said_bare(sentence, escaped)

    @pass_eval_context
    def count(context: EvalContext, one: str, many: str, num: int, /, **values: Any) -> str:
        said = translations.ngettext(one, many, num)
        return i18n.fill(escape(said) if context.autoescape else said, {"num": num, **values})

    return {"_": say, "gettext": say, "ngettext": count}
