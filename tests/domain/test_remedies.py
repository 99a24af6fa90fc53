"""No message names a key; each face says by its own means what to do."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

import pxm_tui
from pxm_tui.domain import certificate_messages, expiry, guard, login_messages, messages, remedies, token_messages
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import PxmError
from pxm_tui.tui.remedies import ON_SCREEN, on_screen
from tests.fakes import certificate, cluster

HERE = Endpoint("pve1")
KEY = re.compile(r"`[a-zA-Z]`|`:[a-z-]+`|[Pp]ress ")
OPTION = re.compile(
    r"--(fingerprint|ca-file|otp-stdin|token-id|no-token|token-role|separate|password-stdin)\b|`pxm edit"
)
PROD = cluster("prod")

ERRORS: list[PxmError] = [
    certificate_messages.untrusted(HERE, certificate()),
    certificate_messages.changed(HERE, "2025-11-03", certificate()),
    login_messages.credentials(HERE, "root@pam", "authentication failure"),
    login_messages.second_factor_needed("root@pam"),
    login_messages.second_factor_needed("root@pam", ("webauthn",)),
    login_messages.second_factor_unfit("root@pam", ("totp",)),
    login_messages.openid_realm(HERE, "anna", "sso", ["pam"]),
    login_messages.secret_missing("prod"),
    login_messages.saved_without_secret("prod"),
    login_messages.missing_privilege("guests", "VM.Audit", "/vms"),
    *(
        login_messages.token(HERE, "monitor@pve!pxm", said)
        for said in (
            "",
            "token 'pxm' access expired",
            "no such token",
            "invalid token value",
            "no such user ('a@pve')",
            "user 'a@pve' is disabled",
            "user 'a@pve' access expired",
        )
    ),
    messages.secret_store("The keyring is locked."),
    messages.secrets_locked(),
    messages.same_cluster(PROD, HERE),
    messages.same_cluster(PROD, PROD.endpoint),
    token_messages.may_not(HERE, "make a token", "no"),
    token_messages.token_may_not("monitor@pve!pxm", "make another token"),
    token_messages.needs_a_role("monitor@pve!pxm"),
    token_messages.no_quorum(HERE, "make a token"),
    guard.read_only(PROD, "make a token", whole_run=False),
    guard.read_only(PROD, "make a token", whole_run=True),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error.cause}: {error.do[:40]}")
def test_no_message_names_a_key_and_on_the_screen_none_names_an_option(error: PxmError) -> None:
    assert not KEY.search(f"{error.message} {error.hint}")
    assert not OPTION.search(on_screen(error.do).replace("`pxm edit prod --add-endpoint", ""))


def test_what_ends_soon_is_said_without_keys_too() -> None:
    ending = cluster("prod", trusted=certificate())
    shown = ending.trust.certificate
    assert shown is not None
    warned = expiry.warnings(shown, ending.trust, shown.not_after - timedelta(days=3))
    assert warned is not None
    assert not KEY.search(" ".join(warned))


def test_no_source_outside_of_the_screens_words_a_key() -> None:
    """Also what no error of the list above has: steps, notes, reports."""
    root = Path(pxm_tui.__file__).parent
    worded = re.compile(r"""(?:do=|Then |then |or )[^\n]*`(?:[a-z]|:[a-z-]+)`""")
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for folder in ("domain", "services", "storage", "proxmox", "api")
        for path in (root / folder).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if worded.search(line) and '"""' not in line
    ]
    assert found == []


def test_every_phrase_has_its_words_for_the_screens() -> None:
    phrases = {value for name, value in vars(remedies).items() if name.isupper()}
    assert phrases == set(ON_SCREEN)


def test_phrases_are_replaced_wherever_they_stand() -> None:
    assert on_screen(f"Do it, then {remedies.LOG_IN_AGAIN}. {remedies.SEE_AGAIN}") == (
        "Do it, then `c`, Log in again. Then `r`."
    )
    assert on_screen(f"Make one: {remedies.rotate('a b')}.") == "Make one: `:rotate`."
    assert on_screen("nothing of it") == "nothing of it"
