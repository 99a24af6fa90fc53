"""Errors carry a code, a cause, a hint, and never a secret."""

import pickle

import pytest

from pxm_tui.domain import messages
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import Code, PxmError
from pxm_tui.domain.secret import Secret
from tests.fakes import certificate

HERE = Endpoint("pve1")
ALL = [
    messages.bad_address("x y", "it has spaces"),
    messages.unknown_host(HERE),
    messages.refused(HERE),
    messages.timeout(HERE, 5),
    messages.no_route(HERE, "10.0.0.1"),
    messages.not_tls(HERE),
    messages.closed(HERE, "10.0.0.9"),
    messages.bad_answer(HERE, "ended in the middle (3 of 9 bytes)"),
    messages.server_failed(HERE, 500, "cluster not ready"),
    messages.not_proxmox(HERE, "nginx"),
    messages.too_old(HERE, "5.4"),
    messages.untrusted(HERE, certificate()),
    messages.not_the_expected(HERE, "the expected one", certificate()),
    messages.changed(HERE, "2025-11-03", certificate()),
    messages.expired(HERE, certificate()),
    messages.wrong_host(HERE, certificate()),
    messages.credentials(HERE, "root@pam", "authentication failure\n"),
    messages.second_factor_needed("root@pam"),
    messages.second_factor_wrong(HERE, "root@pam", 40),
    messages.locked("root@pam"),
    messages.token(HERE, "a@pve!b", ""),
    messages.unknown_realm(HERE, "corp", ["pam", "pve"]),
    messages.secret_missing("x"),
    messages.missing_privilege("guests", "VM.Audit", "/vms"),
    messages.already_registered("x", HERE),
    messages.not_found("fra-prod", ["fra-prod-1", "muc-1"]),
    messages.bad_name("is empty"),
    messages.storage_unusable("/data", "no space left"),
    messages.secret_store("The keyring did not answer within 2 s."),
]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.cause)
def test_every_error_says_what_to_do(error: PxmError) -> None:
    found = error.to_json()
    assert found["message"].endswith((".", '"'))
    assert found["hint"]
    assert found["code"] in set(Code)
    assert 1 <= error.exit_status <= 10


def test_exit_statuses_are_the_documented_ones() -> None:
    assert [messages.not_found("x", []).exit_status, messages.refused(HERE).exit_status] == [3, 7]
    assert messages.untrusted(HERE, certificate()).exit_status == 6
    assert messages.secret_store("x").exit_status == 9


def test_a_certificate_error_has_what_a_script_compares() -> None:
    found = messages.untrusted(HERE, certificate()).to_json()["certificate"]
    assert set(found) == {"sha256", "subject", "issuer", "names", "not_before", "not_after"}


def test_the_server_cannot_write_on_the_terminal() -> None:
    message = messages.credentials(HERE, "root@pam", "bad\x1b]0;title\x07\n\nmore").message
    assert "\x1b" not in message
    assert "\n" not in message


def test_close_names_are_offered() -> None:
    assert "fra-prod-1" in messages.not_found("fra-prod", ["fra-prod-1", "muc-1"]).message


def test_older_servers_say_which_and_then_only_that_is_said() -> None:
    assert messages.token(HERE, "a@pve!b", "token 'b' access expired").probably == "It has expired."
    assert messages.token(HERE, "a@pve!b", "no such token 'b' for user 'a@pve'").probably == "It was deleted."
    assert messages.token(HERE, "a@pve!b", "invalid token value!").probably == "Its secret is wrong."


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2")
    for text in (repr(secret), str(secret), f"{secret}", repr([secret]), repr({"password": secret})):
        assert "hunter2" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == "hunter2"
