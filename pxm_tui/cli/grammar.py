"""The commands and options, as data: the parser and the documentation are made from it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Command = tuple[str, str, str, str, tuple[str, ...]]
    """Name, usage, one line of help, the rest of the help, arguments by their keys in `OPTIONS`."""

GLOBAL = ("--data-dir", "--ascii", "--no-mouse", "--refresh")
"""Options that may stand before the command as well."""

_NOT_YET = "accepted for later versions, it changes nothing yet"

OPTIONS: dict[str, dict[str, Any]] = {
    "--data-dir": {"metavar": "DIR", "help": "where the registry is, in place of PXM_DATA_DIR and the default"},
    "--ascii": {"action": "store_true", "help": "draw with ASCII signs only"},
    "--no-mouse": {"action": "store_true", "help": "ask the terminal for no mouse events"},
    "--refresh": {"metavar": "SECONDS", "help": "time between two refreshes, 5 to 3600, or off"},
    "--json": {"action": "store_true", "help": "print JSON on stdout, errors too"},
    "NAME": {"metavar": "NAME", "name": "name", "help": "its name here; an empty one takes the cluster's own"},
    "ENDPOINT": {"metavar": "ENDPOINT", "name": "endpoint", "help": "address or URL, such as pve1, https://pve1:8006"},
    "NAME|ID": {"metavar": "NAME|ID", "name": "cluster", "help": "name, id, or the first eight characters of the id"},
    "NAME|ID…": {"metavar": "NAME|ID", "name": "cluster", "nargs": "*", "help": "which; without any, all of them"},
    "--user": {"metavar": "USER@REALM", "help": "log in with a password; it is asked for, or read from stdin"},
    "--password-stdin": {"action": "store_true", "help": "the password is the first line of stdin"},
    "--token-id": {"metavar": "USER@REALM!NAME", "help": "log in with an API token"},
    "--token-secret-stdin": {"action": "store_true", "help": "the token's secret is the first line of stdin"},
    "--otp-stdin": {"action": "store_true", "help": "the second factor is the second line of stdin"},
    "--fingerprint": {"metavar": "SHA256", "help": "trust exactly the certificate with this fingerprint"},
    "--ca-file": {"metavar": "PATH", "help": "trust certificates of the authority in this PEM file"},
    "--label": {"metavar": "KEY=VALUE", "action": "append", "help": "may be given several times; env=prod is special"},
    "--no-token": {"action": "store_true", "help": f"{_NOT_YET}: pxm makes no token, it keeps the login as given."},
    "--separate": {"action": "store_true", "help": f"{_NOT_YET}: every registration is a record of its own."},
    "--dry-run": {"action": "store_true", "help": "run every step, save nothing, print the steps"},
    "--yes": {"action": "store_true", "help": "do not ask"},
    "--keep-token": {"action": "store_true", "help": f"{_NOT_YET}: pxm made no token, so it revokes none."},
    "verify": {"name": "what", "nargs": "?", "choices": ["verify"], "help": "go through the whole audit"},
    "--serve": {"action": "store_true", "help": "only serve the fleet, until Ctrl-C; one line of JSON a cluster"},
}

SECRET_OPTIONS = dict.fromkeys(
    ("--password", "--pass", "--passwd", "--secret", "--token-secret", "--token", "--otp", "--code", "--totp"),
    "It is asked for on a terminal; from a script give it on stdin, one line each, with --password-stdin or "
    "--token-secret-stdin, then --otp-stdin.",
) | {
    "--passphrase": "It is asked for on a terminal; from a script name a file in PXM_VAULT_PASSPHRASE_FILE.",
}
"""Options that do not exist, and what to do instead."""

COMMANDS: tuple[Command, ...] = (
    (
        "list",
        "pxm list [--json]",
        "List the registered clusters as they were last seen.",
        "Nothing is contacted.",
        ("--json",),
    ),
    (
        "show",
        "pxm show NAME|ID [--json]",
        "Show one cluster's record as it was last seen.",
        "Nothing is contacted.",
        ("NAME|ID", "--json"),
    ),
    (
        "register",
        "pxm register NAME ENDPOINT\n"
        "         (--user USER@REALM [--password-stdin [--otp-stdin]] |\n"
        "          --token-id USER@REALM!NAME [--token-secret-stdin])\n"
        "         [--fingerprint SHA256 | --ca-file PATH] [--label KEY=VALUE …]\n"
        "         [--dry-run] [--json]",
        "Check a cluster live, step by step, and register it.",
        "Secrets come from a prompt or from stdin, one a line: the password or the token's secret, then the code. "
        "An untrusted certificate is asked about on a terminal, and ends with exit status 6 elsewhere.\n\n"
        "Many at once:\n\n"
        "  while read -r name url id secret sha256; do\n"
        '    printf \'%s\\n\' "$secret" | pxm register "$name" "$url" --token-id "$id" \\\n'
        '      --token-secret-stdin --fingerprint "$sha256" --label env=prod\n'
        "  done < clusters.txt",
        (
            "NAME",
            "ENDPOINT",
            "--user",
            "--password-stdin",
            "--token-id",
            "--token-secret-stdin",
            "--otp-stdin",
            "--fingerprint",
            "--ca-file",
            "--label",
            "--no-token",
            "--separate",
            "--dry-run",
            "--json",
        ),
    ),
    (
        "deregister",
        "pxm deregister NAME|ID [--yes] [--json]",
        "Erase a cluster's record and its secret here; nothing changes on the cluster.",
        "Works when the cluster is dead. Prints the commands for what is left on the cluster. Asks on a terminal; "
        "elsewhere --yes is needed.",
        ("NAME|ID", "--yes", "--keep-token", "--json"),
    ),
    (
        "check",
        "pxm check [NAME|ID …] [--json]",
        "Check clusters live, step by step: the named ones, or all.",
        "Exit status 0 when all are healthy or degraded, the failure's own when all failures share one, else 10.",
        ("NAME|ID…", "--json"),
    ),
    (
        "audit",
        "pxm audit [verify] [--json]",
        "List every change that pxm has made, or verify that the list is as it was written.",
        "Nothing is contacted. verify ends with 0 where the list is intact or empty, and with 1 where it is not; "
        "the first broken line is named.",
        ("verify", "--json"),
    ),
    (
        "demo",
        "pxm demo [--ascii] [--no-mouse] [--refresh SECONDS]\n       pxm demo --serve [OPTION…]",
        "Open the terminal UI on a simulated fleet; nothing of yours is touched.",
        "With --serve only the fleet, for scripts and tests: --clusters N, --nodes N and --guests N of each, "
        "--latency-ms N, --seed N, --pve 6.4|7.4|8.4|9.2|mixed, --keys ec|rsa.",
        ("--ascii", "--no-mouse", "--refresh", "--serve"),
    ),
)


SERVES = "Serve a simulated fleet alone, for scripts and tests; one line of JSON a cluster says how to reach it."


def cli_help_table() -> list[tuple[str, str]]:
    """Usage and one line of help of every command, for the documentation. Two ways of usage are two rows."""
    first = ("pxm [--data-dir DIR] [--ascii] [--no-mouse] [--refresh SECONDS|off]", "Open the terminal UI.")
    lines = [(line, summary) for _, usage, summary, _, _ in COMMANDS for line in _usages(usage)]
    return [first, *((line, SERVES if "--serve" in line else summary) for line, summary in lines)]


def _usages(usage: str) -> list[str]:
    """The ways of usage, each on one line."""
    return [f"pxm {' '.join(way.split())}" for way in usage.split("pxm ")[1:]]
