"""Deciding on a certificate: one that nobody vouches for, or one that has changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from pxm_tui.domain.addresses import parse_fingerprint
from pxm_tui.domain.certificate import CLUSTER_AUTHORITY, Certificate
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.times import days_left, local_short
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import TrustQuestion
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.trusting import Comparison
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import FormInput, PushButton
from pxm_tui.tui.glyphs import STEP_STYLE
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.text import content, safe

_LABEL = 11
_VALIDITY = 47
_COLUMN = 27

NOT_TRUSTED = (
    "{url} shows a certificate that no authority on this machine vouches for. That is normal for Proxmox VE: every "
    "cluster signs its own. No user name and no password has been sent."
)
COMPARE = "To be sure, run `pvenode cert info` on the node and compare. Or paste what it printed, and pxm compares:"
LATER = "Trusted for this cluster only. If it is ever replaced, pxm stops and asks."
LATER_AUTHORITY = (
    "If the cluster's own authority proves to have signed it, every node of this cluster and every renewal is trusted "
    "silently; another authority stops it."
)


_VERDICTS: dict[bool | None, tuple[str, str]] = {
    True: ("ok", "the same"),
    False: ("failed", "different: do not trust it"),
    None: ("warning", "not a whole SHA-256 fingerprint yet"),
}


class CertificateChoice(BoxDialog[bool]):
    """What both dialogs share: the expected fingerprint, compared while it is typed, and two buttons."""

    GUARDED = True
    BINDINGS = [("enter", "compared")]
    UNTYPED = ""
    """Said as long as nothing is expected; where it says something, nothing is trusted before it is typed."""
    DEFAULT_CSS = """
    CertificateChoice .expected { height: 1; width: 1fr; }
    CertificateChoice .expected .label { width: 11; }
    CertificateChoice .expected .edge { width: 1; }
    CertificateChoice .expected FormInput { margin: 0 1; }
    CertificateChoice #expected-room { width: 1fr; max-width: 62; height: 1; }
    CertificateChoice #verdict { height: 1; padding-left: 11; }
    """

    def __init__(self, services: Services, shown: Certificate) -> None:
        super().__init__(services)
        self._shown_certificate = shown
        self._expected = FormInput(id="expected")

    def compose_choice(self, leave: str, trust: str, *others: PushButton) -> ComposeResult:
        """The field, what comparing gives, and the buttons."""
        with Horizontal(classes="expected"):
            yield Static("Expected", classes="label")
            with Horizontal(id="expected-room"):
                yield Static(Content("["), classes="edge")
                yield self._expected
                yield Static(Content("]"), classes="edge")
        yield Static(self.UNTYPED, id="verdict")
        trusting = PushButton(trust, id="trust")
        trusting.disabled = not self._may_trust
        yield buttons(PushButton(leave, id="leave"), trusting, *others)

    def on_mount(self) -> None:
        """Begin on the button that changes nothing."""
        self.query_one("#leave").focus(scroll_visible=False)

    @on(Input.Changed, "#expected")
    def _compare(self) -> None:
        verdict = self.query_one("#verdict", Static)
        self.query_one("#trust", PushButton).disabled = not self._may_trust
        if not self._expected.value.strip():
            verdict.update(self.UNTYPED)
            return
        state, words = _VERDICTS[self._typed_the_same()]
        verdict.update(Content.assemble((f"{self.glyphs.of_step(state)} {words}", STEP_STYLE[state])))

    def action_compared(self) -> None:
        """From the field to the button that trusts what is the same; that one is pressed by another Enter."""
        if self.listens and self._typed_the_same():
            self.query_one("#trust").focus()

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted while a button has the focus is meant for the only field."""
        event.stop()
        if self.listens:
            self._expected.value = event.text.strip()
            self._expected.focus()

    def _typed_the_same(self) -> bool | None:
        """Whether the typed fingerprint is the one that is shown; None where it is no whole one."""
        try:
            return parse_fingerprint(self._expected.value) == self._shown_certificate.sha256
        except InvalidError:
            return None

    @property
    def _may_trust(self) -> bool:
        """The very fingerprint that is shown was typed, or none where none is needed."""
        if not self._expected.value.strip():
            return not self.UNTYPED
        return self._typed_the_same() is True

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        wanted = event.button.id == "trust"
        # Keys that come in one burst press the button before what they typed has turned it off.
        if not wanted or self._may_trust:
            self.dismiss(wanted)

    def leave(self) -> None:
        """Nothing is trusted."""
        self.dismiss(False)


