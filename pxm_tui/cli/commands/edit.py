"""`pxm edit`: what is to be different, from the options; the outcome as record or in words."""

from __future__ import annotations

import argparse
from pathlib import Path

from pxm_tui.cli import output
from pxm_tui.cli.confirming import named
from pxm_tui.cli.dialog import TerminalDialog
from pxm_tui.cli.login_options import check_login_options, endpoint_of, key_of, secrets_from_stdin
from pxm_tui.cli.run import INTERRUPTED
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.addresses import check_name, parse_fingerprint, parse_label
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.guard import wants_name
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import StepState
from pxm_tui.domain.text import one_line
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.services.authority import wished_trust
from pxm_tui.services.bundle import Services
from pxm_tui.services.ca_file import read_ca
from pxm_tui.services.dialog import CodeQuestion
from pxm_tui.services.edit_changes import Changes
from pxm_tui.services.editing import Edited, EditFailedError, edited_endpoints, edited_labels
from pxm_tui.services.ports import Credentials

_WHAT = ("name", "label", "remove_label", "add_endpoint", "remove_endpoint", "fingerprint", "ca_file")
_LOGIN = ("user", "token_id", "token_secret_stdin")


def run(arguments: argparse.Namespace) -> int:
    """Edit a cluster. Raises `PxmError` where it fails; nothing was saved then."""
    logs_in = any(getattr(arguments, name) for name in _LOGIN)
    check_login_options(arguments, needed=False)
    changes = any(getattr(arguments, name) is not None for name in _WHAT)
    if not (changes or logs_in or arguments.guard is not None):
        raise InvalidError("usage", "Nothing says what to change.", do="`pxm edit --help` shows what can be.")
    if (arguments.token_role or arguments.no_token) and not arguments.user:
        raise InvalidError("usage", "A token is made with a password, and none is given.", do="Give --user USER@REALM.")
    asked = _Asked(arguments)
    given = secrets_from_stdin(arguments)

    async def work(services: Services) -> int:
        cluster = await services.clusters.get(arguments.cluster)
        terminal = Terminal.present()
        if _wants_confirmation(cluster, arguments) and not await _confirmed(cluster, terminal):
            output.note("nothing was changed.")
            return INTERRUPTED
        key = await key_of(arguments, given, terminal)
        if key is not None and "@" not in key.credentials.user:
            raise InvalidError("user", "The user has no realm.", do="Examples: root@pam, anna@pve.", field="user")
        credentials, code = (None, None) if key is None else (key.credentials, key.code)
        dialog = _EditDialog(terminal, code)
        try:
            done = await services.clusters.edits.edit(
                cluster.id, asked.changes(cluster, credentials), Snapshot(cluster.id), dialog
            )
        except EditFailedError as failure:
            raise failure.error from None
        _say(done, as_json=arguments.json)
        return 0

    return run_with_services(settings_of(arguments), work)


def _wants_confirmation(cluster: Cluster, arguments: argparse.Namespace) -> bool:
    """A production cluster is about to lose its guard, and nobody has said yes to that beforehand."""
    return arguments.guard is False and cluster.read_only and wants_name(cluster) and not arguments.yes


async def _confirmed(cluster: Cluster, terminal: Terminal | None) -> bool:
    """Say what it means, and ask. Raises `InvalidError` where nobody can be asked."""
    if terminal is None:
        raise InvalidError(
            "usage",
            "Making a production cluster writable asks first, and there is no terminal to ask on.",
            do="Give --yes.",
        )
    terminal.say(f"{one_line(cluster.name)} is production and read-only: pxm changes nothing on it.")
    terminal.say("From then on pxm does what it is told to, as far as the login may.")
    return await named(terminal, cluster, "make it writable")


class _Asked:
    """What the options say, understood before anything is opened. Raises `InvalidError`."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._name = None if arguments.name is None else check_name(arguments.name)
        self._labels = [parse_label(text) for text in arguments.label or ()]
        self._no_labels = arguments.remove_label or ()
        self._added = [endpoint_of(text) for text in arguments.add_endpoint or ()]
        self._removed = [endpoint_of(text) for text in arguments.remove_endpoint or ()]
        fingerprint = parse_fingerprint(arguments.fingerprint) if arguments.fingerprint is not None else None
        authority = read_ca(Path(arguments.ca_file)) if arguments.ca_file is not None else None
        self._trust = wished_trust(fingerprint, authority) if fingerprint or authority else None
        self._token = None if arguments.no_token else TokenRole(arguments.token_role or TokenRole.AUDITOR)
        self._read_only = arguments.guard

    def changes(self, cluster: Cluster, credentials: Credentials | None) -> Changes:
        """The same for this cluster. Raises `InvalidError`."""
        endpoints = edited_endpoints(cluster.endpoints, self._added, self._removed)
        labels = edited_labels(cluster.labels, self._labels, self._no_labels)
        return Changes(
            name=self._name,
            labels=labels,
            endpoints=endpoints,
            trust=self._trust,
            credentials=credentials,
            token=self._token,
            read_only=self._read_only,
        )


class _EditDialog(TerminalDialog):
    """Answers the question for a code with the one that came on stdin, once."""

    def __init__(self, terminal: Terminal | None, code: Secret | None) -> None:
        super().__init__(terminal)
        self._given = code

    async def code(self, question: CodeQuestion) -> Secret | None:
        """The given one, else as a person says."""
        given, self._given = self._given, None
        return given if given is not None else await super().code(question)


def _say(done: Edited, *, as_json: bool) -> None:
    if as_json:
        output.print_json(done.cluster.to_json())
    elif done.changed:
        output.say(f"Changed {one_line(done.cluster.name)}: {', '.join(done.changed)}.")
        if "login" in done.changed:
            output.say(f"It logs in as {one_line(done.cluster.login.name)} now.")
        for step in done.steps:
            if step.state is StepState.WARNING:
                hint = "" if step.name == "revoke" else one_line(step.hint, 1000)  # its command comes below
                output.note(f"note: {one_line(step.message, 1000)} {hint}".rstrip())
    else:
        output.say(f"{one_line(done.cluster.name)} is like that already; nothing was changed.")
    for line in done.cleanup:
        output.note(f"note: left on the cluster; to remove it, on any node:  {one_line(line)}")
    if done.revoked:
        output.note(f"note: the token {one_line(done.before.login.name)} is revoked.")
