"""Loggers, by the names of the key `log`: each records what metrics.jsonl has in a place of its own."""
