"""A deterministic, extractive provider that speaks the OpenAI wire format.

It sees the request and nothing else: no corpus, no store, no network. Whatever it answers is made of sentences that
stood in the request, so a citation in its answer is real or absent.

The convention (plain prompts: a real model does the same task from the same words)
------------------------------------------------------------------------------------
The first line of the first system (or developer) message may name the task:

`TASK: plan`
    The last user message is the question, or JSON `{"question": "...", "earlier": [{"question", "answer"}, ...]}` when
    it follows others: one that refers back is understood with the question before it. The answer is JSON:
    `{"researchers": [{"tool": "documents" | "web", "query": "..."}, ...]}`, one to four of them. A short question on
    one topic gets one `documents` researcher; a question with several parts, an "and", a comparison or a wish for the
    latest news gets `documents` for each part (three at most) and one `web` for the whole.

`TASK: synthesize`
    The last user message is JSON:
    `{"question": "...", "passages": [{"number": 1, "title": "...", "text": "..."}, ...]}`.
    `earlier` may stand beside them, as above.
    The answer is prose: sentences taken from the passages word for word (whitespace runs become one space), each
    followed by one space and its citation marker `[number]`. Two passages are cited when two are relevant. When none
    answers, the answer is "The given passages do not answer this.", without a marker.

Any other request gets the sentences of its last user message that matter most to the question in it.

Tokens are counted by `tokens.count`: an approximation that is stable across versions of this package, not a tokenizer.
Rate-limit headers count down a bucket but are never enforced: injecting limits is the fault proxy's work.
"""
