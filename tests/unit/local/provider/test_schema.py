from __future__ import annotations

from typing import Any

import pytest

from bongsu.local.provider.schema import MAX_FILLED_ITEMS, conform


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "text"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "boolean"}, False),
        ({"type": ["null", "string"]}, None),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 5}, 5),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["text", "text"]),
        ({"$ref": "#/$defs/name", "$defs": {"name": {"type": "string"}}}, "text"),
        ({}, "text"),
    ],
)
def test_a_missing_value_is_filled(schema: dict[str, Any], expected: object) -> None:
    assert conform(None if schema.get("type") != "string" else 7, schema, "text") == expected


def test_a_fitting_value_stays_and_the_rest_goes() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert conform({"a": 1, "b": 2}, schema, "text") == {"a": 1}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": []},
        {"type": 5},
        {"type": "array", "minItems": "many", "items": 3},
        {"$ref": 1},
        {"anyOf": "x"},
        {"required": 1, "properties": {"a": None}},
    ],
)
def test_a_malformed_schema_is_no_accident(schema: dict[str, Any]) -> None:
    conform({"a": 1}, schema, "text")


def test_a_schema_without_end_comes_to_an_end() -> None:
    node: dict[str, Any] = {"type": "object", "required": ["l", "r"]}
    node["properties"] = {"l": {"$ref": "#"}, "r": {"$ref": "#"}}
    assert conform(None, node, "text")["l"]
    assert len(conform(None, {"type": "array", "minItems": 10**9, "items": {}}, "t")) == MAX_FILLED_ITEMS
