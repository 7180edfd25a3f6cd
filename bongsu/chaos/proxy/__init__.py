"""The fault proxy: a process that stands between a client and an upstream and breaks the wire on command.

HTTP/1.1 on bare asyncio streams (uvloop): bytes pass through as they come, one upstream connection per client
connection. Faults come over a unix socket (mode 0600) as JSON lines, each with a lease: when nobody renews it, the
proxy undoes the fault by itself, so a runner that dies cannot leave the system broken. Every hit is one line of the
ledger.

Control requests, one JSON object a line, each answered by one:
    {"op": "inject", "fault": {"kind": "http-error", "status": 500, "match": {"path": "/v1/chat/completions"}},
     "lease_seconds": 10}                                -> {"ok": true, "id": "f1"}; "id" may be given to choose it
    {"op": "renew", "id": "f1", "lease_seconds": 10}     -> {"ok": true, "id": "f1"}
    {"op": "undo", "id": "f1"}                           -> {"ok": true, "id": "f1", "was_active": true}
    {"op": "status"}                                     -> {"ok": true, "requests": 7, "faults": [{"id", ...}], ...}
A refusal is {"ok": false, "error": "what is wrong"}.

Every fault takes `match.path` (prefix of the path, default "/"), `probability` (default 1) and `seed` (default 0):
request number n is hit when Random(f"{seed}:{id}:{n}") says so. n is the order of arrival, so a replay needs sequential
traffic. kinds.py lists the kinds and their parameters.

A path is recorded without its query string, which may hold a key. A dead upstream is passed on as what it is: the
client's connection ends, never dressed up as a 502.
"""
