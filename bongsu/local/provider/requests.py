"""Parse and validate request bodies into frozen values; every refusal is an OpenAI error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.local.provider import errors, tokens
from bongsu.local.provider.embed import DEFAULT_DIMENSIONS
from bongsu.local.provider.models import MODELS, Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROLES = ("system", "assistant", "user", "function", "tool", "developer")
MAX_MESSAGES = 2048
MAX_CHOICES = 8
MAX_STOPS = 4
MAX_INPUTS = 2048
MAX_INPUT_TOKENS_TOTAL = 300_000

_CHAT_PARAMETERS = frozenset(
    """
    audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages
    metadata modalities model n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_retention
    reasoning_effort response_format safety_identifier seed service_tier stop store stream stream_options temperature
    tool_choice tools top_logprobs top_p user verbosity web_search_options
    """.split()  # noqa: SIM905 - one word a line would be a page
)
_EMBEDDING_PARAMETERS = frozenset({"model", "input", "dimensions", "encoding_format", "user"})


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; content parts are joined by newlines."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One chat completion to make; `schema` only with `format` json_schema; `max_tokens` bounds the answer."""

    model: Model
    messages: tuple[Message, ...]
    prompt_tokens: int
    max_tokens: int
    stop: tuple[str, ...] = ()
    choices: int = 1
    stream: bool = False
    include_usage: bool = False
    format: str = "text"
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """The texts (or lists of token numbers) to embed."""

    model: Model
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int
    base64: bool
    prompt_tokens: int


def parse_chat(body: Mapping[str, Any]) -> ChatRequest:
    """Return the chat request in `body`; raise RefusedError as OpenAI would."""
    model = _model(body, _CHAT_PARAMETERS, embeddings=False)
    if body.get("messages") is None:
        raise errors.missing("messages")
    messages = _messages(body["messages"])
    form, schema = _response_format(body.get("response_format"), messages)
    prompt_tokens = tokens.count_messages([message.text for message in messages])
    stream = _boolean(body, "stream")
    _refuse_what_is_not_done(body)
    return ChatRequest(
        model=model,
        messages=messages,
        prompt_tokens=prompt_tokens,
        max_tokens=_max_tokens(body, model, prompt_tokens),
        stop=_stop(body.get("stop")),
        choices=_integer(body, "n", low=1, high=MAX_CHOICES, default=1),
        stream=stream,
        include_usage=stream and _include_usage(body),
        format=form,
        schema=schema,
    )


def parse_embeddings(body: Mapping[str, Any]) -> EmbeddingRequest:
    """Return the embedding request in `body`; raise RefusedError as OpenAI would."""
    model = _model(body, _EMBEDDING_PARAMETERS, embeddings=True)
    if body.get("input") is None:
        raise errors.missing("input")
    inputs = _inputs(body["input"])
    sizes = [tokens.count(item) if isinstance(item, str) else len(item) for item in inputs]
    longest, total = max(sizes), sum(sizes)
    if longest > model.context:
        raise errors.RefusedError(
            400,
            f"This model's maximum context length is {model.context} tokens, however you requested {longest} tokens "
            f"({longest} in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
        )
    if total > MAX_INPUT_TOKENS_TOTAL:
        raise errors.RefusedError(
            400,
            f"Requested {total} tokens, max {MAX_INPUT_TOKENS_TOTAL} tokens per request",
            code="max_tokens_per_request",
            kind="max_tokens_per_request",
        )
    encoding = body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise errors.wrong_value(
            "encoding_format", f"Invalid value: {encoding!r}. Supported values are: 'float' and 'base64'."
        )
    return EmbeddingRequest(
        model=model,
        inputs=inputs,
        dimensions=_integer(body, "dimensions", low=1, high=model.dimensions, default=DEFAULT_DIMENSIONS),
        base64=encoding == "base64",
        prompt_tokens=total,
    )


def _model(body: Mapping[str, Any], known: frozenset[str], *, embeddings: bool) -> Model:
    for parameter in body:
        if parameter not in known:
            raise errors.unknown_parameter(parameter)
    name = body.get("model")
    if not name:
        raise errors.RefusedError(400, "you must provide a model parameter")
    if not isinstance(name, str):
        raise errors.wrong_type("model", "a string", name)
    model = MODELS.get(name)
    if model is None:
        raise errors.no_model(name)
    if bool(model.dimensions) != embeddings:
        raise errors.RefusedError(
            403 if embeddings else 404,
            f"You are not allowed to generate embeddings from this model: {name}"
            if embeddings
            else "This is not a chat model and thus not supported in the v1/chat/completions endpoint.",
            param=None if embeddings else "model",
        )
    return model


def _messages(value: Any) -> tuple[Message, ...]:
    if not isinstance(value, list):
        raise errors.wrong_type("messages", "an array of objects", value)
    if not value:
        raise errors.RefusedError(
            400,
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            code="empty_array",
            param="messages",
        )
    if len(value) > MAX_MESSAGES:
        raise errors.RefusedError(
            400,
            f"Invalid 'messages': array too long. Expected an array with maximum length {MAX_MESSAGES}, "
            f"but got an array with length {len(value)} instead.",
            code="array_above_max_length",
            param="messages",
        )
    return tuple(_message(f"messages[{i}]", message) for i, message in enumerate(value))


