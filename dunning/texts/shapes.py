"""What the API of texts takes and gives."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ar.core.i18n import fill
from ar.core.web import Number, example
from ar.core.web.types import one_line, several_lines
from dunning.steps import Tone
from dunning.texts.edit import TextDraft
from dunning.texts.examine import Examined
from dunning.texts.models import TextState
from dunning.texts.sandbox import MAX_SOURCE
from dunning.texts.speak import Words
from dunning.texts.variables import Variable

DRAFT: dict[str, Any] = {
    "kind": "reminder_friendly",
    "language": "en",
    "entity_id": None,
    "tone": "friendly",
    "subject": "A small reminder: invoice {{ rows[0].reference }}, {{ total }}",
    "text": "Hello {{ contact.name or customer.name }},\n\nplease tell us if something is missing:\n\n"
    "{{ invoice_lines }}\n{{ link }}\n\nThank you.\n\n{{ signature }}\n",
    "html": "<p>Hello {{ contact.name or customer.name }},</p>{{ invoice_lines }}"
    '<p><a href="{{ link }}">See them</a></p>{{ signature }}',
}
TEXT: dict[str, Any] = {
    **DRAFT,
    "id": 3,
    "version": 2,
    "state": "draft",
    "created_by": "user:4",
    "created_at": "2026-03-02T09:30:00Z",
    "published_at": None,
    "failure": None,
    "failed_at": None,
}
FINDING: dict[str, Any] = {
    "part": "text",
    "offence": "urgency",
    "start": 120,
    "end": 131,
    "phrase": "immediately",
    "better": "We would be grateful for the payment within the next 7 days.",
    "refused": True,
}


def _lines(text: str) -> str:
    return several_lines(text.replace("\r\n", "\n").replace("\r", "\n"))


SubjectSource = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(one_line)]
Source = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SOURCE), AfterValidator(_lines)]
KindName = Annotated[str, StringConstraints(max_length=40), AfterValidator(one_line)]
LanguageCode = Annotated[str, StringConstraints(max_length=5), AfterValidator(one_line)]


class DraftIn(BaseModel):
    model_config = example(DRAFT) | ConfigDict(extra="forbid")

    kind: KindName = Field(description="One of the kinds of reminders")
    language: LanguageCode
    entity_id: Number | None = Field(default=None, description="The seller it is for; for all when not given")
    tone: Tone
    subject: SubjectSource
    text: Source
    html: Source

    def draft(self) -> TextDraft:
        words = Words(self.subject, self.text, self.html)
        return TextDraft(self.kind, self.language, words, self.tone, self.entity_id)


class PreviewIn(DraftIn):
    model_config = example({**DRAFT, "account_id": 17}) | ConfigDict(extra="forbid")

    account_id: Number


class TextOut(BaseModel):
    model_config = example(TEXT)

    id: int
    kind: str
    language: str
    entity_id: int | None
    version: int
    state: TextState
    tone: Tone
    subject: str
    text: str
    html: str
    created_by: str
    created_at: datetime
    published_at: datetime | None
    failure: str | None = Field(description="Why it last failed as a message was written; the shipped words went out")
    failed_at: datetime | None


class WordsOut(BaseModel):
    model_config = example({name: DRAFT[name] for name in ("subject", "text", "html")})

    subject: str
    text: str
    html: str


class VariableOut(BaseModel):
    model_config = example(
        {"name": "total", "meaning": "what is asked in all", "sample": "€1,234.50"},
    )

    name: str
    meaning: str
    sample: str

    @classmethod
    def of(cls, variable: Variable) -> "VariableOut":
        return cls(name=variable.name, meaning=variable.meaning, sample=variable.sample)


class VariablesOut(BaseModel):
    model_config = example(
        {"items": [{"name": "total", "meaning": "what is asked in all", "sample": "€1,234.50"}]},
    )

    items: list[VariableOut]


class FaultOut(BaseModel):
    model_config = example({"part": "html", "line": 3, "message": "There is no “ros”: did you mean “rows”?"})

    part: Literal["subject", "text", "html"]
    line: int = Field(description="0 for the part as a whole")
    message: str


class FindingOut(BaseModel):
    model_config = example(FINDING)

    part: Literal["subject", "text", "html"]
    offence: str
    start: int | None = Field(description="Where it begins in the part; none when it shows only once filled in")
    end: int | None
    phrase: str
    better: str
    refused: bool


class PointsOut(BaseModel):
    model_config = example({"why": "polite", "points": 20, "phrases": ["please", "thank you"]})

    why: str
    points: int
    phrases: list[str]


class CheckOut(BaseModel):
    model_config = example(
        {
            "passed": False,
            "score": 70,
            "points": [{"why": "polite", "points": 20, "phrases": ["please", "thank you"]}],
            "faults": [],
            "findings": [FINDING],
            "sample": {"subject": "A small reminder: invoice INV-201, €1,234.51", "text": "Hello …", "html": "…"},
        }
    )

    passed: bool
    score: int = Field(description="Politeness, from 0 to 100")
    points: list[PointsOut]
    faults: list[FaultOut]
    findings: list[FindingOut]
    sample: WordsOut | None = Field(description="How it reads with one invoice, when it can be read")


class PreviewOut(BaseModel):
    model_config = example(
        {
            "subject": "A small reminder: invoice INV-204, €1,234.50",
            "text": "Hello …",
            "html": "…",
            "on": "2026-03-05",
            "made_up": False,
        }
    )

    subject: str
    text: str
    html: str
    on: date | None = Field(description="When it would leave at the earliest; none when nothing is due to be said")
    made_up: bool = Field(description="Whether it shows a made-up invoice, for the customer has none open")


def check_out(found: Examined) -> CheckOut:
    return CheckOut(
        passed=found.passed,
        score=found.score,
        points=[PointsOut(why=one.why, points=one.points, phrases=list(one.phrases)) for one in found.points],
        faults=[
            FaultOut(part=one.part, line=one.line, message=fill(one.message, dict(one.values))) for one in found.faults
        ],
        findings=[
            FindingOut(
                part=placed.part,
                offence=placed.finding.offence.value,
                start=placed.finding.start if placed.placed else None,
                end=placed.finding.end if placed.placed else None,
                phrase=placed.finding.phrase,
                better=placed.finding.better,
                refused=placed.finding.refused,
            )
            for placed in found.findings
        ],
        sample=None
        if found.sample is None
        else WordsOut(subject=found.sample.subject, text=found.sample.text, html=found.sample.html),
    )
