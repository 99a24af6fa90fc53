"""What the tests of the vault share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from keyring.backends import fail

from pxm_tui.domain.cluster import Login, LoginMethod
from pxm_tui.domain.secret import Secret
from pxm_tui.storage.vault import SecretVault
from tests.storage.fake_keyring import keyring_with

TOKEN = Login(LoginMethod.TOKEN, "root@pam", "root@pam!pxm", secret_id="5e1f00000000beef")
PASSWORD = Login(LoginMethod.PASSWORD, "root@pam", secret_id="5e1f00000000cafe")
PASSPHRASE = Secret("open sesame, please")
SECRET = Secret("s3cret-of-the-test")
OTHERS = (
    PASSWORD,
    replace(TOKEN, secret_id="5e1f00000000f00d"),
    replace(TOKEN, token_id="root@pam!other"),
    replace(TOKEN, secret_id=None),
    replace(PASSWORD, secret_id=None),
)
NO_KEYRING = keyring_with(fail.Keyring())  # type: ignore[no-untyped-call]

Make = Callable[..., SecretVault]
