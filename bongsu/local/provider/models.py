"""The models this provider answers for, with the limits of their namesakes.

Source: https://platform.openai.com/docs/models
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """One model: `context` and `max_output` in tokens; `dimensions` 0 for a chat model."""

    name: str
    context: int
    max_output: int = 0
    dimensions: int = 0


MODELS = {
    model.name: model
    for model in (
        Model("gpt-4o", context=128_000, max_output=16_384),
        Model("gpt-4o-mini", context=128_000, max_output=16_384),
        Model("gpt-4.1", context=1_047_576, max_output=32_768),
        Model("gpt-4.1-mini", context=1_047_576, max_output=32_768),
        Model("text-embedding-3-small", context=8_192, dimensions=1_536),
        Model("text-embedding-3-large", context=8_192, dimensions=3_072),
    )
}

CREATED = 1_715_367_049
"""One fixed creation time for the model list: the real ones differ, nobody reads them."""
