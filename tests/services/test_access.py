"""The REST API's tokens: made, recognised, expired, revoked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from pxm_tui.domain.access import ApiToken, Role, check_days, check_role, check_token_name
from pxm_tui.domain.errors import AlreadyRegisteredError, InvalidError, NotFoundError
from pxm_tui.services.access import AccessService
from tests.fakes import NOW, StillClock


class MemoryBook:
    """Tokens in memory."""

    def __init__(self) -> None:
        self.kept: tuple[ApiToken, ...] = ()

    def read(self) -> tuple[ApiToken, ...]:
        return self.kept

    def change(self, change: Callable[[tuple[ApiToken, ...]], tuple[ApiToken, ...]]) -> None:
        self.kept = change(self.kept)


def service(clock: StillClock | None = None) -> tuple[AccessService, MemoryBook]:
    book = MemoryBook()
    return AccessService(book, clock or StillClock()), book


def test_a_token_is_recognised_and_kept_nowhere() -> None:
    access, book = service()
    token, secret = access.add("grafana", Role.VIEWER)
    access.add("other", Role.ADMIN)
    assert access.identify(secret.reveal()) == token
    assert len(secret.reveal()) == len("pxm_") + 43
    assert secret.reveal() not in repr(book.kept) + str([each.to_json() for each in book.kept])
    assert token.sha256 not in repr(token)


@pytest.mark.parametrize("presented", ["", "pxm_", "x" * 100_000, "\udcff", "pxm_é"])
def test_nothing_else_is(presented: str) -> None:
    access, _ = service()
    access.add("grafana", Role.VIEWER)
    assert access.identify(presented) is None


def test_two_tokens_are_never_the_same() -> None:
    access, _ = service()
    assert len({access.add(f"t{number}", Role.VIEWER)[1].reveal() for number in range(50)}) == 50


def test_a_token_ends_to_the_second() -> None:
    clock = StillClock()
    access, _ = service(clock)
    token, secret = access.add("short", Role.OPERATOR, days=2)
    assert token.expires_at == NOW.replace(microsecond=0) + timedelta(days=2)
    clock.advance(2 * 86400 - 1)
    assert access.identify(secret.reveal()) == token
    clock.advance(1)
    assert access.identify(secret.reveal()) is None
    assert access.tokens() == (token,)


def test_a_name_is_taken_once_and_free_after_revoking() -> None:
    access, _ = service()
    _, first = access.add("grafana", Role.VIEWER)
    with pytest.raises(AlreadyRegisteredError):
        access.add("grafana", Role.ADMIN)
    assert access.revoke("grafana").role is Role.VIEWER
    assert access.identify(first.reveal()) is None
    access.add("grafana", Role.ADMIN)
    with pytest.raises(NotFoundError):
        access.revoke("another")


def test_each_role_may_what_the_one_before_may() -> None:
    assert [[role.includes(needed) for needed in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


@pytest.mark.parametrize("wrong", ["", "-x", "a b", "é", "x" * 65, "a\n"])
def test_names_are_plain(wrong: str) -> None:
    with pytest.raises(InvalidError):
        check_token_name(wrong)
    assert check_token_name("ci.runner-1_x") == "ci.runner-1_x"


@pytest.mark.parametrize("wrong", ["", "0", "-1", "1.5", "3651", "9" * 50, "٣", "x"])
def test_days_are_whole(wrong: str) -> None:
    with pytest.raises(InvalidError):
        check_days(wrong)
    assert check_days("365") == 365


def test_what_is_done_is_told() -> None:
    told: list[tuple[str, str]] = []
    access = AccessService(MemoryBook(), StillClock(), told=lambda action, token: told.append((action, token.name)))
    access.add("ci", Role.ADMIN)
    with pytest.raises(AlreadyRegisteredError):
        access.add("ci", Role.ADMIN)
    access.revoke("ci")
    assert told == [("add", "ci"), ("revoke", "ci")]


def test_a_role_is_one_of_three() -> None:
    assert check_role("viewer") is Role.VIEWER
    with pytest.raises(InvalidError):
        check_role("root")
