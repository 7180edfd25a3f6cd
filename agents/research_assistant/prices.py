"""Prices of LLM calls, from the dated table beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bongsu.core.errors import SpecError, UsageError
from bongsu.core.yaml import Reader, load_documents

FILE = Path(__file__).with_name("prices.yaml")
PER_TOKENS = 1_000


@dataclass(frozen=True, slots=True)
class Price:
    """USD per PER_TOKENS tokens; input that the provider read from its cache costs as any other where None is told."""

    input: float
    output: float
    cached_input: float | None = None

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """Return the price of one call in USD; `cached_tokens` are part of `input_tokens`."""
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = (input_tokens - cached_tokens) * self.input
        return (fresh + cached_tokens * cached + output_tokens * self.output) / PER_TOKENS


def load(path: Path = FILE) -> dict[str, Price]:
    """Return the price of each model; raise SpecError with every problem of the table."""
    nodes, problems = load_documents(path.read_text(encoding="utf-8"), path.name)
    prices: dict[str, Price] = {}
    for node in nodes:
        table = Reader(node, problems)
        table.text("source")
        table.text("date")
        models = table.mapping("models")
        for name, _ in models.items():  # noqa: PERF102 - Reader.items also marks the keys as known
            price = models.mapping(name)
            cached = price.number("cached_input") if price.has("cached_input") else None
            prices[name] = Price(price.number("input"), price.number("output"), cached)
            price.done()
            if min(prices[name].input, prices[name].output, cached or 0) < 0:
                price.fail("prices/negative", price.node.span, f"{name} has a negative price", "correct it")
        table.done()
    if problems:
        raise SpecError(problems)
    return prices


def of(model: str) -> Price:
    """Return the price of a model; raise UsageError when the table does not have it."""
    prices = load()
    if model not in prices:
        raise UsageError(
            f"the price of {model} is unknown",
            where=FILE.name,
            next=f"add it with its source and date, or set RESEARCH_ASSISTANT_MODEL to one of {', '.join(prices)}",
        )
    return prices[model]
