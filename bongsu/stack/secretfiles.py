"""Secrets of a home: random, made once, each in a file of its own that only the owner reads."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 16
"""As 32 hexadecimal digits: PagerDuty, and with it the local receiver, takes routing keys of exactly that form."""


def ensure_secret(folder: Path, name: str) -> Path:
    """Return the path of the secret `name`, made when there is none yet."""
    path = folder / name
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
        return path
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(_BYTES))
    return path
