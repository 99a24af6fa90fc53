"""What people paste is understood, or refused clearly."""

import pytest

from pxm_tui.domain.addresses import (
    check_name,
    check_token_id,
    check_user,
    parse_endpoint,
    parse_fingerprint,
    parse_label,
    parse_token,
)
from pxm_tui.domain.errors import InvalidError

FINGERPRINT = ":".join(["AB"] * 32)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("pve1", "https://pve1:8006"),
        ("  PVE1.lan ", "https://pve1.lan:8006"),
        ("10.0.0.11", "https://10.0.0.11:8006"),
        ("2001:db8::1", "https://[2001:db8::1]:8006"),
        ("[2001:db8:0::1]:8006", "https://[2001:db8::1]:8006"),
        ("https://pve1:8006/#v1:0:=node%2Fpve1:4:::::::", "https://pve1:8006"),
        ("https://pve1/?console=shell", "https://pve1:8006"),
        ("https://pve1:443", "https://pve1:443"),
        ("pve1:443/path", "https://pve1:443"),
        ("서울.example", "https://xn--2i4bq6h.example:8006"),
    ],
)
def test_endpoints_are_understood(typed: str, url: str) -> None:
    assert parse_endpoint(typed).endpoint.url == url


@pytest.mark.parametrize(("typed", "word"), [("http://pve1:8006", "https"), ("pve1:8007", "Backup Server")])
def test_endpoints_with_a_note(typed: str, word: str) -> None:
    assert word in parse_endpoint(typed).notes[0]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "pve 1",
        "1.2.3",
        "300.1.1.1",
        "pve1:0",
        "pve1:99999",
        "pve1:x",
        "[::1",
        "ftp://pve1",
        "a..b",
        "-a",
        "https://",
        "a\x1b[0m",
    ],
)
def test_endpoints_are_refused_by_name(typed: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_endpoint(typed)
    assert caught.value.field == "endpoint"
    assert caught.value.hint


@pytest.mark.parametrize(
    "typed",
    ["https://root:hunter2@pve1", "root@pam:hunter2@pve1:8006", "https://u:hunter2/x@h", "https://u:hunter2#x@h:1:2"],
)
def test_a_password_in_an_endpoint_is_not_echoed(typed: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_endpoint(typed)
    assert "hunter2" not in str(caught.value.to_json())


@pytest.mark.parametrize("prefix", ["", "PVEAPIToken=", "PVEAPIToken ", "Authorization: PVEAPIToken="])
def test_a_whole_token_is_understood(prefix: str) -> None:
    found = parse_token(f"{prefix}monitor@pve!pxm=6ccb-1")
    assert found is not None
    assert found.token_id == "monitor@pve!pxm"
    assert found.secret.reveal() == "6ccb-1"
    assert "6ccb" not in repr(found)


@pytest.mark.parametrize("text", ["root@pam", "monitor@pve!pxm", "a=b", "pass=word!x", ""])
def test_what_is_no_token(text: str) -> None:
    assert parse_token(text) is None


@pytest.mark.parametrize(
    "text",
    [
        FINGERPRINT,
        FINGERPRINT.lower(),
        "ab" * 32,
        f"SHA256 Fingerprint={FINGERPRINT}",
        f"sha256:{'ab' * 32}",
        f" sha-256 Fingerprint: {FINGERPRINT} ",
    ],
)
def test_fingerprints_in_any_spelling(text: str) -> None:
    assert parse_fingerprint(text) == FINGERPRINT


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 20])
def test_no_fingerprint(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_fingerprint(text)


def test_labels() -> None:
    assert parse_label("site=fra") == ("site", "fra")
    assert parse_label("note=a=b") == ("note", "a=b")
    for text in ("site", "=x", "site=", "si te=x", "x=a\nb"):
        with pytest.raises(InvalidError):
            parse_label(text)


@pytest.mark.parametrize("name", ["a", "서울-1", "x" * 64, "[/foo] [red]", "a b"])
def test_names(name: str) -> None:
    assert check_name(f" {name} ") == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "a\u202eb", "\x1b]0;x\x07"])
def test_names_refused(name: str) -> None:
    with pytest.raises(InvalidError) as caught:
        check_name(name)
    assert caught.value.field == "name"


def test_users_and_token_ids() -> None:
    assert check_user(" root@pam ") == "root@pam"
    assert check_user("root") == "root"
    assert check_token_id("a.b@corp-ad!pxm-1") == "a.b@corp-ad!pxm-1"
    for user in ("", "a b@pam", "root@", "a@b@c", "x" * 70):
        with pytest.raises(InvalidError):
            check_user(user)
    for token_id in ("root@pam", "pxm", "root!x", "root@pam!1"):
        with pytest.raises(InvalidError):
            check_token_id(token_id)
