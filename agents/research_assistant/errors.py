"""The failures of the research assistant: each run that fails has exactly one kind."""

from __future__ import annotations

from bongsu.core.conventions import ERROR_KINDS
from bongsu.core.errors import BongsuError

MAX_DETAIL = 500


class RunError(BongsuError):
    """End a run as failed: `kind` is one of conventions.ERROR_KINDS, `detail` a sentence without secrets."""

    def __init__(self, kind: str, detail: str) -> None:
        if kind not in ERROR_KINDS:
            raise ValueError(f"unknown error kind {kind!r}: add it to conventions.ERROR_KINDS first")
        self.kind, self.detail = kind, " ".join(detail.split())[:MAX_DETAIL]
        super().__init__(f"{kind}: {self.detail}")


class ConflictError(BongsuError):
    """Refuse an idempotency key that was already used for another question."""
