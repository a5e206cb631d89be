"""The text of a PDF, read in a process of its own that is killed after five seconds, with little memory.

A PDF may loop, or unpack to anything: that is an error of the file and costs nobody else.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys

from ar.core.errors import DomainError

SECONDS = 5
MEMORY = 700_000_000
MAX_PAGES = 60
MAX_CHARACTERS = 400_000
_UNREADABLE = 4
_LOCKED = 5


class PdfError(DomainError):
    """The PDF gives no text."""

    code = "bad-pdf"


def pdf_text(content: bytes) -> str:
    """The text of a PDF, its columns set apart by spaces as they stand on the page. Raises PdfError."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ar.cash.remittance.pdf"],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PdfError(f"The PDF was not read within {SECONDS} seconds: send its table as CSV or XLSX") from None
    if done.returncode == _LOCKED:
        raise PdfError("The PDF is locked by a password: send it without one")
    if done.returncode == _UNREADABLE:
        raise PdfError("The PDF is broken: save it again, or send its table as CSV or XLSX")
    if done.returncode != 0:
        raise PdfError("The PDF is too large to read: send its table as CSV or XLSX")
    text = done.stdout.decode("utf-8", "replace")
    if not text.strip():
        raise PdfError("The PDF holds pictures and no text: type what it says, or send its table as CSV or XLSX")
    return text


def _child() -> int:
    """Reads a PDF from standard input and writes its text, within the limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from pypdf import PdfReader

    content = sys.stdin.buffer.read()
    written, locked = 0, b"/Encrypt" in content
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            return _LOCKED
        for page in reader.pages[:MAX_PAGES]:
            text = page.extract_text(extraction_mode="layout")[: MAX_CHARACTERS - written]
            written += len(text)
            sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    except MemoryError:
        raise
    except Exception:  # whatever a broken file makes of the reader, it is the file that is broken
        return _LOCKED if locked else _UNREADABLE
    return 0


if __name__ == "__main__":
    sys.exit(_child())
