"""Adapters that keep things: cluster repositories (TinyDB, in memory), the vault of secrets, the cache."""
