"""The ledger: one JSON line for each injection, hit, undoing and expiry, on disk before the next thing happens."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from bongsu.core.errors import StateError

if TYPE_CHECKING:
    from pathlib import Path


class Ledger:
    """An append-only JSONL file of mode 0600; each line goes to the kernel at once, so it outlives a kill -9."""

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise StateError(f"cannot write the ledger: {error.strerror}", where=str(path)) from error

    def write(self, event: str, fault: str, **fields: Any) -> None:
        """Append one line: `at` in Unix seconds, `event`, `fault`, `request`, `method`, `path` and `status` always."""
        line = {
            "at": round(time.time(), 6),
            "event": event,
            "fault": fault,
            "request": None,
            "method": None,
            "path": None,
            "status": None,
            **fields,
        }
        os.write(self._descriptor, json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)
