"""The research assistant: the LLM multi-agent system that bongsu watches, breaks and heals."""
