"""The commands and options, as data: the parser and the documentation are made from it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Command = tuple[str, str, str, str, tuple[str, ...]]
    """Name, usage, one line of help, the rest of the help, arguments by their keys in `OPTIONS`."""

GLOBAL = ("--data-dir", "--ascii", "--no-mouse", "--refresh", "--read-only")
"""Options that may stand before the command as well."""

COMPLETION_NAMES = "names"
"""What completion scripts themselves ask for in place of a shell's name; shown to nobody."""


class _Shells(tuple[str, ...]):
    """The shells that there is a script for; takes the scripts' own word as well, without naming it in an error."""

    __slots__ = ()

    def __contains__(self, word: object) -> bool:
        return word == COMPLETION_NAMES or super().__contains__(word)


OPTIONS: dict[str, dict[str, Any]] = {
    "--data-dir": {"metavar": "DIR", "help": "where the registry is, in place of PXM_DATA_DIR and the default"},
    "--ascii": {"action": "store_true", "help": "draw with ASCII signs only"},
    "--no-mouse": {"action": "store_true", "help": "ask the terminal for no mouse events"},
    "--refresh": {"metavar": "SECONDS", "help": "time between two refreshes, 5 to 3600, or off"},
    "--read-only": {"action": "store_true", "help": "change nothing on any cluster, whatever is asked for"},
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
    "--no-token": {"action": "store_true", "help": "make no token, keep the password, encrypted"},
    "--token-role": {
        "choices": ("auditor", "operator", "all"),
        "help": "auditor may look, operator run guests too, all everything that the user may, without a second factor "
        "(with User.Modify that is full control, and expiry does not limit a thief)",
    },
    "--all": {"action": "store_true", "help": "all clusters whose token pxm made"},
    "--separate": {"action": "store_true", "help": "register it as a cluster of its own, even if it is known"},
    "--remove-label": {"metavar": "KEY", "action": "append", "help": "take this label away"},
    "--name": {"metavar": "NAME", "help": "call it so from now on"},
    "--add-endpoint": {"metavar": "URL", "action": "append", "help": "another node's address; it has to prove itself"},
    "--remove-endpoint": {"metavar": "URL", "action": "append", "help": "ask there no more; one has to stay"},
    "GUARD": {
        "name": "--read-only",
        "action": "store_true",
        "dest": "guard",
        "default": None,
        "help": "from now on no action of pxm changes anything on it",
    },
    "--no-read-only": {"action": "store_false", "dest": "guard", "default": None, "help": "actions may change it"},
    "--dry-run": {"action": "store_true", "help": "run every step, save nothing, print the steps"},
    "ACTION": {"metavar": "passphrase|keyring|lock", "name": "action", "nargs": "?", "help": "without one it is shown"},
    "--passphrase-stdin": {"action": "store_true", "help": "passphrases are lines of stdin: the present, then the new"},
    "--yes": {"action": "store_true", "help": "do not ask"},
    "--keep-token": {"action": "store_true", "help": "leave the token that pxm made as it is"},
    "verify": {"name": "what", "nargs": "?", "choices": ["verify"], "help": "go through the whole audit"},
    "FILE": {"metavar": "FILE", "name": "file", "help": "the list of clusters; - reads it from stdin"},
    "--format FORM": {
        "name": "--format",
        "metavar": "FORM",
        "choices": ("csv", "yaml", "json", "pvetui", "proxxx", "pdm"),
        "help": "csv, yaml, json, pvetui, proxxx or pdm, where the file's name does not tell",
    },
    "--format json|yaml|csv": {
        "name": "--format",
        "metavar": "FORM",
        "choices": ("json", "yaml", "csv"),
        "help": "json (the default), yaml or csv",
    },
    "--timeout": {"metavar": "SECONDS", "help": "when all of it is over; with --nagios 50 if not given"},
    "--lines": {"action": "store_true", "help": "print one line a cluster, its fields separated by tabs"},
    "--nagios": {"action": "store_true", "help": "print the line, and end with the status, of a Nagios plug-in"},
    "--watch": {"action": "store_true", "help": "go on for ever, and print each change as a line of JSON"},
    "SHELL": {
        "metavar": "SHELL",
        "name": "shell",
        "choices": _Shells(("bash", "zsh", "fish")),
        "help": "bash, zsh or fish",
    },
    "TOPIC": {"metavar": "TOPIC", "name": "topic", "nargs": "?", "help": "a topic or a command; without one, a list"},
    "--man": {"action": "store_true", "help": "print the manual page, for man -l"},
    "WORDS": {"metavar": "token …", "name": "words", "nargs": "*", "help": "see above; without it the server"},
    "--host": {"metavar": "ADDRESS", "help": "listen there; 127.0.0.1 by default"},
    "--port": {"metavar": "PORT", "type": int, "help": "listen there; 8080 by default, 0 takes a free one"},
    "--unix-socket": {"metavar": "PATH", "help": "listen on a socket of this path (0600) instead"},
    "--tls-cert": {"metavar": "FILE", "help": "speak TLS with this certificate (PEM); SIGHUP reads it again"},
    "--tls-key": {"metavar": "FILE", "help": "its key, where it is not in the same file"},
    "--behind-proxy": {
        "action": "store_true",
        "help": "a proxy speaks TLS; X-Forwarded-For is believed, other addresses than loopback are allowed",
    },
    "--rate-limit": {"metavar": "N", "type": float, "help": "reads a second that one token may make; 5000 by default"},
    "--live-limit": {"metavar": "N", "type": float, "help": "calls a second to clusters by one token; 5 by default"},
    "--role": {"metavar": "ROLE", "help": "what a new token may: viewer (read), operator (check too) or admin (all)"},
    "--expires": {"metavar": "DAYS", "help": "a new token ends after so many days; it never does by default"},
    "--out": {"metavar": "FILE", "help": "write a new token into a new file (0600) instead of printing it"},
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
        "         [--token-role auditor|operator|all | --no-token] [--separate]\n"
        "         [--dry-run] [--json]",
        "Check a cluster live, step by step, and register it.",
        "With a password pxm makes an API token of its own for one role, auditor if nothing else is said, and forgets "
        "the password. "
        "Secrets come from a prompt or from stdin, one a line: the password or the token's secret, then the code. "
        "An untrusted certificate is asked about on a terminal, and ends with exit status 6 elsewhere.\n\n"
        "Many at once (pxm import takes them from a file):\n\n"
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
            "--token-role",
            "--no-token",
            "--separate",
            "--dry-run",
            "--json",
        ),
    ),
    (
        "edit",
        "pxm edit NAME|ID [--name NAME] [--label KEY=VALUE …]\n"
        "         [--remove-label KEY …] [--add-endpoint URL …]\n"
        "         [--remove-endpoint URL …] [--fingerprint SHA256 | --ca-file PATH]\n"
        "         [--user USER@REALM [--password-stdin [--otp-stdin]] |\n"
        "          --token-id USER@REALM!NAME [--token-secret-stdin]]\n"
        "         [--token-role auditor|operator|all | --no-token]\n"
        "         [--read-only | --no-read-only [--yes]] [--json]",
        "Change a cluster's record; each change is checked live before it is saved.",
        "If any check fails, nothing is changed. A new endpoint has to verify under the cluster's trust and to be of "
        "the same cluster; another trust or login has to carry a whole check. Without the endpoint that was registered "
        "first the next one takes its place. A new password makes a token and is forgotten, as at register; the token "
        "that pxm made before is revoked where the new login may do that, else it is named. Making a production "
        "cluster writable wants its name typed on a terminal; elsewhere --yes is needed.",
        (
            "NAME|ID",
            "--name",
            "--label",
            "--remove-label",
            "--add-endpoint",
            "--remove-endpoint",
            "--fingerprint",
            "--ca-file",
            "GUARD",
            "--no-read-only",
            "--yes",
            "--user",
            "--password-stdin",
            "--token-id",
            "--token-secret-stdin",
            "--otp-stdin",
            "--token-role",
            "--no-token",
            "--json",
        ),
    ),
    (
        "deregister",
        "pxm deregister NAME|ID [--yes] [--keep-token]\n"
        "         [--user USER@REALM [--password-stdin [--otp-stdin]]] [--json]",
        "Erase a cluster's record and its secret here, and revoke the token that pxm made.",
        "A token may seldom revoke itself: with the login of its owner it is revoked, without one it stays, and the "
        "command that removes it is printed. Works when the cluster is dead. Asks on a terminal; elsewhere --yes is "
        "needed.",
        (
            "NAME|ID",
            "--yes",
            "--keep-token",
            "--user",
            "--password-stdin",
            "--token-id",
            "--token-secret-stdin",
            "--otp-stdin",
            "--json",
        ),
    ),
    (
        "rotate",
        "pxm rotate NAME|ID…|--all\n"
        "         [--user USER@REALM [--password-stdin [--otp-stdin]]]\n"
        "         [--token-role auditor|operator|all] [--json]",
        "Replace tokens by new ones: made, checked and saved first, then the old one is removed.",
        "A token may seldom make another, so give the login of its owner; on a terminal it is asked for. The role "
        "stays what it was unless --token-role says auditor, operator or all. A password that is kept is replaced by "
        "a token. Exit status as of check.",
        (
            "NAME|ID…",
            "--all",
            "--user",
            "--password-stdin",
            "--token-id",
            "--token-secret-stdin",
            "--otp-stdin",
            "--token-role",
            "--json",
        ),
    ),
    (
        "check",
        "pxm check [NAME|ID …] [--timeout SECONDS] [--json | --lines | --nagios]\n"
        "       pxm check [NAME|ID …] --watch [--refresh SECONDS]",
        "Check clusters live, step by step: the named ones, or all.",
        "Exit status 0 when all are healthy or degraded, the failure's own when all failures share one, else 10; with "
        "--nagios 0, 1, 2 or 3 as a plug-in has it. `pxm help monitoring` says more.",
        ("NAME|ID…", "--timeout", "--lines", "--nagios", "--watch", "--refresh", "--json"),
    ),
    (
        "import",
        "pxm import FILE [--format FORM] [--token-role ROLE | --no-token]\n       [--dry-run] [--json]",
        "Register the clusters of a file, side by side, with a verdict for each.",
        "The file is CSV, YAML or JSON, such as pxm export writes; pvetui's config.yml, proxxx's config.toml, or the "
        "remotes.cfg of Proxmox Datacenter Manager. Run it again to go on: what is registered is left as it is. Exit "
        "status 10 when some rows are not done. `pxm help import` says more.",
        ("FILE", "--format FORM", "--token-role", "--no-token", "--dry-run", "--json"),
    ),
    (
        "export",
        "pxm export [--format json|yaml|csv]",
        "Print the registered clusters as a file for pxm import, without secrets.",
        "Nothing is contacted. The same registry gives the same bytes.",
        ("--format json|yaml|csv",),
    ),
    (
        "completion",
        "pxm completion bash|zsh|fish",
        "Print the completion script for a shell.",
        "bash: pxm completion bash > ~/.local/share/bash-completion/completions/pxm\n\n"
        "zsh: pxm completion zsh > a directory of $fpath, as _pxm\n\n"
        "fish: pxm completion fish > ~/.config/fish/completions/pxm.fish",
        ("SHELL",),
    ),
    (
        "help",
        "pxm help [TOPIC | COMMAND]\n       pxm help --man",
        "Explain a topic or a command; without one, list the topics.",
        "",
        ("TOPIC", "--man"),
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
        "vault",
        "pxm vault [passphrase|keyring|lock] [--passphrase-stdin] [--json]",
        "Show who opens the stored secrets, or change it.",
        "With passphrase they get a new passphrase, with keyring this machine's keyring holds their key; nothing is "
        "decrypted, and programs that have them open go on. With lock what the kernel remembers for this login session "
        "is forgotten.\n\n"
        "Passphrases come from prompts, or from stdin, one a line: the present one where there is one that no file "
        "holds, then the new one.",
        ("ACTION", "--passphrase-stdin", "--json"),
    ),
    (
        "serve",
        "pxm serve [--host ADDRESS] [--port PORT | --unix-socket PATH]\n"
        "         [--tls-cert FILE [--tls-key FILE]] [--behind-proxy]\n"
        "         [--refresh SECONDS] [--rate-limit N] [--live-limit N]\n"
        "       pxm serve token add NAME --role viewer|operator|admin\n"
        "         [--expires DAYS] [--out FILE] [--json]\n"
        "       pxm serve token list [--json]\n"
        "       pxm serve token revoke NAME",
        "Serve the REST API, on 127.0.0.1:8080; /docs describes it.",
        "Every call but /health, /docs and /openapi.json needs a bearer token. A token is shown once, when it is made; "
        "its hash is kept. Listening beyond this machine takes TLS. SIGTERM lets what runs come to its end.",
        (
            "WORDS",
            "--host",
            "--port",
            "--unix-socket",
            "--tls-cert",
            "--tls-key",
            "--behind-proxy",
            "--refresh",
            "--rate-limit",
            "--live-limit",
            "--role",
            "--expires",
            "--out",
            "--json",
        ),
    ),
    (
        "demo",
        "pxm demo [--ascii] [--no-mouse] [--refresh SECONDS]\n       pxm demo --serve [OPTION…]",
        "Open the terminal UI on a simulated fleet; nothing of yours is touched.",
        "With --serve only the fleet, for scripts and tests: --clusters N, --nodes N and --guests N of each, "
        "--latency-ms N, --seed N, --pve 6.4|7.4|8.4|9.2|mixed, --keys ec|rsa, "
        "--scenario FILE (faults with their times).",
        ("--ascii", "--no-mouse", "--refresh", "--serve"),
    ),
)


