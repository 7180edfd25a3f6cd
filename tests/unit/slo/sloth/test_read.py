"""What Sloth accepts is read, in each of its spellings, and nothing crashes the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.core.diagnostics import Problem
from bongsu.core.yaml import load_documents
from bongsu.slo.load import load
from bongsu.slo.model import Slos
from bongsu.slo.sloth.model import Document
from bongsu.slo.sloth.read import is_sloth, read
from tests.support.sloth_documents import ALPHA, GOOD, OBJECT

GOLDENS = Path(__file__).parents[3] / "golden/sloth"
FILE = "slo/x.yaml"


def documents(text: str) -> tuple[list[Document], list[Problem]]:
    nodes, problems = load_documents(text, FILE)
    assert all(is_sloth(node) for node in nodes)
    return [read(node, problems) for node in nodes], problems


def test_labels_of_the_group_are_merged_into_the_slo_and_alerting_into_each_alert() -> None:
    ((document,), problems) = documents(
        GOOD.replace("    objective", "    labels: {squad: night, kind: a}\n    objective")
    )
    (slo,) = document.slos
    assert problems == []
    assert (slo.id, slo.labels) == ("shop-orders", {"squad": "night", "kind": "a"})
    assert slo.page is not None
    assert (slo.page.labels, slo.page.annotations) == ({"severity": "wake"}, {"message": "look at it"})
    assert slo.ticket is None


@pytest.mark.parametrize("path", sorted(GOLDENS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_valid_spec_is_read_without_a_problem(path: Path) -> None:
    slos, problems = load({FILE: path.read_text(encoding="utf-8")})
    assert problems == []
    assert len(slos.slos) in (1, 2)


def test_what_a_cluster_adds_to_an_object_is_no_problem() -> None:
    served = (
        OBJECT.replace("  namespace: shop\n", "  namespace: shop\n  uid: abc\n  generation: 2\n") + "status:\n  x: 1\n"
    )
    assert load({FILE: served})[1] == []


def test_of_v1alpha_each_objective_is_an_slo() -> None:
    ((document,), _) = documents(ALPHA)
    assert [(slo.id, slo.objective, slo.period) for slo in document.slos] == [
        ("helpdesk-answers-0", 99.5, "30d"),
        ("helpdesk-answers-1", 90.0, "30d"),
    ]
    assert all(slo.page is None and slo.ticket is None for slo in document.slos)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """Return a good document in which one value, anywhere, is something else."""
    found: Any = yaml.safe_load(draw(st.sampled_from((GOOD, OBJECT, ALPHA))))
    node = found
    while True:
        keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or not node[key] or draw(st.booleans()):
            node[key] = draw(JUNK)
            return str(yaml.safe_dump(found, allow_unicode=True))
        node = node[key]


@settings(max_examples=300, deadline=None)
@given(spoiled())
def test_no_document_crashes_the_reader(text: str) -> None:
    slos, problems = load({FILE: text})
    assert isinstance(slos, Slos)
    assert all(problem.span.file == FILE for problem in problems)
