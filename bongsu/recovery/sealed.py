"""Sealed files: compressed, encrypted, and bound to their name, so that a changed, cut or swapped file shows.

A sealed file is a magic line, one line of JSON in the clear (`name`, `at`, `size`), a nonce and AES-256-GCM of the
zstd-compressed content with all before it as associated data. Source: NIST SP 800-38D; RFC 7914 (scrypt).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"BONGSU-SEALED-1\n"
SALT_BYTES = 16
MAX_CONTENT_BYTES = 256 * 1024 * 1024
_NONCE_BYTES = 12
_KEY_BYTES = 32
_LONGEST_HEADER = 4096
_LEVEL = 1
"""zstd level 1 keeps up with any disk; WAL pages are mostly padding and repetition."""
_SCRYPT_COST, _SCRYPT_BLOCK = 2**15, 8


@dataclass(frozen=True, slots=True)
class Opened:
    """The content of a sealed file and when it was sealed (Unix time)."""

    content: bytes
    at: float


class DamagedError(Exception):
    """Say in words why a sealed file cannot be opened; whoever catches it knows the file and names it."""


def derive_key(password: bytes, salt: bytes) -> bytes:
    """Return the key of a repository; a tenth of a second, so that a guessed password costs something."""
    return Scrypt(salt=salt, length=_KEY_BYTES, n=_SCRYPT_COST, r=_SCRYPT_BLOCK, p=1).derive(password)


def seal(key: bytes, name: str, content: bytes, at: float) -> bytes:
    """Return the sealed form of `content` for the file `name`."""
    header = json.dumps({"name": name, "at": round(at, 3), "size": len(content)}, separators=(",", ":")).encode()
    front = MAGIC + header + b"\n"
    nonce = os.urandom(_NONCE_BYTES)
    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(content)
    return front + nonce + AESGCM(key).encrypt(nonce, packed, front)


def unseal(key: bytes, name: str, data: bytes) -> Opened:
    """Return the content sealed for the file `name`; raise DamagedError for anything else."""
    header, front = _header(data)
    if header["name"] != name:
        raise DamagedError(f"it is another file's content: {header['name']}")
    nonce, cipher = data[len(front) : len(front) + _NONCE_BYTES], data[len(front) + _NONCE_BYTES :]
    try:
        packed = AESGCM(key).decrypt(nonce, cipher, front)
        content = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_CONTENT_BYTES)
    except (InvalidTag, ValueError, zstandard.ZstdError):
        raise DamagedError("its bytes are not those that were written with this key") from None
    if len(content) != header["size"]:
        raise DamagedError("it is longer or shorter than it was")
    return Opened(content, float(header["at"]))


def sealed_at(data: bytes) -> float:
    """Return when a file was sealed by its clear header alone: not yet verified, good enough to skip it."""
    return float(_header(data)[0]["at"])


def _header(data: bytes) -> tuple[dict[str, Any], bytes]:
    end = data.find(b"\n", len(MAGIC), _LONGEST_HEADER)
    if not data.startswith(MAGIC) or end < 0:
        raise DamagedError("it is no sealed file" if data else "it is empty")
    try:
        header = json.loads(data[len(MAGIC) : end])
        known = {"name": str(header["name"]), "at": float(header["at"]), "size": int(header["size"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedError("its header is not what was written") from None
    return known, data[: end + 1]
