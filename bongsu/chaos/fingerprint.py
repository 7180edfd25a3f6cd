"""Alertmanager's identity of a label set, computed by ourselves so that two systems' claims can be compared.

Source: github.com/prometheus/common model.LabelSet.Fingerprint: FNV-1a 64 over the sorted names and values, each
followed by the byte 255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OFFSET = 14695981039346656037
_PRIME = 1099511628211
_MASK = (1 << 64) - 1
_SEPARATOR = 255


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return the 16 hexadecimal digits that Alertmanager shows for these labels."""
    state = _OFFSET
    for name in sorted(labels):
        for part in (name, labels[name]):
            for byte in (*part.encode(), _SEPARATOR):
                state = ((state ^ byte) * _PRIME) & _MASK
    return f"{state:016x}"
