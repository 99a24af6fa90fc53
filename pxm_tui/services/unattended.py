"""Work without a person: nothing is trusted, no code is known, the secret store opens by itself or not at all."""

from __future__ import annotations

from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.messages import secret_store
from pxm_tui.domain.secret import Secret
from pxm_tui.services.dialog import PassphraseQuestion, Silent

_NO_VAULT = (
    "There is no keyring on this machine, and nobody to ask for the passphrase of the secret store. "
    "Nothing was saved, nothing was left on the cluster."
)
_LOCKED = "The secret store is locked, and there is nobody to ask for its passphrase."
_WRONG = "The passphrase of the secret store was not the right one."
_USE_FILE = (
    "Put the passphrase into a file that only you can read (`chmod 600`) and name it in PXM_VAULT_PASSPHRASE_FILE, "
    "or run this on a terminal once."
)


def nobody_to_ask(question: PassphraseQuestion) -> StorageError:
    """The error where the secret store's passphrase is needed and there is nobody to ask.

    A passphrase that is wrong without a person came from a file.
    """
    return secret_store(_WRONG if question.wrong else _NO_VAULT if question.new else _LOCKED, _USE_FILE)


class Unattended(Silent):
    """Implements `services.dialog.Dialog` for programs."""

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """Raise `StorageError`: secrets held in memory only would be lost without anybody knowing."""
        raise nobody_to_ask(question)
