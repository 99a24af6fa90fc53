"""The audit's screen: what was changed, by whom, and whether the list is as it was written."""

from __future__ import annotations

from dataclasses import replace

from pxm_tui.domain.audit import AuditBreak, AuditEntry, AuditVerdict
from pxm_tui.domain.errors import StorageError
from tests.fakes import ANNA, HOSTILE_NAME, Bench
from tests.tui.driving import driven
from tests.tui.fleet import seen_bench


def audited(count: int = 3) -> Bench:
    """A fleet of which some changes are known."""
    bench = seen_bench()
    for number in range(1, count + 1):
        entry = AuditEntry(
            "2026-11-22T13:00:00Z", ANNA, "register", "done", f"c{number}", f"prod-{number}", facts=(("n", number),)
        )
        bench.audit.kept.append(replace(entry, number=number))
    return bench


async def test_the_newest_change_is_shown_in_full() -> None:
    async with driven(audited(40)) as ui:
        await ui.burst(":audit\r")
        await ui.shows("prod-40: register: done, n 40. By anna from 10.1.2.3, pts/3 on jump1")
        assert ui.lines[0].startswith(" pxm  Audit: changes made by pxm")
        assert ui.lines[0].endswith("~/.local/state/pxm/audit.jsonl")
        await ui.press("y")
        await ui.shows('Copied the line: {"number": 40')
        await ui.press("escape")
        await ui.shows("by name")


async def test_a_change_that_is_made_meanwhile_appears() -> None:
    bench = audited()
    async with driven(bench) as ui:
        await ui.burst(":audit\r")
        await ui.shows("3 of 3")
        await bench.services.audit.record("deregister", None)
        ui.home._gathered()
        await ui.shows("4 of 4")


async def test_verify_says_that_it_is_intact() -> None:
    async with driven(audited()) as ui:
        await ui.burst(":audit\r")
        await ui.press("v")
        await ui.shows("The audit is intact, 3 lines.")


async def test_verify_names_the_first_broken_line() -> None:
    bench = audited()
    bench.audit.verdict = AuditVerdict(1, AuditBreak("audit.jsonl", 2, "it was changed after it was written"))
    bench.audit.kept[1] = replace(bench.audit.kept[1], sound=False)
    async with driven(bench, size=(160, 45)) as ui:
        await ui.burst(":audit\r")
        await ui.shows("! damaged: register")
        await ui.press("v")
        await ui.shows("The audit is broken. audit.jsonl, line 2: it was changed after it was written.")


async def test_an_audit_that_cannot_be_read_says_why() -> None:
    bench = audited()
    bench.audit.error = StorageError("storage_unusable", "Cannot read /x: permission denied.")
    async with driven(bench) as ui:
        await ui.burst(":audit\r")
        await ui.shows("Cannot read /x: permission denied.")


async def test_nothing_audited_yet() -> None:
    async with driven(audited(0)) as ui:
        await ui.burst(":audit\r")
        await ui.shows("Nothing has been audited yet.")


async def test_a_hostile_or_damaged_line_is_shown_as_text() -> None:
    bench = audited(0)
    bench.audit.kept.append(AuditEntry("[red]", ANNA, "\x1b[31m", HOSTILE_NAME, "c", HOSTILE_NAME, sound=False))
    async with driven(bench) as ui:
        await ui.burst(":audit\r")
        await ui.shows("[red]  anna  [/foo]")
        assert "\x1b" not in ui.shown
