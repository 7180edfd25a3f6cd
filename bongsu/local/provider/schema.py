"""Shape an answer by a JSON schema, for `response_format: json_schema`.

The subset OpenAI's structured outputs allow: type, properties, required, additionalProperties, items, enum, const,
anyOf and local `$ref`. Whatever else a schema says is passed over. A schema can describe an endless or enormous value,
so depth, nodes and array lengths are bounded; beyond the bounds the value is null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 16
MAX_NODES = 10_000
MAX_FILLED_ITEMS = 100

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def conform(value: Any, schema: Mapping[str, Any], text: str) -> Any:
    """Return `value` made to fit `schema`: a missing string becomes `text`, a number its minimum, an enum its first."""
    return _Shaper(schema, text).shape(value, schema, 0)


@dataclass(slots=True)
class _Shaper:
    root: Mapping[str, Any]
    text: str
    nodes: int = 0

    def shape(self, value: Any, schema: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            return None
        schema = self._branch(value, self._resolve(schema))
        allowed = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(allowed, list) and allowed:
            return value if value in allowed else allowed[0]
        kind = _kind(schema, value)
        if kind == "object":
            return self._object(value, schema, depth)
        if kind == "array":
            return self._array(value, schema, depth)
        return value if _fits(value, kind) else self._filler(kind, schema)

    def _object(self, value: Any, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        given = value if isinstance(value, dict) else {}
        required = _as(list, schema.get("required"))
        shaped = {
            name: self.shape(given.get(name), part, depth + 1)
            for name, part in _as(dict, schema.get("properties")).items()
            if name in given or name in required
        }
        return shaped if schema.get("additionalProperties") is False else {**given, **shaped}

    def _array(self, value: Any, schema: Mapping[str, Any], depth: int) -> list[Any]:
        least = schema.get("minItems")
        filled = min(least, MAX_FILLED_ITEMS) if type(least) is int else 0
        given = value if isinstance(value, list) else [None] * filled
        return [self.shape(item, schema.get("items"), depth + 1) for item in given]

    def _filler(self, kind: str, schema: Mapping[str, Any]) -> Any:
        if kind == "string":
            return self.text
        if kind in ("integer", "number"):
            return schema.get("minimum", 0)
        return False if kind == "boolean" else None

    def _branch(self, value: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the branch of a union that `value` fits, else its first; `schema` itself when it is no union."""
        branches = _as(list, schema.get("anyOf")) or _as(list, schema.get("oneOf"))
        resolved = [self._resolve(branch) for branch in branches]
        return next((b for b in resolved if _fits(value, _kind(b, value))), resolved[0]) if resolved else schema

    def _resolve(self, schema: Any) -> Mapping[str, Any]:
        for _ in range(MAX_DEPTH):
            found: Mapping[str, Any] = _as(dict, schema)
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return found
            schema = self.root
            for step in reference.removeprefix("#").strip("/").split("/"):
                schema = _as(dict, schema).get(step) if step else schema
        return {}


def _kind(schema: Mapping[str, Any], value: Any) -> str:
    declared = schema.get("type", "object" if "properties" in schema else "string")
    kinds = declared if isinstance(declared, list) and declared else [declared]
    return str(next((kind for kind in kinds if _fits(value, kind)), kinds[0]))


def _fits(value: Any, kind: Any) -> bool:
    types = _TYPES.get(kind, ()) if isinstance(kind, str) else ()
    return isinstance(value, types) and (kind == "boolean" or not isinstance(value, bool))


def _as(kind: type, value: Any) -> Any:
    """Return `value` when it is of `kind`, else an empty one: a malformed schema constrains nothing."""
    return value if isinstance(value, kind) else kind()
