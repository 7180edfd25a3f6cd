"""What the watcher knows and when it speaks: once when a part falls silent, once when it is back; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

PROMETHEUS, ALERTMANAGER, RECEIVER, PIPELINE = PARTS = ("prometheus", "alertmanager", "receiver", "pipeline")
"""The pipeline is the way of the heartbeat: evaluated, sent, routed, delivered."""
_MEANS = {
    PROMETHEUS: (
        "Prometheus does not answer: no alert is evaluated.",
        "Prometheus가 응답하지 않습니다. 어떤 경보도 평가되지 않습니다.",
    ),
    ALERTMANAGER: (
        "Alertmanager does not answer: no alert is delivered.",
        "Alertmanager가 응답하지 않습니다. 어떤 경보도 전달되지 않습니다.",
    ),
    RECEIVER: (
        "The receiver of notifications does not answer: nobody is told.",
        "알림 수신기가 응답하지 않습니다. 아무도 알림을 받지 못합니다.",
    ),
    PIPELINE: (
        "Every part answers, but no heartbeat arrives: rules are not evaluated, or alerts are lost on the way.",
        "모든 부분이 응답하지만 하트비트가 도착하지 않습니다. 규칙이 평가되지 않거나 경보가 도중에 사라집니다.",
    ),
}
_BACK = ("is back.", "다시 정상입니다.")


@dataclass(frozen=True, slots=True)
class Message:
    """What to tell: a part fell silent (`firing`) or is back (`resolved`)."""

    part: str
    status: str
    text: str
    text_ko: str


@dataclass(slots=True)
class Watch:
    """When each part was last well, and which of them people were told about.

    `late` seconds of silence are an incident; a part that nobody gave an address for is not watched.
    """

    late: float
    well: dict[str, float]
    told: set[str] = field(default_factory=set)

    def seen(self, part: str, at: float) -> None:
        """Note that a part was well at a time; an older time than the known one changes nothing."""
        if part in self.well:
            self.well[part] = max(self.well[part], at)

    def due(self, now: float) -> list[Message]:
        """Return what is to be said now; it is due again until `done` says that it was delivered.

        A silent pipeline is not told while another part is on its way to an incident: one incident, one message.
        """
        silent = {part for part, at in self.well.items() if now - at > self.late}
        ailing = {part for part, at in self.well.items() if now - at > self.late / 2} - {PIPELINE}
        if ailing and PIPELINE not in self.told:
            silent.discard(PIPELINE)
        new = [self._message(part, "firing", now) for part in PARTS if part in silent - self.told]
        over = [self._message(part, "resolved", now) for part in PARTS if part in self.told - silent]
        return new + over

    def done(self, message: Message) -> None:
        """Note that a message was delivered."""
        if message.status == "firing":
            self.told.add(message.part)
        else:
            self.told.discard(message.part)

    def _message(self, part: str, status: str, now: float) -> Message:
        since = datetime.fromtimestamp(self.well[part], UTC).isoformat(timespec="seconds")
        if status == "resolved":
            return Message(part, status, f"{part} {_BACK[0]}", f"{part}: {_BACK[1]}")
        seconds = round(now - self.well[part])
        en, ko = _MEANS[part]
        return Message(
            part, status, f"{en} Last well {since}, {seconds} s ago.", f"{ko} 마지막 정상: {since}, {seconds}초 전."
        )
