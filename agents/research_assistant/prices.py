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
    """USD per PER_TOKENS tokens."""

    input: float
    output: float

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Return the price of one call in USD."""
        return (input_tokens * self.input + output_tokens * self.output) / PER_TOKENS


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
            prices[name] = Price(price.number("input"), price.number("output"))
            price.done()
            if min(prices[name].input, prices[name].output) < 0:
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
