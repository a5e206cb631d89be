"""In which language to answer: the signed-in person's, else that of ?language=, the browser, the installation."""

from fastapi import Request

from ar.core.kernel import Kernel


def language_of(request: Request, kernel: Kernel) -> str:
    """The language of the answer to `request`, one that the installation has."""
    known = getattr(request.state, "principal", None)
    if known is not None:
        return kernel.renderer.language(known.language)
    asked = request.query_params.get("language", "")
    if asked in kernel.renderer.languages():
        return asked
    return accepted(request.headers.get("accept-language", ""), kernel)


def accepted(header: str, kernel: Kernel) -> str:
    """The first language of an Accept-Language header that the installation has, by weight; else its default."""
    offers = []
    for position, part in enumerate(header[:500].split(",")):
        code, _, weight = part.partition(";")
        offers.append((-_weight(weight), position, code.strip().partition("-")[0].lower()))
    have = set(kernel.renderer.languages())
    wanted = (code for weight, _, code in sorted(offers) if code in have and weight < 0)
    return next(wanted, kernel.settings.default_language)


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
