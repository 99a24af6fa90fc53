"""The README's generated parts, and its two commands.

python tests/readme.py command demo|tests   prints the command
python -m tests.readme write                brings the generated parts, and the manual page, up to date
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
MANUAL = README.parent / "pxm_tui" / "deploy" / "pxm.1"


def command(name: str) -> str:
    """The command in the code block after the comment `<!-- command: NAME -->`."""
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"<!-- command: {name} -->\s*```(?:sh|console|bash)?\n(.*?)\n```", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"README.md has no command {name}")
    return found[1]


def keys() -> str:
    """The table of keys, from the bindings."""
    from pxm_tui.tui.help_text import key_table
    from pxm_tui.tui.keys import AUDIT_KEYS, DETAIL, HOME, LOG_KEYS
    from pxm_tui.tui.screens import register_success
    from pxm_tui.tui.screens.register import KEYS

    screens = (
        ("clusters", HOME),
        ("one cluster", DETAIL),
        ("log", LOG_KEYS),
        ("audit", AUDIT_KEYS),
        ("forms and dialogs", KEYS),
        ("the page after a registration", register_success.KEYS),
    )
    rows = key_table(screens)
    where: dict[tuple[str, str], list[str]] = {("j k ↓ ↑ PgUp PgDn g G", "move"): ["all lists"]}
    for screen, shown, does in rows:
        where.setdefault((shown, does), []).append(screen)
    return _table(
        ("Keys", "What they do", "Where"),
        [
            (" ".join(f"`{key}`" for key in shown.split()), does, ", ".join(screens))
            for (shown, does), screens in where.items()
        ],
    )


def commands() -> str:
    """The subcommands, from the parser."""
    from pxm_tui.cli.grammar import cli_help_table

    return _table(("Command", "Does"), [(f"`{usage}`", help_) for usage, help_ in cli_help_table()])


def manual() -> str:
    """The manual page that is installed."""
    from pxm_tui.cli.manual import manual_page

    return manual_page()


def exit_statuses() -> str:
    """The exit statuses, from the errors."""
    from pxm_tui.domain.errors import EXIT_STATUS

    return _table(
        ("Exit status", "`code` in JSON"), [("0", "done"), *((str(n), f"`{code}`") for code, n in EXIT_STATUS.items())]
    )


def settings() -> str:
    """The keys of `config.toml`."""
    from pxm_tui.cli.configuration import settings_table

    return _table(("Key in `config.toml`", "Default", "Meaning"), settings_table())


def calls() -> str:
    """The calls of the REST API, from its OpenAPI document."""
    from pxm_tui.api.openapi import document

    rows: list[tuple[str, ...]] = [
        (
            f"`{method.upper()} {path}`",
            str(operation["summary"]),
            ", ".join(f"`{each['name']}`" for each in operation["parameters"] if each["in"] == "query"),
            str(operation.get("x-pxm-role", "none")),
            " ".join(sorted(operation["responses"])),
        )
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]
    return _table(("Call", "Does", "Parameters", "Token", "Statuses"), rows)


def failures() -> str:
    """The statuses of the REST API's failures, from its OpenAPI document."""
    from pxm_tui.api.openapi import document

    found: dict[str, str] = {}
    for methods in document()["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status >= "400" and "Failure" in str(response):
                    found[status] = response["description"]
    return _table(("Status", "Means"), [*sorted(found.items())])


def attacks() -> str:
    """What happens in attacks and accidents, and the tests that show it."""
    from tests.attacks import ATTACKS

    return _table(
        ("Attack or accident", "What happens", "Shown by"),
        [(what, happens, "<br>".join(f"`{test}`" for test in tests)) for what, happens, tests in ATTACKS],
    )


PARTS: dict[str, Callable[[], str]] = {
    "keys": keys,
    "commands": commands,
    "exit": exit_statuses,
    "settings": settings,
    "calls": calls,
    "failures": failures,
    "attacks": attacks,
}


def _table(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(heading) + " |", "|" + " --- |" * len(heading)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def rendered(text: str) -> str:
    """The README with its generated parts made anew."""
    for name, make in PARTS.items():
        begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"README.md has no part {name}")
        body = f"{begin}\n{make()}\n{end}"
        text = pattern.sub(body.replace("\\", r"\\"), text)
    return text


if __name__ == "__main__":
    if sys.argv[1:2] == ["command"]:
        sys.stdout.write(command(sys.argv[2]) + "\n")
    elif sys.argv[1:] == ["write"]:
        README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
        MANUAL.write_text(manual(), encoding="utf-8")
    else:
        raise SystemExit(__doc__)
