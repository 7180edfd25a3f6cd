"""The page: a client of the API that runs in its process and speaks HTML (docs/page.md)."""
