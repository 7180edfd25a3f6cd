"""Tenants, sessions and streams in the whole system: what is uploaded is answered from, by its tenant alone."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import chromadb
import pytest
from research_assistant.retrieval.index import COLLECTION, TENANT

from tests.real.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.support.assistant import Assistant


FACT = "The Namsan beacon zorblax is tended by keeper Quillfeather."
QUESTION = "Who tends the Namsan beacon zorblax?"
MARKDOWN = {"Content_Type": "text/markdown"}


@pytest.fixture
def other(assistant: Assistant) -> str:
    """Give the key of another tenant."""
    file = assistant.folder / "guest-key"
    file.write_text("guest-key-of-sufficient-length-0123", encoding="utf-8")
    assistant.call("keys", "add", "guest", "--tenant", "guests", "--scopes", "ask,read", "--key-file", str(file))
    return file.read_text(encoding="utf-8")


@pytest.fixture
def uploaded(assistant: Assistant) -> Iterator[str]:
    """Give the id of a document of the test's tenant; it is deleted at the end."""
    body = f"# The Namsan beacon zorblax\n\n{FACT}\n".encode()
    reply = assistant.http("POST", "/v1/documents?name=namsan.md", body, **MARKDOWN)
    assert reply.status == 201, reply.body
    yield reply.json["id"]
    assert assistant.http("DELETE", f"/v1/documents/{reply.json['id']}").status == 204


def ask(assistant: Assistant, question: str, key: str = "", **more: Any) -> Any:
    """Return the final run of a question."""
    content = json.dumps({"question": question, **more}).encode()
    path = assistant.http("POST", "/v1/runs", content, key=key).json["links"]["self"]

    def final() -> Any:
        run = assistant.http("GET", path, key=key).json
        return run if run["state"] in ("done", "failed") else None

    return until(final, "the run ends")


def audited(assistant: Assistant, *options: str) -> Any:
    """Return what the audit says of the index once it was rolled forward behind the last upload."""
    assistant.call("index", "roll-forward")
    return json.loads(assistant.call("index", "audit", *options, check=False).stdout.splitlines()[-1])


def test_an_upload_answers_its_tenant_and_nobody_else(assistant: Assistant, uploaded: str, other: str) -> None:
    run = ask(assistant, QUESTION)
    assert FACT in run["answer"]
    (url,) = {citation["url"] for citation in run["citations"] if uploaded in citation["url"]}
    assert FACT in assistant.http("GET", url).body.decode()
    assert assistant.http("GET", url, key=None).status == 404
    assert assistant.http("GET", url, key=other).status == 404
    foreign = ask(assistant, QUESTION, other)
    assert "Quillfeather" not in json.dumps(foreign)
    assert uploaded not in json.dumps(foreign)


def test_a_question_that_refers_back_is_understood_in_its_session(assistant: Assistant, uploaded: str) -> None:
    session = assistant.http("POST", "/v1/sessions", b"").json["id"]
    first = ask(assistant, "What is the Namsan beacon zorblax?", session_id=session)
    assert first["state"] in ("done", "failed")
    answered = ask(assistant, QUESTION, session_id=session)
    follow_up = ask(assistant, "And who tends it?", session_id=session)
    alone = ask(assistant, "And who tends it?")
    assert answered["state"] == follow_up["state"] == "done"
    assert FACT in follow_up["answer"]
    assert FACT not in (alone["answer"] or "")
    shown = assistant.http("GET", f"/v1/sessions/{session}").json["items"]
    assert [run["id"] for run in shown] == [follow_up["id"], answered["id"], first["id"]]
    assert uploaded


def test_the_audit_finds_a_vector_that_is_marked_as_anothers_and_heals_it(assistant: Assistant, uploaded: str) -> None:
    assert audited(assistant)["wrong"] == 0
    port = int(assistant.chroma.url.rsplit(":", 1)[1])
    collection = chromadb.HttpClient("127.0.0.1", port).get_collection(COLLECTION, embedding_function=None)
    mine = collection.get(where={TENANT: "t:test"})["ids"]
    assert mine
    collection.update(ids=mine, metadatas=[{TENANT: "shared"} for _ in mine])
    assert audited(assistant)["wrong"] == len(mine)
    assert audited(assistant, "--heal")["healed"] == len(mine)
    assert collection.get(where={TENANT: "t:test"})["ids"] == mine
    assert uploaded


def test_a_stream_over_the_wire_shows_each_node_and_ends(assistant: Assistant) -> None:
    path = assistant.submit("What is a lease?").json["links"]["events"]
    connection = http.client.HTTPConnection(assistant.url.removeprefix("http://"), timeout=60)
    connection.request("GET", path, headers={"Authorization": f"Bearer {assistant.key}"})
    reply = connection.getresponse()
    assert (reply.status, reply.headers["Cache-Control"]) == (200, "no-store")
    told = [line.removeprefix("event: ") for line in reply.read().decode().splitlines() if line.startswith("event: ")]
    connection.close()
    assert (told[0], told[-1]) == ("queued", "done")
    assert told.count("started") == told.count("finished") >= 4


def test_usage_shows_what_the_tenants_own_runs_cost(assistant: Assistant, other: str) -> None:
    before = assistant.http("GET", "/v1/usage").json
    ask(assistant, "What is a lease?")
    after, foreign = (assistant.http("GET", "/v1/usage", key=key).json for key in ("", other))
    assert after["usd"] > before["usd"]
    assert after["days"][0]["input_tokens"] > 0
    assert foreign["tenant"] == "guests"


def test_a_revoked_key_and_a_missing_scope_are_refused(assistant: Assistant, other: str) -> None:
    reply = assistant.http("POST", "/v1/documents?name=x.md", b"text", key=other, **MARKDOWN)
    assert (reply.status, reply.headers["content-type"]) == (403, "application/problem+json")
    assert "guest\tguests\task,read" in assistant.call("keys", "list").stdout
    assistant.call("keys", "revoke", "guest")
    until(lambda: assistant.http("GET", "/v1/runs", key=other).status == 401, "the key is refused", 5)
    assert assistant.call("keys", "revoke", "guest", check=False).returncode == 2
