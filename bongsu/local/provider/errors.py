"""The error bodies of the OpenAI API, word for word where public issues quote them.

Sources: openai/openai-python#1434 (no key), https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

from bongsu.core.errors import BongsuError


class RefusedError(BongsuError):
    """Refuse a request with a status and an OpenAI error body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.kind = status, code, param, kind

    def body(self) -> dict[str, object]:
        """Return the JSON body of the response."""
        return {"error": {"message": self.what, "type": self.kind, "param": self.param, "code": self.code}}


def no_key() -> RefusedError:
    """Refuse a request without an API key."""
    return RefusedError(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the "
        "API from your browser and are prompted for a username and password. You can obtain an API key from "
        "https://platform.openai.com/account/api-keys.",
    )


def wrong_key(key: str) -> RefusedError:
    """Refuse an API key that is not (or no longer) valid; the message shows its ends only."""
    shown = f"{key[:4]}****{key[-4:]}" if len(key) > 12 else "****"  # noqa: PLR2004 - shorter keys would be shown whole
    return RefusedError(
        401,
        f"Incorrect API key provided: {shown}. You can find your API key at https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def bad_json() -> RefusedError:
    """Refuse a body that is not a JSON object."""
    return RefusedError(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
        "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
    )


def too_large(limit: int) -> RefusedError:
    """Refuse a body longer than `limit` bytes."""
    return RefusedError(400, f"Your request body is too large: the limit is {limit} bytes.", code="request_too_large")


def missing(param: str) -> RefusedError:
    """Refuse a request that lacks a parameter."""
    return RefusedError(400, f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param)


def unknown_parameter(param: str) -> RefusedError:
    """Refuse a parameter the API does not have."""
    return RefusedError(400, f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)


def wrong_type(param: str, expected: str, value: object) -> RefusedError:
    """Refuse a parameter of the wrong JSON type."""
    return RefusedError(
        400,
        f"Invalid type for '{param}': expected {expected}, but got {_json_type(value)} instead.",
        code="invalid_type",
        param=param,
    )


def wrong_value(param: str, message: str) -> RefusedError:
    """Refuse a parameter whose value is out of its set or range."""
    return RefusedError(400, message, code="invalid_value", param=param)


def unsupported(param: str, value: object) -> RefusedError:
    """Refuse what the wire format allows and this provider does not do."""
    return RefusedError(
        400,
        f"Unsupported value: '{param}' does not support {value!r} with this model.",
        code="unsupported_value",
        param=param,
    )


def no_model(name: str) -> RefusedError:
    """Refuse a model that is not in the list."""
    return RefusedError(
        404, f"The model `{name}` does not exist or you do not have access to it.", code="model_not_found"
    )


def context_length(limit: int, prompt: int, completion: int) -> RefusedError:
    """Refuse a prompt that leaves no room in the context window; all in tokens."""
    if completion:
        detail = (
            f"However, you requested {prompt + completion} tokens ({prompt} in the messages, {completion} in the "
            "completion). Please reduce the length of the messages or completion."
        )
    else:
        detail = f"However, your messages resulted in {prompt} tokens. Please reduce the length of the messages."
    return RefusedError(
        400,
        f"This model's maximum context length is {limit} tokens. {detail}",
        code="context_length_exceeded",
        param="messages",
    )


def _json_type(value: object) -> str:
    names: dict[type, str] = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "null")
