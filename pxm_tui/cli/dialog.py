"""The command line's side of a registration or check: questions on a terminal, refusals without one."""

from __future__ import annotations

import asyncio

from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.addresses import parse_fingerprint
from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.messages import secret_store
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import Step
from pxm_tui.domain.text import one_line
from pxm_tui.services.dialog import (
    CodeQuestion,
    Dialog,
    KnownAnswer,
    KnownQuestion,
    PassphraseQuestion,
    TokenChoice,
    TokenQuestion,
    TrustQuestion,
)
from pxm_tui.services.unattended import nobody_to_ask

PASSPHRASE_TRIES = 3
_WRONG = "The passphrase of the secret store was not the right one."


class TerminalDialog:
    """Implements `services.dialog.Dialog`.

    Args:
        terminal: where a person is asked; None where there is nobody.
        where: named in the question for a code when several clusters are worked on.
        may_choose: a new secret store may be made.
    """

    def __init__(self, terminal: Terminal | None, *, where: str = "", may_choose: bool = True) -> None:
        self._terminal = terminal
        self._where = f" on {one_line(where)}" if where else ""
        self._may_choose = may_choose
        self._tries = 0

    def step(self, step: Step) -> None:
        """Say nothing: what went wrong is said at the end."""

    async def trust(self, question: TrustQuestion) -> bool:
        """As ssh asks: `yes`, or the fingerprint that is expected."""
        if self._terminal is None:
            return False
        self._terminal.say("\n".join(trust_lines(question)))
        prompt = "cluster, or paste the fingerprint that you expect: "
        while True:
            answer = (await self._terminal.ask(prompt, fresh=True) or "").strip()
            if answer.lower() == "yes":
                return True
            if answer.lower() in {"", "n", "no"}:
                return False
            verdict = _compare(answer, question.certificate)
            if verdict is not None:
                self._terminal.say("The same." if verdict else "Different: it is not trusted.")
                return verdict
            prompt = "Type yes, no, or a SHA-256 fingerprint: "

    async def code(self, question: CodeQuestion) -> Secret | None:
        """The second factor, hidden as it is typed."""
        if self._terminal is None:
            return None
        kinds = "TOTP or recovery key" if not question.kinds or "totp" in question.kinds else "recovery key"
        typed = await self._terminal.ask(f"Code for {one_line(question.user)}{self._where} ({kinds}): ", hidden=True)
        return Secret(typed.strip()) if typed and typed.strip() else None

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """The passphrase of the secret store; a new one is typed twice.

        Raises:
            StorageError: there is nobody to ask, or it was wrong too often.
        """
        if question.new and not self._may_choose:
            return None
        if self._terminal is None:
            raise nobody_to_ask(question)
        if question.new:
            return await self._new_passphrase(self._terminal)
        self._tries += 1
        if self._tries > PASSPHRASE_TRIES:
            raise secret_store(_WRONG, "Try again.")
        if question.wrong:
            self._terminal.say("That is not the passphrase.")
        typed = await self._terminal.ask("Passphrase of the secret store: ", hidden=True)
        return Secret(typed) if typed else None

    async def token(self, question: TokenQuestion) -> TokenChoice | None:
        """One of three letters; without a terminal nobody decides."""
        if self._terminal is None:
            return None
        self._terminal.say("\n".join(token_lines(question)))
        while True:
            answer = (await self._terminal.ask("Type token, password or all: ", fresh=True) or "").strip().lower()
            if answer in _TOKEN_ANSWERS:
                return _TOKEN_ANSWERS[answer]

    async def known(self, question: KnownQuestion) -> KnownAnswer | None:
        """`endpoint`, `separate` or nothing; without a terminal nobody decides."""
        if self._terminal is None:
            return None
        self._terminal.say("\n".join(known_lines(question)))
        words = "endpoint, separate or no" if question.may_add else "separate or no"
        while True:
            answer = (await self._terminal.ask(f"Type {words}: ", fresh=True) or "").strip().lower()
            if answer in {"", "n", "no"}:
                return None
            if answer == KnownAnswer.SEPARATE or (answer == KnownAnswer.ENDPOINT and question.may_add):
                return KnownAnswer(answer)

    async def _new_passphrase(self, terminal: Terminal) -> Secret | None:
        terminal.say("Secrets are stored encrypted. This machine has no keyring, so choose a")
        terminal.say("passphrase; it is asked for once a run. Without one (Enter) secrets are")
        terminal.say("forgotten when this command ends.")
        while True:
            first = await terminal.ask("New passphrase: ", hidden=True)
            if not first:
                return None
            if first == await terminal.ask("Again: ", hidden=True):
                return Secret(first)
            terminal.say("They differ.")


