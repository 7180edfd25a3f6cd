"""A web search that speaks SearXNG's JSON and searches a folder of Markdown pages.

`GET /search?q=...&format=json` answers as a SearXNG instance with the JSON format enabled would: same keys, same
refusals. Each result's `url` is a page that this process serves: a citation of it resolves and holds the quoted text.
Source of the wire format: https://github.com/searxng/searxng, searx/webapp.py and searx/webutils.py
"""
