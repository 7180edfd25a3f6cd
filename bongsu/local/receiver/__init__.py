"""Receive what Alertmanager sends, record it, and stand for the phone and SMS hop behind PagerDuty.

**No SMS is sent and no phone rings here.** In production PagerDuty (or a service like it) opens one incident per
dedup key and calls people once for it; Alertmanager takes the dedup key from its group key. This process does that one
thing and writes the calls down: a `trigger` whose dedup key has no open incident delivers one `sms` and one `phone`;
further triggers of an open incident deliver nothing; `resolve` closes it. So "one incident, one page" can be measured.

Every notification is appended to a JSONL file and synced to disk before it is answered, with its texts as received. A
PagerDuty routing key is a credential: the record keeps its last four characters only.

`--drop CHANNEL` is a planted defect for proofs: that channel is answered as usual and forgotten.
"""
