"""The page after a registration: what was found, what is kept and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.cluster import Cluster, LoginMethod, reason_of, trust_words
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.login_messages import grant_line
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.domain.tokens import expiry_words
from pxm_tui.services.bundle import Services
from pxm_tui.services.endpoints import Look
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.services.registration import Registration
from pxm_tui.tui.dialog import BodyScroll, buttons, fit_keys, program_title
from pxm_tui.tui.fields import PushButton
from pxm_tui.tui.glyphs import STEP_STYLE
from pxm_tui.tui.keys import Key, bindings
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.screens.base import PxmScreen
from pxm_tui.tui.text import safe
from pxm_tui.tui.widgets.frame import KeysLine, RuleLine, TitleLine

_LABEL = 11
KEYS = (
    Key("registered.next", "tab,right,down", "move(1)", "Tab", "move", "next button"),
    Key("registered.previous", "shift+tab,left,up", "move(-1)", "Shift-Tab", "move back", "previous button"),
    Key("registered.done", "escape", "back", "Esc", "done", "back to the clusters"),
)
FOOTER = (("Enter", "press"), ("Tab", "move"), ("Esc", "done"))


class RegisteredScreen(PxmScreen[bool]):
    """What was registered; gives True to register another.

    Args:
        services: the bundle.
        registration: what was registered.
        vault: where its secret is.
        second_factor: the login took a code.
    """

    BINDINGS = [*bindings(KEYS), ("pagedown", "page(1)"), ("pageup", "page(-1)")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (66, "-roomy")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]
    DEFAULT_CSS = """
    RegisteredScreen .blank { height: 1; }
    RegisteredScreen.-short .blank { display: none; }
    RegisteredScreen #registered-body { height: 1fr; scrollbar-size-vertical: 1; }
    RegisteredScreen Prose { padding: 0 1; }
    RegisteredScreen .buttons { padding-left: 12; height: 1; }
    RegisteredScreen.-narrow .buttons { layout: vertical; height: auto; padding-left: 1; }
    """

    def __init__(
        self, services: Services, registration: Registration, vault: VaultState, *, second_factor: bool = False
    ) -> None:
        super().__init__()
        self.services = services
        self._registration = registration
        self._vault = vault
        self._second_factor = second_factor
        self._looks: tuple[Look, ...] = ()

    def compose(self) -> ComposeResult:
        """Title, facts, buttons, keys."""
        yield TitleLine(program_title(self.services, "Register a cluster"), "saved")
        yield Static("", classes="blank")
        with BodyScroll(id="registered-body"):
            yield Prose(self._facts(), id="facts")
            yield Static("", classes="blank")
            yield Static("", classes="blank")
            yield buttons(PushButton("Done", id="done"), PushButton("Register another", id="another"))
        yield RuleLine()
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        """Enter is done. The look at the other nodes is the app's: it goes on when the page is left."""
        self.query_one("#done").focus(scroll_visible=False)
        if not self._registration.joined:
            self.app.run_worker(self._find_endpoints(), description="looking at the other nodes")

    async def _find_endpoints(self) -> None:
        found = self._registration
        try:
            cluster, proposals = await self.services.clusters.edits.take_endpoints(found.cluster, found.snapshot.nodes)
        except PxmError:
            return  # it was deregistered meanwhile, or the registry says elsewhere that it cannot be written
        self._looks = tuple(one.look for one in proposals)
        if cluster.endpoints != found.cluster.endpoints:
            await self.services.fleet.reload()
        for facts in self.query("#facts").results(Prose):  # none where the page has gone meanwhile
            facts.show(self._facts())

    async def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        """Show as many keys as fit."""
        self.query_one("#keys", KeysLine).show_content(*fit_keys(FOOTER, self.app.size.width, rows=1))

    def action_move(self, by: int) -> None:
        """To the other button."""
        self.focus_next() if by > 0 else self.focus_previous()

    def action_page(self, by: int) -> None:
        """Scroll."""
        body = self.query_one("#registered-body")
        body.scroll_relative(y=by * max(1, body.size.height - 1), animate=False)

    async def action_back(self) -> None:
        """Done."""
        self.dismiss(False)

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        self.dismiss(event.button.id == "another")

    def _facts(self) -> list[Fact]:
        cluster, snapshot = self._registration.cluster, self._registration.snapshot
        mark = self.glyphs.of_step("ok")
        done = "has one more endpoint" if self._registration.joined else "is registered"
        head = Content.assemble((mark, STEP_STYLE["ok"]), f" {safe(cluster.name, 64)} {done}.")
        facts = [Fact(lines=lambda _room: [head]), BLANK, Fact(_cluster_words(cluster), indent=2)]
        for label, text in self._kept(cluster, snapshot):
            facts.append(Fact(text, label=label, label_width=_LABEL, indent=2))
        return [*facts, BLANK, BLANK, Fact(times_words(self._registration.steps), indent=2)]

    def _kept(self, cluster: Cluster, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        if self._registration.joined:
            yield "Endpoints", ", ".join(endpoint.url for endpoint in cluster.endpoints)
            yield "Login", f"{cluster.login.name}, as before; what you typed to log in is forgotten"
            return
        node = next((node.name for node in snapshot.nodes if node.local), "")
        at = f" (node {node})" if node else ""
        yield "Endpoint", f"{cluster.endpoint.url}{at}, {endpoints_words(self._looks)}"
        yield "Trust", _trust(cluster)
        yield "Rights", snapshot.rights
        if cluster.limits:
            line = grant_line(cluster.login.user, cluster.login.token_id)
            yield "", f"To let it see everything, on a node: `{line}`"
        yield "Login", _login(cluster, self._vault, self.services.clock(), second_factor=self._second_factor)
        token = next((step for step in self._registration.steps if step.name == "token"), None)
        if token is not None and token.state is StepState.WARNING:
            yield "", f"{token.message} {token.do}"
        yield "Secrets", _secrets(self.services, self._vault)


def endpoints_words(looks: Sequence[Look]) -> str:
    """Which other nodes are endpoints too, and which cannot be from here."""
    answering = [look.endpoint.authority for look in looks if look.error is None]
    reasons = {look.endpoint.host: reason_of(look.error).short for look in looks if look.error is not None}
    silent = [f"{host} ({short})" for host, short in reasons.items()]
    if len(silent) > 2:
        silent = [f"{len(silent)} other nodes ({', '.join(dict.fromkeys(reasons.values()))})"]
    if not looks:
        return "the only one so far"
    more = f"and, where it does not answer, {', '.join(answering)}" if answering else "the only one"
    return f"{more}; not from here: {', '.join(silent)}" if silent else more


def _cluster_words(cluster: Cluster) -> str:
    words = [f"Proxmox VE {cluster.proxmox_version}", f"{cluster.nodes_online} of {cluster.node_count} nodes online"]
    if cluster.quorate is not None:
        words.append("quorate" if cluster.quorate else "no quorum")
    if cluster.guests_total is None:
        words.append("guests may not be seen")
    else:
        words.append(f"{cluster.guests_running} of {cluster.guests_total} guests running")
    return ", ".join(words)


def _trust(cluster: Cluster) -> str:
    certificate = cluster.trust.certificate
    end = f" {certificate.not_after:%Y-%m-%d}" if certificate else ""
    if cluster.trust.mode is TrustMode.PINNED_LEAF:
        return f"this certificate, until it is replaced or expires{end}"
    return f"{trust_words(cluster.trust)}; the certificate expires{end}"


def _login(cluster: Cluster, vault: VaultState, now: datetime, *, second_factor: bool) -> str:
    kept = "is kept in memory only, for this run" if vault.mode is VaultMode.ASK else "is stored encrypted"
    if cluster.login.minted:
        end = expiry_words(cluster.login, now)
        return f"{cluster.login.name}, a token made by pxm, {end}; its secret {kept}. The password is forgotten."
    if cluster.login.method is LoginMethod.TOKEN:
        return f"API token {cluster.login.name}; its secret {kept}."
    if not second_factor:
        return f"the password of {cluster.login.user} {kept}."
    return (
        f"the password {kept}. This account has a second factor, so each start of pxm needs a code "
        "(`c`, Log in again). An API token needs none."
    )


def _secrets(services: Services, vault: VaultState) -> str:
    path = services.places.secrets
    if vault.mode is VaultMode.ASK:
        return "in memory only: the next start of pxm has none (`c`, Log in again)."
    if vault.mode is VaultMode.KEYRING:
        return f"{path}, opened by this machine's keyring."
    if services.demo is not None:
        return f"{path}, opened by a passphrase of the demo's own."
    if not vault.asks:
        return f"{path}, opened by a passphrase that is read from a file."
    return f"{path}, opened by your passphrase once a run, because no keyring is in use here."


def times_words(steps: tuple[Step, ...]) -> str:
    """How long it took: `1.21 s: address 0, connect 12, save 9 ms`."""
    ran = [step for step in steps if step.state in {StepState.OK, StepState.WARNING} and step.name != "name"]
    total = sum(step.ms for step in ran) / 1000
    return f"{total:.2f} s: {', '.join(f'{step.name} {step.ms}' for step in ran)} ms"
