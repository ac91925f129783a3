"""One module per file a user writes: its pydantic models, which also make its JSON Schema."""