def _message(where: str, value: Any) -> Message:
    if not isinstance(value, dict):
        raise errors.wrong_type(where, "an object", value)
    role = value.get("role")
    if role is None:
        raise errors.missing(f"{where}.role")
    if role not in ROLES:
        names = ", ".join(f"'{name}'" for name in ROLES[:-1])
        message = f"Invalid value: '{role}'. Supported values are: {names}, and '{ROLES[-1]}'."
        raise errors.wrong_value(f"{where}.role", message)
    content = value.get("content")
    if content is None:
        if role == "assistant" and (value.get("tool_calls") or value.get("refusal")):
            return Message(role, "")
        raise errors.missing(f"{where}.content")
    if isinstance(content, list):
        return Message(role, "\n".join(_part(f"{where}.content[{i}]", part) for i, part in enumerate(content)))
    if not isinstance(content, str):
        raise errors.wrong_type(f"{where}.content", "one of a string or array of objects", content)
    return Message(role, content)


def _part(where: str, value: Any) -> str:
    if not isinstance(value, dict):
        raise errors.wrong_type(where, "an object", value)
    if value.get("type") != "text":
        raise errors.unsupported(f"{where}.type", value.get("type"))
    text = value.get("text")
    if not isinstance(text, str):
        raise errors.wrong_type(f"{where}.text", "a string", text)
    return text


def _response_format(value: Any, messages: Sequence[Message]) -> tuple[str, Mapping[str, Any] | None]:
    if value is None:
        return "text", None
    if not isinstance(value, dict):
        raise errors.wrong_type("response_format", "an object", value)
    kind = value.get("type")
    if kind == "json_schema":
        return "json_schema", _schema(value.get("json_schema"))
    if kind == "json_object" and not any("json" in message.text.lower() for message in messages):
        raise errors.RefusedError(
            400,
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )
    if not isinstance(kind, str) or kind not in ("text", "json_object"):
        raise errors.wrong_value(
            "response_format.type",
            f"Invalid value: {kind!r}. Supported values are: 'json_object', 'json_schema', and 'text'.",
        )
    return kind, None


def _schema(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise errors.missing("response_format.json_schema")
    if not isinstance(value.get("name"), str):
        raise errors.missing("response_format.json_schema.name")
    schema = value.get("schema", {})
    if not isinstance(schema, dict):
        raise errors.wrong_type("response_format.json_schema.schema", "an object", schema)
    return schema


def _max_tokens(body: Mapping[str, Any], model: Model, prompt_tokens: int) -> int:
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    asked = _integer(body, name, low=1, high=None, default=0)
    if asked > model.max_output:
        raise errors.wrong_value(
            name,
            f"{name} is too large: {asked}. This model supports at most {model.max_output} completion tokens, "
            f"whereas you provided {asked}.",
        )
    if prompt_tokens + asked > model.context:
        raise errors.context_length(model.context, prompt_tokens, asked)
    return asked or min(model.max_output, model.context - prompt_tokens)


def _stop(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or len(stops) > MAX_STOPS or not all(isinstance(s, str) and s for s in stops):
        raise errors.wrong_type("stop", "one of a string or an array of up to 4 strings", value)
    return tuple(stops)


def _include_usage(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options") or {}
    if not isinstance(options, dict):
        raise errors.wrong_type("stream_options", "an object", options)
    return _boolean(options, "include_usage")


def _refuse_what_is_not_done(body: Mapping[str, Any]) -> None:
    """Refuse what a caller would wait for in vain; sampling parameters are accepted, since nothing is sampled."""
    for name in ("audio", "functions", "logprobs", "tools", "web_search_options"):
        if body.get(name):
            raise errors.unsupported(name, body[name])
    if body.get("stream_options") and not body.get("stream"):
        raise errors.wrong_value(
            "stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        )


def _inputs(value: Any) -> tuple[str | tuple[int, ...], ...]:
    items = [value] if isinstance(value, str) or (isinstance(value, list) and _is_tokens(value)) else value
    if not isinstance(items, list) or not items or len(items) > MAX_INPUTS:
        raise _bad_input()
    inputs: list[str | tuple[int, ...]] = []
    for item in items:
        if isinstance(item, str) and item:
            inputs.append(item)
        elif isinstance(item, list) and _is_tokens(item):
            inputs.append(tuple(item))
        else:
            raise _bad_input()
    return tuple(inputs)


def _is_tokens(value: list[Any]) -> bool:
    return bool(value) and all(type(token) is int and token >= 0 for token in value)


def _bad_input() -> errors.RefusedError:
    return errors.RefusedError(
        400,
        "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
    )


def _boolean(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise errors.wrong_type(name, "a boolean", value)
    return bool(value)


def _integer(body: Mapping[str, Any], name: str, *, low: int, high: int | None, default: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if type(value) is not int:
        raise errors.wrong_type(name, "an integer", value)
    if value < low:
        raise errors.RefusedError(
            400,
            f"Invalid '{name}': integer below minimum value. Expected a value >= {low}, but got {value} instead.",
            code="integer_below_min_value",
            param=name,
        )
    if high is not None and value > high:
        raise errors.RefusedError(
            400,
            f"Invalid '{name}': integer above maximum value. Expected a value <= {high}, but got {value} instead.",
            code="integer_above_max_value",
            param=name,
        )
    return value
