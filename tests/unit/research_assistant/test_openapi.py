from __future__ import annotations

from unittest.mock import MagicMock

from research_assistant.api.app import build_routes


def test_no_header_and_no_query_of_the_document_may_be_null() -> None:
    """A client cannot send null there: `last-event-id: null` is four letters, and refused."""
    paths = build_routes(MagicMock()).openapi()["paths"]
    parameters = [
        parameter
        for operations in paths.values()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
    ]
    assert {"last-event-id", "idempotency-key", "cursor"} <= {parameter["name"] for parameter in parameters}
    assert not [parameter["name"] for parameter in parameters if "null" in str(parameter["schema"])]
    (cursor, *_) = [parameter["schema"] for parameter in parameters if parameter["name"] == "cursor"]
    assert (cursor["type"], "pattern" in cursor) == ("string", True)
