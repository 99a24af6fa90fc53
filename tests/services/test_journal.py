"""The log of a run: one line an entry, whatever is in it."""

from __future__ import annotations

import logging

import pytest

from pxm_tui.services.journal import Journal
from tests.fakes import StillClock


def test_no_name_and_no_text_makes_a_second_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "pxm_tui.journal"):
        Journal(StillClock()).write("text\r\n2026 INFO forged\x1b[2J", cluster="name\n2026 INFO forged\u202e")
    assert caplog.messages == ["name 2026 INFO forged: text 2026 INFO forged [2J"]
