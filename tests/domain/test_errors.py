"""Errors carry a code, a cause, a hint, and never a secret."""

import pickle

import pytest

from pxm_tui.domain import certificate_messages, connection_messages, login_messages, messages
from pxm_tui.domain.cluster import Endpoint, reason_of
from pxm_tui.domain.errors import Code, PxmError
from pxm_tui.domain.secret import Secret
from tests.fakes import certificate

HERE = Endpoint("pve1")
ALL = [
    messages.bad_address("x y", "it has spaces"),
    connection_messages.unknown_host(HERE),
    connection_messages.refused(HERE),
    connection_messages.timeout(HERE, 5),
    connection_messages.no_route(HERE, "10.0.0.1"),
    connection_messages.not_tls(HERE),
    connection_messages.closed(HERE, "10.0.0.9"),
    connection_messages.bad_answer(HERE, "ended in the middle (3 of 9 bytes)"),
    connection_messages.server_failed(HERE, 500, "cluster not ready"),
    connection_messages.not_proxmox(HERE, "nginx"),
    connection_messages.too_old(HERE, "5.4"),
    certificate_messages.untrusted(HERE, certificate()),
    certificate_messages.not_the_expected(HERE, "the expected one", certificate()),
    certificate_messages.changed(HERE, "2025-11-03", certificate()),
    certificate_messages.expired(HERE, certificate()),
    certificate_messages.wrong_host(HERE, certificate()),
    login_messages.credentials(HERE, "root@pam", "authentication failure\n"),
    login_messages.second_factor_needed("root@pam"),
    login_messages.second_factor_wrong(HERE, "root@pam", 40),
    login_messages.locked("root@pam"),
    login_messages.token(HERE, "a@pve!b", ""),
    login_messages.unknown_realm(HERE, "corp", ["pam", "pve"]),
    login_messages.secret_missing("x"),
    login_messages.missing_privilege("guests", "VM.Audit", "/vms"),
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
    assert [messages.not_found("x", []).exit_status, connection_messages.refused(HERE).exit_status] == [3, 7]
    assert certificate_messages.untrusted(HERE, certificate()).exit_status == 6
    assert messages.secret_store("x").exit_status == 9


def test_a_certificate_error_has_what_a_script_compares() -> None:
    found = certificate_messages.untrusted(HERE, certificate()).to_json()["certificate"]
    assert set(found) == {"sha256", "subject", "issuer", "names", "not_before", "not_after"}


def test_the_server_cannot_write_on_the_terminal() -> None:
    message = login_messages.credentials(HERE, "root@pam", "bad\x1b]0;title\x07\n\nmore").message
    assert "\x1b" not in message
    assert "\n" not in message


def test_close_names_are_offered() -> None:
    assert "fra-prod-1" in messages.not_found("fra-prod", ["fra-prod-1", "muc-1"]).message


def test_older_servers_say_which_and_then_only_that_is_said() -> None:
    assert login_messages.token(HERE, "a@pve!b", "token 'b' access expired").probably == "It has expired."
    assert login_messages.token(HERE, "a@pve!b", "no such token 'b' for user 'a@pve'").probably == "It was deleted."
    assert login_messages.token(HERE, "a@pve!b", "invalid token value!").probably == "Its secret is wrong."


@pytest.mark.parametrize(
    ("said", "probably", "do"),
    [
        ("user 'a@pve' is disabled", "The account a@pve is disabled.", "pveum user modify a@pve --enable 1"),
        ("user 'a@pve' access expired", "The account a@pve has expired.", "pveum user modify a@pve --expire 0"),
        ("no such user ('a@pve')", "The account a@pve was deleted.", "With another one log in again"),
    ],
)
def test_trouble_of_the_owner_is_not_taken_for_the_token_s(said: str, probably: str, do: str) -> None:
    error = login_messages.token(HERE, "a@pve!b", said)
    assert error.probably == probably
    assert do in error.do
    assert "token modify" not in error.do
    assert reason_of(error).short == "token invalid"


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2")
    for text in (repr(secret), str(secret), f"{secret}", repr([secret]), repr({"password": secret})):
        assert "hunter2" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == "hunter2"
