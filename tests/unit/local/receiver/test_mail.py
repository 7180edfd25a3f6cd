from __future__ import annotations

from email.message import EmailMessage

from bongsu.local.receiver.mail import body


def test_subject_text_and_html_are_kept_as_written() -> None:
    message = EmailMessage()
    message["Subject"] = "[경고] 응답 지연 😟"
    message["X-Alert"] = "LatencyHigh"
    message.set_content("응답 시간이 10초를 넘었습니다.\n")
    message.add_alternative("<b>응답 지연</b>\n", subtype="html")
    kept = body(message.as_bytes(), "am@localhost", ["ops@localhost"])
    assert kept["subject"] == "[경고] 응답 지연 😟"
    assert kept["text"].replace("\r\n", "\n") == "응답 시간이 10초를 넘었습니다.\n"
    assert kept["html"].strip() == "<b>응답 지연</b>"
    assert kept["headers"]["X-Alert"] == "LatencyHigh"
    assert (kept["from"], kept["to"]) == ("am@localhost", ["ops@localhost"])


def test_a_message_without_form_is_still_kept() -> None:
    assert body(b"", "", ["a@b"])["text"] == ""
    assert body(b"Content-Type: text/plain; charset=klingon\n\nhi", "", ["a@b"])["text"] == "hi"
