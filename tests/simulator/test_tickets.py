"""Tickets: how long they last, and that nobody can change one."""

import re

from pxm_tui.simulator.tickets import LIFETIME, TicketOffice

NOW = 1_790_000_000.0
OFFICE = TicketOffice(b"k" * 32)


def test_the_shape_of_a_ticket() -> None:
    ticket = OFFICE.issue("root@pam", NOW)
    assert re.fullmatch(r"PVE:root@pam:[0-9A-F]{8}::[A-Za-z0-9+/]{342}==", ticket)
    assert re.fullmatch(r"[0-9A-F]{8}:[A-Za-z0-9+/]{43}", OFFICE.issue_csrf("root@pam", NOW))


def test_a_ticket_lasts_two_hours() -> None:
    ticket = OFFICE.issue("root@pam", NOW)
    assert OFFICE.check(ticket, NOW + LIFETIME - 1) == "root@pam"
    assert OFFICE.check(ticket, NOW + LIFETIME) is None
    assert OFFICE.check(ticket, NOW - 299) == "root@pam"
    assert OFFICE.check(ticket, NOW - 300) is None


def test_a_changed_ticket_is_refused() -> None:
    ticket = OFFICE.issue("admin@pve", NOW)
    assert OFFICE.check(ticket.replace("admin@pve", "root@pam"), NOW) is None
    assert OFFICE.check(ticket[:-6] + "AAAA==", NOW) is None
    assert TicketOffice(b"other").check(ticket, NOW) is None
    for garbage in ("", "x", "PVE:root@pam:00000000::garbage", "PVE:a:b::c", "PVE:root@pam:ZZ::"):
        assert OFFICE.check(garbage, NOW) is None


def test_half_tickets() -> None:
    half = OFFICE.issue_half("u@pve", {"totp": True, "recovery": [0, 2]}, NOW)
    assert half.startswith('PVE:!tfa!{"totp"%3Atrue,"recovery"%3A[0,2]}:')
    assert OFFICE.check(half, NOW) is None
    assert OFFICE.check_half(half, "u@pve", NOW)
    assert not OFFICE.check_half(half, "other@pve", NOW)
    assert not OFFICE.check_half(half, "u@pve", NOW + LIFETIME)
    assert not OFFICE.check_half(OFFICE.issue("u@pve", NOW), "u@pve", NOW)


def test_old_half_tickets() -> None:
    half = OFFICE.issue_old_half("u@pve", NOW)
    assert half.startswith("PVE:tfa!u@pve:")
    assert OFFICE.check(half, NOW) is None
    assert OFFICE.check_old_half(half, NOW) == "u@pve"
    assert OFFICE.check_old_half(OFFICE.issue("u@pve", NOW), NOW) is None


def test_csrf_tokens_belong_to_a_user() -> None:
    token = OFFICE.issue_csrf("u@pve", NOW)
    assert OFFICE.check_csrf(token, "u@pve", NOW + 60)
    assert not OFFICE.check_csrf(token, "other@pve", NOW)
    assert not OFFICE.check_csrf(token, "u@pve", NOW + LIFETIME)
    assert not OFFICE.check_csrf("", "u@pve", NOW)
