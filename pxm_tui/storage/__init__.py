"""Adapters that keep things: cluster repositories (TinyDB, in memory), the vault of secrets, the cache, the audit.

And what is about to be made on a cluster, the REST API's tokens, and what a face remembers. A file that is replaced is
replaced by `atomic` alone, so that no other program ever sees half of it.
"""
