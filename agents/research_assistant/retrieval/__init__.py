"""Finding passages: PostgreSQL holds the truth, Chroma and BM25 only rank."""
