"""Stand-ins for the outside world, each a process of its own that speaks the real wire format.

`python -m bongsu.local.provider` (OpenAI), `python -m bongsu.local.search` (SearXNG) and
`python -m bongsu.local.receiver` (PagerDuty, Slack, Alertmanager webhook, SMTP). All bind 127.0.0.1, take `--port 0`
for a free port, print one JSON line with their addresses when they accept connections, and end with exit code 0 on
SIGTERM. README.md says what they promise.
"""