WATCHES = "Watch the clusters until Ctrl-C; each change is a line of JSON."
MAN = "Print the manual page."
OPENS = "Open the terminal UI."
SERVES = "Serve a simulated fleet alone, for scripts and tests; one line of JSON a cluster says how to reach it."


def cli_help_table() -> list[tuple[str, str]]:
    """Usage and one line of help of every command, for the documentation. Two ways of usage are two rows."""
    first = ("pxm [--data-dir DIR] [--ascii] [--no-mouse] [--refresh SECONDS|off] [--read-only]", OPENS)
    lines = [(line, summary) for _, usage, summary, _, _ in COMMANDS for line in _usages(usage)]
    return [first, *((line, _OTHERWISE.get(_last_flag(line), summary)) for line, summary in lines)]


_OTHERWISE = {
    "--serve": SERVES,
    "--watch": WATCHES,
    "--man": MAN,
    "token add": "Make a bearer token for the REST API; it is shown once.",
    "token list": "List the tokens' names, roles and ends.",
    "token revoke": "Make a token worthless, at once.",
}


def _last_flag(line: str) -> str:
    """What makes a way of usage another one than the command's first; empty where nothing does."""
    return next((flag for flag in _OTHERWISE if f" {flag}" in line), "")


def _usages(usage: str) -> list[str]:
    """The ways of usage, each on one line."""
    return [f"pxm {' '.join(way.split())}" for way in usage.split("pxm ")[1:]]