class OneAtATime:
    """A dialog of several that share a terminal: one question is answered before the next is put.

    Args:
        dialog: asks.
        turn: shared by all of them.
    """

    def __init__(self, dialog: Dialog, turn: asyncio.Lock) -> None:
        self._dialog = dialog
        self._turn = turn

    def step(self, step: Step) -> None:
        """Pass it on."""
        self._dialog.step(step)

    async def trust(self, question: TrustQuestion) -> bool:
        """Ask in turn."""
        async with self._turn:
            return await self._dialog.trust(question)

    async def code(self, question: CodeQuestion) -> Secret | None:
        """Ask in turn."""
        async with self._turn:
            return await self._dialog.code(question)

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """Ask in turn."""
        async with self._turn:
            return await self._dialog.passphrase(question)

    async def known(self, question: KnownQuestion) -> KnownAnswer | None:
        """Ask in turn."""
        async with self._turn:
            return await self._dialog.known(question)

    async def token(self, question: TokenQuestion) -> TokenChoice | None:
        """Ask in turn."""
        async with self._turn:
            return await self._dialog.token(question)


_TOKEN_ANSWERS = {
    "token": TokenChoice.SEPARATED,
    "password": TokenChoice.PASSWORD,
    "all": TokenChoice.ALL,
    "": TokenChoice.PASSWORD,
}


_FULL_CONTROL = "            ! With its rights that is full control, and expiry does not limit a thief."


def token_lines(question: TokenQuestion) -> list[str]:
    """The three ways, and what each of them means."""
    user = one_line(question.user)
    return [
        f"{user} may do more than the role {question.role}, and may not {question.missing}.",
        "  token     a token without rights; an administrator gives it them:",
        *(f"            {one_line(line, 1000)}" for line in question.lines),
        "  password  no token, the password is kept (Enter)",
        f"  all       a token that may do everything that {user} may, without a second factor",
        *([_FULL_CONTROL] if question.full_control else []),
    ]


def known_lines(question: KnownQuestion) -> list[str]:
    """What is known, and which ways there are."""
    name, url = one_line(question.cluster.name, 64), question.endpoint.url
    if not question.may_add:
        return [
            f"{url} is an endpoint of {name} already.",
            "separate registers it a second time, as a cluster of its own (a cloned lab).",
        ]
    return [
        f"{url} belongs to {name} ({question.cluster.endpoint.url}), which is registered already:",
        f"{question.kind.words(name)}. endpoint adds it to {name}, with the login that {name} has;",
        "separate registers it as a cluster of its own (a cloned lab).",
    ]


def trust_lines(question: TrustQuestion) -> list[str]:
    """What is shown of a certificate before somebody decides, up to the last line, which is the prompt's."""
    shown, host = question.certificate, question.endpoint.host
    half = len(shown.sha256) // 2
    names = one_line(", ".join(shown.names)) or "none"
    lines = [
        f"The certificate of {question.endpoint.url} is not trusted yet.",
        f"  SHA-256  {shown.sha256[:half]}",
        f"           {shown.sha256[half + 1 :]}",
        f"  Names    {names}",
        f"  Valid    {shown.not_before:%Y-%m-%d} to {shown.not_after:%Y-%m-%d}",
        "Compare with  pvenode cert info  on the node. Type yes to trust it for this",
    ]
    if not question.host_named:
        lines.insert(4, f"           ! {host} is not among them (an alias, or another machine)")
    return lines


def _compare(answer: str, certificate: Certificate) -> bool | None:
    """Whether the answer is the certificate's fingerprint; None where it is no fingerprint at all."""
    try:
        return parse_fingerprint(answer) == certificate.sha256
    except InvalidError:
        return None
