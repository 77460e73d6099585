"""Open questions: what neither the knowledge base nor a policy answers goes to a local LLM."""
