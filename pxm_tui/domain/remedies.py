"""What a person does next, as the command line and the REST API say it: messages are made of these phrases.

The terminal UI has a key, a field or a button for each of them, and says that instead (`pxm_tui.tui.remedies`). No
message names a key: the same words stand in a record, in JSON and in a log.
"""

from __future__ import annotations

LOG_IN_AGAIN = "log in again: `pxm edit NAME` with a login"
CHECK_AGAIN = "check it again: `pxm check NAME`"
SEE_AGAIN = "Then check again."
COMPARE = "trust the new one: `pxm edit NAME --fingerprint SHA256`"
TRUST = "give its fingerprint (`--fingerprint`), or its authority (`--ca-file`)"
GIVE_CODE = "Give the code (`--otp-stdin`)."
BY_TOKEN = " (`--token-id`)"  # noqa: S105
GIVE_OWNER = "Give a login that may: `--user USER@REALM --password-stdin`."
GIVE_ROLE = "Say which role the new one is to have: `--token-role auditor`, `operator` or `all`."
ROLE_ALL = "`--token-role all` makes one"
KEEP_PASSWORD = "keep the password (`--no-token`)"  # noqa: S105
SEPARATE = "`--separate`"
MAKE_WRITABLE = "`pxm edit NAME --no-read-only`"
UNLOCK = "Unlock it and try again, or choose another way to keep secrets: `pxm vault`."
GIVE_PASSPHRASE = "Give its passphrase, or PXM_VAULT_PASSPHRASE_FILE."  # noqa: S105


def rotate(name: str) -> str:
    """Replace the token of a cluster."""
    return f"`pxm rotate {name}`"
