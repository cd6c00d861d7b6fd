"""Training and serving: one room an engine, and `run`, the door where engines meet the store."""