class CertificateDialog(CertificateChoice):
    """Whether to trust a certificate that nobody vouches for. Gives True when it is trusted.

    Args:
        question: the certificate and where it was shown.
        services: the bundle.
    """

    def __init__(self, question: TrustQuestion, services: Services) -> None:
        super().__init__(services, question.certificate)
        self._question = question

    @property
    def box_title(self) -> str:
        """The same for all."""
        return "Certificate not trusted yet"

    def footer_keys(self) -> list[tuple[str, str]]:
        """The keys."""
        return [("Tab", "move"), ("Enter", "press"), ("Ctrl-Y", "copy the fingerprint"), ("Esc", "cancel")]

    def copied(self) -> str:
        """The fingerprint."""
        return self._question.certificate.sha256

    def compose_body(self) -> ComposeResult:
        """What was shown, and what to compare it with."""
        url = self._question.endpoint.url
        yield Prose([Fact(NOT_TRUSTED.format(url=url)), BLANK, *self._facts(), BLANK, Fact(COMPARE)])
        yield from self.compose_choice("Cancel", "Trust this certificate")
        yield Prose([BLANK, Fact(later(self._question.certificate))])

    def _facts(self) -> list[Fact]:
        shown = self._question.certificate
        facts = [
            Fact(label="SHA-256", label_width=_LABEL, lines=lambda room: fingerprint_lines(shown.sha256, room)),
            _labelled("Subject", shown.subject),
            _labelled("Issuer", shown.issuer),
            _labelled("Names", ", ".join(shown.names) or "none"),
        ]
        if not self._question.host_named:
            host = safe(self._question.endpoint.host, 253)
            facts.append(
                Fact(
                    f"! {host} is not among them (an alias, or another machine)",
                    label_width=_LABEL,
                    style=STEP_STYLE["warning"],
                )
            )
        now = self.services.clock()
        valid = Fact(label="Valid", label_width=_LABEL, lines=lambda room: validity_lines(shown, now, room))
        return [*facts, valid]


class CompareDialog(CertificateChoice):
    """The trusted certificate beside the one that is shown now. Gives True when the new one is to be trusted.

    Args:
        services: the bundle.
        view: whose certificate changed.
        comparison: both, and what the difference looks like.
    """

    UNTYPED = "Type or paste the SHA-256 that the node prints, to trust it."

    def __init__(self, services: Services, view: ClusterView, comparison: Comparison) -> None:
        super().__init__(services, comparison.shown)
        self._view = view
        self._comparison = comparison
        self.wants_deregistration = False
        """The third way out was taken."""

    @property
    def box_title(self) -> str:
        """Whose it is."""
        return f"{self._view.cluster.name}: the certificate has changed"

    def about(self) -> Cluster:
        """The cluster."""
        return self._view.cluster

    def footer_keys(self) -> list[tuple[str, str]]:
        """The keys."""
        return [("Tab", "move"), ("Enter", "press"), ("Ctrl-Y", "copy both"), ("Esc", "leave it")]

    def copied(self) -> str:
        """Both fingerprints."""
        return f"trusted  {self._comparison.trusted.sha256}\nshown    {self._comparison.shown.sha256}"

    def compose_body(self) -> ComposeResult:
        """What happened, both certificates, what the difference looks like."""
        verdict = f"{self._comparison.verdict} To be sure, compare with `pvenode cert info`."
        yield Prose([Fact(self._happened()), BLANK, *self._columns(), BLANK, Fact(verdict)])
        yield from self.compose_choice("Leave it", "Trust the new one", PushButton("Deregister", id="deregister"))

    @on(PushButton.Pressed, "#deregister")
    def _deregister(self) -> None:
        self.wants_deregistration = True

    def _happened(self) -> str:
        cluster = self._view.cluster
        trusted_on = (cluster.trust.trusted_at or cluster.created_at).astimezone()
        since = cluster.error.since if cluster.error is not None else None
        stopped = f"Since {local_short(since, self.services.clock())} nothing" if since is not None else "Nothing"
        return (
            f"{cluster.endpoint.url} no longer shows the certificate that you trusted on {trusted_on:%Y-%m-%d}. "
            f"{stopped} with a credential is sent to it."
        )

    def _columns(self) -> list[Fact]:
        old, new = self._comparison.trusted, self._comparison.shown
        same_key = old.public_key_sha256 == new.public_key_sha256
        facts = [_two("", ("TRUSTED UNTIL NOW",), ("SHOWN NOW",), "bold")]
        facts.append(_two("SHA-256", quarters(old.sha256), quarters(new.sha256)))
        key = "the same key" if same_key else f"{new.key}, another key" if old.key == new.key else new.key
        facts.append(_two("Key", (old.key,), (key,)))
        facts.append(_two("Issuer", (issuer_name(old),), (issuer_name(new),)))
        facts.append(_two("Valid to", (f"{old.not_after:%Y-%m-%d}",), (f"{new.not_after:%Y-%m-%d}",)))
        return facts


