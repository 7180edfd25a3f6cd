"""What the API takes and gives, as models: they check requests and describe both in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

MAX_QUESTION_CHARS = 4_000
MAX_FEEDBACK_CHARS = 2_000
RUN_ID = "7e2f6a5e-4c34-4b7e-9d0a-0b8f5e6a3c11"
DOCUMENT_ID = "0d9c1f0e-8a35-4a62-8f0e-3b8a4de1f7c2"
SESSION_ID = "b5a1c2de-77b4-4f58-9c3e-1f2a3b4c5d6e"
AT = "2026-11-28T09:30:00.123+00:00"


def _storable(text: str) -> str:
    """Return the text; raise ValueError for what PostgreSQL cannot store."""
    if "\0" in text:
        raise ValueError("a NUL character cannot be stored")
    return text


def _whole(number: object) -> object:
    """Return 5.0 as 5: JSON has one kind of number."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Question = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_CHARS),
    AfterValidator(_storable),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}),
]
Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"), Id]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Taken(BaseModel):
    """A request body: nothing but the named keys, of exactly the named types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class RunOrder(Taken):
    """A question, and how it is to be answered."""

    model_config = ConfigDict(json_schema_extra={"example": {"question": "How does a fencing token work?"}})

    question: Question
    priority: Literal["interactive", "batch"] = "interactive"
    session_id: Annotated[Uuid | None, Field(description="Earlier questions of this session are its context.")] = None


class FeedbackOrder(Taken):
    """What somebody thinks of an answer."""

    model_config = ConfigDict(json_schema_extra={"example": {"score": 5, "text": "Exactly what I needed."}})

    score: Annotated[int, Field(ge=1, le=5), BeforeValidator(_whole)]
    text: Annotated[
        str,
        StringConstraints(max_length=MAX_FEEDBACK_CHARS),
        AfterValidator(_storable),
        Field(json_schema_extra={"pattern": r"^[^\u0000]*$"}),
    ] = ""


class Problem(BaseModel):
    """Why a request was refused (RFC 9457); `field` names the wrong part of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is no such run."}
        }
    )

    type: str
    title: str
    status: int
    detail: str
    field: str = ""


class Links(BaseModel):
    """Where to go on."""

    self: str
    events: str


class Accepted(BaseModel):
    """A run that was taken."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": RUN_ID,
                "state": "queued",
                "links": {"self": f"/v1/runs/{RUN_ID}", "events": f"/v1/runs/{RUN_ID}/events"},
            }
        }
    )

    id: Id
    state: str
    links: Links


class Citation(BaseModel):
    """Where a sentence of an answer stands, word for word."""

    number: int
    title: str
    url: str
    quote: str
    source: str


class Failure(BaseModel):
    """Why a run has no answer."""

    kind: str
    detail: str | None


class Timings(BaseModel):
    """When a run was submitted, first started and finished; `seconds` from submit to the end."""

    submitted_at: Time
    started_at: Time | None
    finished_at: Time | None
    seconds: float | None


EXAMPLE_RUN: dict[str, Any] = {
    "id": RUN_ID,
    "state": "done",
    "priority": "interactive",
    "session_id": None,
    "question": "How does a fencing token work?",
    "answer": "Every claim hands out a larger number. [1]",
    "citations": [
        {
            "number": 1,
            "title": "Leases and fencing tokens: The token",
            "url": f"http://127.0.0.1:8700/v1/documents/{DOCUMENT_ID}",
            "quote": "Every claim hands out a larger number.",
            "source": "documents",
        }
    ],
    "class": "simple",
    "error": None,
    "timings": {"submitted_at": AT, "started_at": AT, "finished_at": AT, "seconds": 0.4},
}


class Run(BaseModel):
    """A question and what became of it."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE_RUN})

    id: Id
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    priority: Literal["interactive", "batch"]
    session_id: Id | None
    question: str
    answer: str | None
    citations: list[Citation]
    run_class: Annotated[str | None, Field(alias="class")]
    error: Failure | None
    timings: Timings


class Runs(BaseModel):
    """A page of runs, newest first; `next` is the cursor of the page after it."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [EXAMPLE_RUN], "next": None}})

    items: list[Run]
    next: str | None


class Document(BaseModel):
    """A document as it lies in the store."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": DOCUMENT_ID,
                "title": "Leases and fencing tokens",
                "source": "docs/leases.md",
                "shared": True,
                "text": "# Leases\n\nEvery claim hands out a larger number.\n",
                "updated_at": AT,
            }
        }
    )

    id: Id
    title: str
    source: str
    shared: bool
    text: str
    updated_at: Time


LISTED: dict[str, Any] = {
    "id": DOCUMENT_ID,
    "title": "Leases and fencing tokens",
    "source": "leases.md",
    "shared": False,
    "uploaded_by": "ann",
    "chunks": 3,
    "bytes": 1834,
    "updated_at": AT,
}


class ListedDocument(BaseModel):
    """One document of a list; `shared` ones can be read by every tenant and deleted by none."""

    model_config = ConfigDict(json_schema_extra={"example": LISTED})

    id: Id
    title: str
    source: str
    shared: bool
    uploaded_by: str | None
    chunks: int
    bytes: int
    updated_at: Time


class Documents(BaseModel):
    """A page of documents, newest first; `next` is the cursor of the page after it."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [LISTED], "next": None}})

    items: list[ListedDocument]
    next: str | None


FEEDBACK: dict[str, Any] = {"run_id": RUN_ID, "owner": "ann", "score": 5, "text": "Exactly what I needed.", "at": AT}


class Feedback(BaseModel):
    """What one caller thinks of one answer."""

    model_config = ConfigDict(json_schema_extra={"example": FEEDBACK})

    run_id: Id
    owner: str
    score: int
    text: str
    at: Time


class FeedbackList(BaseModel):
    """What the tenant's callers think of one answer."""

    model_config = ConfigDict(json_schema_extra={"example": {"items": [FEEDBACK]}})

    items: list[Feedback]


class Session(BaseModel):
    """A conversation: its questions see the ones before them."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": SESSION_ID, "started_at": AT, "last_at": AT}})

    id: Id
    started_at: Time
    last_at: Time


class SessionRuns(Session):
    """A conversation with a page of its runs, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"id": SESSION_ID, "started_at": AT, "last_at": AT, "items": [EXAMPLE_RUN], "next": None}
        }
    )

    items: list[Run]
    next: str | None


DAY: dict[str, Any] = {
    "day": "2026-11-28",
    "runs": 12,
    "done": 11,
    "failed": 1,
    "input_tokens": 9000,
    "output_tokens": 1200,
    "usd": 0.03,
}


class Day(BaseModel):
    """What a tenant used on one day of the budget's time zone."""

    day: Annotated[str, Field(json_schema_extra={"format": "date"})]
    runs: int
    done: int
    failed: int
    input_tokens: int
    output_tokens: int
    usd: float


class Usage(BaseModel):
    """What a tenant used, newest day first; days without use are absent."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"tenant": "ann", "timezone": "Asia/Seoul", "days": [DAY], "usd": 0.03}}
    )

    tenant: str
    timezone: str
    days: list[Day]
    usd: float


MODELS: tuple[type[BaseModel], ...] = (
    RunOrder,
    FeedbackOrder,
    Problem,
    Accepted,
    Run,
    Runs,
    Document,
    ListedDocument,
    Documents,
    Feedback,
    FeedbackList,
    Session,
    SessionRuns,
    Usage,
)
