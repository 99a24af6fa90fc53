"""The README is true: what it generates is current, its commands are there, its pictures exist."""

import re

from tests.readme import MANUAL, README, command, manual, rendered

TEXT = README.read_text(encoding="utf-8")


def test_generated_parts_are_current() -> None:
    assert rendered(TEXT) == TEXT, "run: python -m tests.readme write"


def test_the_manual_page_is_current() -> None:
    assert manual() == MANUAL.read_text(encoding="utf-8"), "run: python -m tests.readme write"


def test_its_two_commands_are_one_line_each() -> None:
    for name in ("demo", "tests"):
        assert "\n" not in command(name)
        assert "-m venv" in command(name)


def test_its_pictures_exist() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)
    assert pictures
    for picture in pictures:
        assert (README.parent / picture).is_file(), picture


def test_its_links_inside_the_project_exist() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", TEXT):
        assert (README.parent / target).exists(), target