def later(shown: Certificate) -> str:
    """What trusting this certificate will mean; the proof comes after the login."""
    return LATER_AUTHORITY if issuer_name(shown) == CLUSTER_AUTHORITY else LATER


def _labelled(label: str, text: str) -> Fact:
    return Fact(safe(text, 1000), label=label, label_width=_LABEL, quoted=True)


def fingerprint_lines(sha256: str, room: int) -> list[Content]:
    """A fingerprint in lines of sixteen bytes, or of eight where those do not fit."""
    return [Content(line) for line in _bytes(sha256, 16 if room >= _VALIDITY else 8)]


def quarters(sha256: str) -> tuple[str, ...]:
    """A fingerprint in four lines of eight bytes."""
    return _bytes(sha256, 8)


def _bytes(sha256: str, count: int) -> tuple[str, ...]:
    pairs = sha256.split(":")
    return tuple(":".join(pairs[index : index + count]) for index in range(0, len(pairs), count))


def validity_lines(shown: Certificate, now: datetime, room: int) -> list[Content]:
    """From when to when, and the key; beside each other where there is room."""
    left = days_left(shown.not_after, now)
    span = f"{shown.not_before:%Y-%m-%d} to {shown.not_after:%Y-%m-%d}, "
    if shown.not_after <= now:
        valid = Content.assemble(span, (f"! expired {(now - shown.not_after).days} days ago", STEP_STYLE["warning"]))
    elif shown.not_before > now:
        valid = Content.assemble(span, ("! not valid yet", STEP_STYLE["warning"]))
    else:
        valid = Content(f"{span}{left} days left")
    key = content(f"Key   {shown.key}")
    gap = max(3, _VALIDITY - valid.cell_length)
    if valid.cell_length + gap + key.cell_length <= room:
        return [Content.assemble(valid, " " * gap, key)]
    if valid.cell_length <= room:
        return [valid, key]
    return [Content(span.rstrip()), valid[len(span) :], key]


def issuer_name(certificate: Certificate) -> str:
    """The organisation of the issuer, or its common name, or all of it."""
    parts = dict(part.split("=", 1) for part in certificate.issuer.split(", ") if "=" in part)
    return safe(parts.get("O") or parts.get("CN") or certificate.issuer, 200)


def _two(label: str, old: Sequence[str], new: Sequence[str], style: str = "") -> Fact:
    def lines(room: int) -> list[Content]:
        if room >= _COLUMN + 23:
            return [_beside(left, right, room, style) for left, right in zip(old, new, strict=True)]
        return [content(line, style) for line in (*old, *new)]

    return Fact(label=label, label_width=_LABEL, lines=lines)


def _beside(left: str, right: str, room: int, style: str) -> Content:
    from pxm_tui.tui.text import fit

    text = f"{fit(left, _COLUMN - 1)} {fit(right, max(8, room - _COLUMN)).rstrip()}"
    return Content.styled(text, style) if style else Content(text)
