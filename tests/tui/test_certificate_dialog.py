"""Deciding on certificates: compared while it is typed, decided by nothing but Enter on a button."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from textual import events
from textual.widgets import Input

from pxm_tui.domain.certificate import Certificate, compare
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.dialog import TrustQuestion
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.trusting import Comparison
from pxm_tui.tui.fields import FormInput, PushButton
from pxm_tui.tui.screens.certificate import CertificateDialog, CompareDialog, issuer_name
from tests.fakes import HOSTILE_NAME, NOW, Bench, certificate, make_bench, sketch_fleet
from tests.tui.staging import Stage


def question(shown: Certificate | None = None, host: str = "10.20.0.11", *, named: bool = True) -> TrustQuestion:
    return TrustQuestion(Endpoint(host), shown or certificate(), named)


def stage(bench: Bench, asked: TrustQuestion | None = None) -> Stage:
    return Stage(bench, lambda: CertificateDialog(asked or question(), bench.services))


def expected(app: Stage) -> FormInput:
    return app.screen.query_one("#expected", FormInput)


def trust_button(app: Stage) -> PushButton:
    return app.screen.query_one("#trust", PushButton)


async def test_enter_at_once_trusts_nothing() -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.focused is app.screen.query_one("#leave")
        bench.clock.advance(0.6)
        await pilot.press("enter")
        assert app.results == [False]


async def test_trusting_takes_a_move_and_enter() -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press("tab", "enter")
        assert app.results == [True]


async def test_what_is_pasted_goes_into_the_field_and_enter_leads_to_the_button() -> None:
    bench = make_bench()
    shown = certificate()
    app = stage(bench, question(shown))
    async with app.run_test() as pilot:
        await pilot.pause()
        trust_button(app).post_message(events.Paste(shown.sha256))
        await pilot.pause()
        assert expected(app).value == "", "not before it has been seen"
        bench.clock.advance(0.6)
        trust_button(app).post_message(events.Paste(f" {shown.sha256.lower()}\n"))
        await pilot.pause()
        assert "the same" in app.shown
        await pilot.press("enter")
        assert app.focused is trust_button(app)
        assert app.results == []
        await pilot.press("enter")
        assert app.results == [True]


@pytest.mark.parametrize("typed", ["3F:9A", "x", "3F" * 31])
async def test_what_is_no_whole_fingerprint_yet_is_not_called_another_one(typed: str) -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        expected(app).focus()
        expected(app).value = typed
        await pilot.press("enter")
        assert "not a whole SHA-256 fingerprint yet" in app.shown
        assert "different" not in app.shown
        assert trust_button(app).disabled
        assert app.focused is expected(app)


@pytest.mark.parametrize("burst", ["\t\r", "\r", "y\r", "\t\t\t\r\r"])
async def test_keys_before_it_has_been_seen_are_dropped(burst: str) -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        app.burst(burst)
        await pilot.pause()
        bench.clock.advance(0.4)
        app.burst(burst)
        await pilot.press("escape")
        assert app.results == []
        assert app.focused is app.screen.query_one("#leave")
        assert expected(app).value == ""


async def test_no_letter_confirms_anything() -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press(*"yYtTaA ", "space")
        assert app.results == []


async def test_a_clicked_button_is_pressed() -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.click("#trust")
        assert app.results == [True]


@pytest.mark.parametrize("prefix", ["", "sha256:", "SHA256 Fingerprint="])
async def test_the_expected_fingerprint_is_compared_while_it_is_typed(prefix: str) -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        expected(app).value = prefix + certificate().sha256.lower().replace(":", "")
        await pilot.pause()
        assert "✔ the same" in app.shown
        assert not trust_button(app).disabled


async def test_a_differing_fingerprint_turns_the_button_off() -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        expected(app).value = certificate(seed=2).sha256
        await pilot.pause()
        bench.clock.advance(0.6)
        assert "✘ different: do not trust it" in app.shown
        assert trust_button(app).disabled
        await pilot.click("#trust")
        assert app.results == []
        expected(app).value = "not a fingerprint"
        await pilot.pause()
        assert trust_button(app).disabled
        expected(app).value = ""
        await pilot.pause()
        assert "different" not in app.shown
        assert not trust_button(app).disabled


async def test_a_press_cannot_outrun_the_comparison() -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        trust_button(app).press()
        expected(app).value = certificate(seed=2).sha256
        await pilot.pause()
        assert app.results == []
        assert "✘ different: do not trust it" in app.shown


async def test_esc_is_no() -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press("escape")
        assert app.results == [False]


async def test_the_fingerprint_is_copied() -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test(notifications=True) as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press("ctrl+y")
        assert app.clipboard == certificate().sha256


async def test_what_is_odd_about_it_is_said() -> None:
    bench = make_bench()
    old = replace(
        certificate(), not_before=datetime(2023, 1, 10, tzinfo=UTC), not_after=datetime(2025, 1, 9, tzinfo=UTC)
    )
    app = stage(bench, question(old, named=False))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "! 10.20.0.11 is not among them (an alias, or another machine)" in app.shown
        assert "2023-01-10 to 2025-01-09, ! expired 682 days ago   Key   RSA 2048" in app.shown


async def test_a_certificate_of_the_future_is_said_to_be_one() -> None:
    bench = make_bench()
    app = stage(bench, question(replace(certificate(), not_before=datetime(2027, 1, 1, tzinfo=UTC))))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "! not valid yet" in app.shown


async def test_fields_of_a_certificate_are_never_markup() -> None:
    bench = make_bench()
    hostile = replace(
        certificate(), subject=HOSTILE_NAME, issuer="O=[/foo] `x`", names=("[red]", "a\x1b[31mb"), key="[/]"
    )
    app = stage(bench, question(hostile))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert HOSTILE_NAME in app.shown
        assert "O=[/foo] `x`" in app.shown
        assert "[red], a [31mb" in app.shown


async def test_a_dialog_fits_where_it_is_narrow() -> None:
    bench = make_bench()
    app = stage(bench)
    async with app.run_test(size=(44, 20)) as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        assert all(len(row) <= 44 for row in app.shown.splitlines())
        await pilot.press("tab")
        await pilot.pause()
        assert "[ Trust this certificate ]" in app.shown
        await pilot.press("enter")
        assert app.results == [True]


# A changed certificate


def comparison(shown: Certificate) -> Comparison:
    return Comparison(certificate(), shown, compare(certificate(), shown, NOW))


def compare_stage(bench: Bench, found: Comparison) -> Stage:
    changed = next(one for one in sketch_fleet() if one.name == "ber-edge-1")
    return Stage(bench, lambda: CompareDialog(bench.services, ClusterView(changed, Snapshot(changed.id)), found))


async def test_both_fingerprints_stand_side_by_side() -> None:
    bench = make_bench()
    old, new = certificate(), certificate(seed=9)
    app = compare_stage(bench, comparison(new))
    async with app.run_test() as pilot:
        await pilot.pause()
        for start in range(0, 96, 24):
            assert f"{old.sha256[start : start + 23]}    {new.sha256[start : start + 23]}" in app.shown
        assert "RSA 2048, another key" in app.shown
        assert "ber-edge-1: the certificate has changed" in app.shown
        assert "PROD" in app.shown


async def test_a_renewal_is_said_to_look_like_one() -> None:
    bench = make_bench()
    old = replace(certificate(), not_after=datetime(2026, 12, 1, tzinfo=UTC))
    new = replace(certificate(seed=3), public_key_sha256=old.public_key_sha256)
    app = compare_stage(bench, Comparison(old, new, compare(old, new, NOW)))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "the same key" in app.shown
        assert "this looks like" in app.shown


async def test_leaving_a_changed_certificate_is_the_first_button() -> None:
    bench = make_bench()
    app = compare_stage(bench, comparison(certificate(seed=9)))
    async with app.run_test() as pilot:
        app.burst("\t\r")
        await pilot.pause()
        assert app.results == []
        bench.clock.advance(0.6)
        await pilot.press("enter")
        assert app.results == [False]


async def test_a_changed_certificate_is_trusted_only_after_its_fingerprint_was_typed() -> None:
    bench = make_bench()
    new = certificate(seed=9)
    app = compare_stage(bench, comparison(new))
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        trust = app.screen.query_one("#trust", PushButton)
        assert trust.disabled
        assert "Type or paste the SHA-256" in app.shown
        app.screen.query_one("#expected", Input).value = certificate().sha256
        await pilot.pause()
        assert trust.disabled
        app.screen.query_one("#expected", Input).value = new.sha256.lower().replace(":", "")
        await pilot.pause()
        assert not trust.disabled
        trust.focus()
        await pilot.press("enter")
        assert app.results == [True]


async def test_deregistering_is_the_third_way_out() -> None:
    bench = make_bench()
    app = compare_stage(bench, comparison(certificate(seed=9)))
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        dialog = app.screen
        assert isinstance(dialog, CompareDialog)
        dialog.query_one("#deregister").focus()
        await pilot.press("enter")
        assert app.results == [False]
        assert dialog.wants_deregistration


async def test_both_fingerprints_are_copied() -> None:
    bench = make_bench()
    app = compare_stage(bench, comparison(certificate(seed=9)))
    async with app.run_test(notifications=True) as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press("ctrl+y")
        assert app.clipboard.splitlines() == [
            f"trusted  {certificate().sha256}",
            f"shown    {certificate(seed=9).sha256}",
        ]


def test_an_issuer_is_named_by_its_organisation() -> None:
    assert issuer_name(certificate()) == "PVE Cluster Manager CA"
    assert issuer_name(replace(certificate(), issuer="CN=R11")) == "R11"
    assert issuer_name(replace(certificate(), issuer="odd")) == "odd"
