"""Keeping a cluster's secret: the vault opened when it is needed, by a person where it takes one."""

from __future__ import annotations

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.login_messages import secret_missing
from pxm_tui.domain.messages import secrets_locked
from pxm_tui.domain.secret import Secret
from pxm_tui.services.dialog import Dialog, PassphraseQuestion
from pxm_tui.services.ports import Credentials, SecretStore

SHORTEST_PASSPHRASE = 8
"""Characters that a new passphrase has at least."""


async def open_vault(secrets: SecretStore, dialog: Dialog) -> None:
    """Open the secret store, asking for its passphrase until it is right.

    Declining to choose a passphrase for a new vault keeps the secrets in memory, for this run.

    Raises:
        StorageError: it stays closed.
    """
    state = await secrets.state()
    if not state.open:
        state = await secrets.reopen()  # a lock ends where somebody wants what is behind it
    wrong = False
    while not state.open:
        passphrase = await dialog.passphrase(PassphraseQuestion(new=not state.exists, wrong=wrong))
        if passphrase is None and state.exists:
            raise secrets_locked("The secret store is locked, and no passphrase was given.")
        if passphrase is None:
            await secrets.choose_ask()
        else:
            try:
                await secrets.unlock(passphrase)
            except InvalidError:
                wrong = True
        state = await secrets.state()


async def stored_credentials(secrets: SecretStore, cluster: Cluster) -> Credentials:
    """The credentials of a registered cluster.

    Raises:
        LoginError: `secret_missing`.
        StorageError: the store is locked.
    """
    secret: Secret | None = await secrets.get(cluster.id, cluster.login)
    if secret is None:
        raise secret_missing(cluster.name)
    return Credentials(cluster.login.method, cluster.login.user, secret, cluster.login.token_id)
