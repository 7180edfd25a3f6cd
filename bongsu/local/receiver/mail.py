"""The SMTP side of the receiver: each accepted message becomes one e-mail notification per message."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, Envelope, Session

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from email.message import EmailMessage

    from bongsu.local.receiver.record import Record

MAX_MESSAGE = 1024 * 1024
MAX_RECIPIENTS = 100


class Inbox:
    """Record each message that a client hands over."""

    def __init__(self, record: Record) -> None:
        self._record = record

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds hooks by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient, up to MAX_RECIPIENTS."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Record the message, then say so."""
        content = envelope.original_content or b""
        recipients = [str(address) for address in envelope.rcpt_tos]
        self._record.add("email", recipients[0], body(content, str(envelope.mail_from or ""), recipients))
        return "250 2.0.0 OK: recorded"


def protocol(record: Record, loop: asyncio.AbstractEventLoop) -> Callable[[], SMTP]:
    """Return the factory of SMTP sessions for `loop.create_server`."""
    inbox = Inbox(record)
    return lambda: SMTP(
        inbox,
        data_size_limit=MAX_MESSAGE,
        hostname="localhost",
        ident="bongsu receiver",
        enable_SMTPUTF8=True,
        loop=loop,
    )


def body(content: bytes, sender: str, recipients: list[str]) -> dict[str, Any]:
    """Return what the record keeps of a message: envelope, subject, headers, plain text and HTML as written."""
    message: EmailMessage = message_from_bytes(content, policy=policy.default)
    return {
        "from": sender,
        "to": recipients,
        "subject": str(message.get("Subject", "")),
        "headers": {name: str(value) for name, value in message.items()},
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
    }


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    charset = part.get_content_charset("utf-8")
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(charset, "replace")
    except LookupError:  # a charset nobody knows: show what can be shown
        return raw.decode("utf-8", "replace")
