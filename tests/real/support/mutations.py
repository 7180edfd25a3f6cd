"""Five ways in which a disk spoils files: a flipped bit, a shorter file, zeroes, a lost file, two files swapped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

KINDS = ("flip", "truncate", "zero", "delete", "swap")
_BLOCK = 4096


def mutate(kind: str, file: Path, other: Path, random: Random) -> tuple[Path, ...]:
    """Spoil `file` (a swap: also `other`) and return what is not as it was."""
    content = file.read_bytes()
    at = random.randrange(len(content))
    match kind:
        case "flip":
            file.write_bytes(content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :])
        case "truncate":
            os.truncate(file, at)
        case "zero":
            block = content[at : at + _BLOCK]
            file.write_bytes(content[:at] + bytes(len(block)) + content[at + len(block) :])
            if block == bytes(len(block)):
                return mutate("flip", file, other, random)
        case "delete":
            file.unlink()
        case _:
            file.write_bytes(other.read_bytes())
            other.write_bytes(content)
            return file, other
    return (file,)
