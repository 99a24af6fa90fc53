"""The page after a registration: what was found, what is kept and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod, trust_words
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.login_messages import grant_line
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.domain.tokens import expiry_words
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import Silent
from pxm_tui.services.edit_changes import Changes
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.services.proposals import Proposal
from pxm_tui.services.registration import Registration
from pxm_tui.tui.dialog import BodyScroll, buttons, fit_keys, program_title
from pxm_tui.tui.endpoint_choices import EndpointChoices, EndpointRow
from pxm_tui.tui.fields import PushButton
from pxm_tui.tui.glyphs import STEP_STYLE
from pxm_tui.tui.keys import Key, bindings
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.remedies import on_screen
from pxm_tui.tui.screens.base import PxmScreen
from pxm_tui.tui.text import safe
from pxm_tui.tui.widgets.frame import KeysLine, RuleLine, TitleLine

_LABEL = 11
KEYS = (
    Key("registered.next", "tab,right,down", "move(1)", "Tab ↓", "move", "next endpoint or button", "Page"),
    Key("registered.previous", "shift+tab,left,up", "move(-1)", "Shift-Tab", "move back", "the one before", "Page"),
    Key("registered.take", "space", "take", "Space", "take, leave", "take or leave an endpoint", "Page"),
    Key("registered.keep", "", "done", "Enter", "keep", "press; keep the endpoints", "Page"),
    Key("registered.scroll", "", "page", "PgUp PgDn", "scroll", "scroll", "Page"),
    Key("registered.done", "escape", "back", "Esc", "done", "keep the endpoints; done", "Page"),
)
AT_A_BUTTON = (("Enter", "press"), ("Tab", "move"), ("Esc", "done"), ("F1", "help"))
WITH_ENDPOINTS = (
    ("Enter", "press"),
    ("Shift-Tab", "choose endpoints"),
    ("Tab", "move"),
    ("Esc", "done"),
    ("F1", "help"),
)
AT_AN_ENDPOINT = (("Space", "take, leave"), ("Enter", "keep"), ("Tab", "move"), ("Esc", "done"), ("F1", "help"))


class RegisteredScreen(PxmScreen[bool]):
    """What was registered; gives True to register another.

    What works of the other nodes is kept at once, and stays whatever becomes of the page; an endpoint that a person
    leaves is taken out again when they go.

    Args:
        services: the bundle.
        registration: what was registered.
        vault: where its secret is.
        second_factor: the login took a code.
    """

    BINDINGS = [*bindings(KEYS), ("pagedown", "page(1)"), ("pageup", "page(-1)"), ("f1", "help")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (66, "-roomy")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall"), (30, "-high")]
    DEFAULT_CSS = """
    RegisteredScreen .blank { height: 1; }
    RegisteredScreen.-short .blank { display: none; }
    RegisteredScreen #page { height: 1fr; }
    RegisteredScreen #registered-body {
        height: auto; max-height: 95%; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    RegisteredScreen Prose { padding: 0 1; }
    RegisteredScreen .buttons { padding-left: 12; height: 1; }
    RegisteredScreen.-high .buttons { margin-top: 2; }
    RegisteredScreen.-high #registered-body { max-height: 88%; }
    RegisteredScreen.-narrow #registered-body { max-height: 88%; }
    RegisteredScreen.-narrow EndpointChoices { padding: 0 1 0 3; }
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
        self._cluster = registration.cluster
        self._proposals: tuple[Proposal, ...] | None = () if registration.joined else None

    def compose(self) -> ComposeResult:
        """Title, facts, endpoints, buttons, keys."""
        yield TitleLine(program_title(self.services, "Register a cluster"), "saved")
        yield Static("", classes="blank")
        problem = Prose(id="problem")
        problem.display = False
        with Vertical(id="page"):
            with BodyScroll(id="registered-body"):
                yield Prose(self._facts(), id="facts")
                yield EndpointChoices(id="choices")
                yield Prose(self._more(), id="more")
                yield problem
            yield buttons(PushButton("Done", id="done"), PushButton("Register another", id="another"))
        yield RuleLine()
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        """Enter is done. The look at the other nodes is the app's: it goes on when the page is left."""
        self.query_one("#done").focus(scroll_visible=False)
        if self._proposals is None:
            self.app.run_worker(self._find_endpoints(), description="looking at the other nodes")

    async def _find_endpoints(self) -> None:
        found = self._registration
        try:
            self._cluster, self._proposals = await self.services.clusters.edits.take_endpoints(
                found.cluster, found.snapshot.nodes
            )
        except PxmError:
            # It was deregistered meanwhile, or the registry says elsewhere that it cannot be written.
            self._proposals = ()
        if self._cluster.endpoints != found.cluster.endpoints:
            await self.services.fleet.reload()
        await self._show_endpoints()

    async def _show_endpoints(self) -> None:
        """Show them as they are kept now; nothing where the page has gone meanwhile."""
        for facts in self.query("#facts").results(Prose):
            facts.show(self._facts())
        for choices in self.query("#choices").results(EndpointChoices):
            await choices.show(self._proposals or (), self._cluster.endpoints)
            self._show_keys()

    async def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        """Show as many keys as fit."""
        self._show_keys()

    @on(events.DescendantFocus)
    def _show_keys(self) -> None:
        self.query_one("#keys", KeysLine).show_content(*fit_keys(self._footer_keys(), self.app.size.width, rows=1))

    def _footer_keys(self) -> Sequence[tuple[str, str]]:
        if isinstance(self.focused, EndpointRow):
            return AT_AN_ENDPOINT
        return WITH_ENDPOINTS if any(row.can_focus for row in self.query(EndpointRow)) else AT_A_BUTTON

    # Keys

    def action_move(self, by: int) -> None:
        """To the other button, or an endpoint."""
        self.focus_next() if by > 0 else self.focus_previous()

    def action_page(self, by: int) -> None:
        """Scroll."""
        body = self.query_one("#registered-body")
        body.scroll_relative(y=by * max(1, body.size.height - 1), animate=False)

    def action_take(self) -> None:
        """Take or leave the endpoint that has the focus."""
        if isinstance(self.focused, EndpointRow) and not self._keeps:
            self.focused.toggle()

    def action_help(self) -> None:
        """The keys of the page."""
        from pxm_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.services, KEYS, "Registered", legend=False))

    def action_done(self) -> None:
        """Keep the endpoints as they are chosen, and go."""
        self._leave(another=False)

    async def action_back(self) -> None:
        """The same."""
        self._leave(another=False)

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        self._leave(another=event.button.id == "another")

    # Leaving

    @property
    def _keeps(self) -> bool:
        """What was chosen is being kept."""
        return any(worker.group == "keep" and not worker.is_finished for worker in self.workers)

    def _leave(self, *, another: bool) -> None:
        left = self.query_one("#choices", EndpointChoices).left()
        chosen = tuple(one for one in self._cluster.endpoints if one not in left)
        if self._keeps:
            return
        if chosen == self._cluster.endpoints:
            self.dismiss(another)
        else:
            self._keep(chosen, another=another)

    @work(group="keep", description="keeping the endpoints")
    async def _keep(self, chosen: tuple[Endpoint, ...], *, another: bool) -> None:
        """Take out what a person has left, which asks nobody; where that fails, stay and say so."""
        from pxm_tui.services.editing import EditFailedError

        found, changes = self._registration, Changes(endpoints=chosen)
        try:
            await self.services.clusters.edits.edit(found.cluster.id, changes, found.snapshot, Silent())
        except EditFailedError as failure:
            await self._say(failure.error)
        except PxmError as error:
            await self._say(error)
        else:
            await self.services.fleet.reload()
            self.dismiss(another)

    async def _say(self, error: PxmError) -> None:
        """Why the choice could not be kept; the rows are as the record is."""
        mark = self.glyphs.of_step("failed")
        problem = self.query_one("#problem", Prose)
        problem.show([BLANK, Fact(f"{mark} {error.message}", style=STEP_STYLE["failed"]), Fact(on_screen(error.hint))])
        problem.display = True
        self.query_one("#done").focus(scroll_visible=False)
        await self._show_endpoints()
        self.query_one("#registered-body").scroll_end(animate=False)

    # What is shown

    def _facts(self) -> list[Fact]:
        cluster = self._registration.cluster
        mark = self.glyphs.of_step("ok")
        done = "has one more endpoint" if self._registration.joined else "is registered"
        head = Content.assemble((mark, STEP_STYLE["ok"]), f" {safe(cluster.name, 64)} {done}.")
        label = "Endpoints" if self._registration.joined else "Endpoint"
        return [
            Fact(lines=lambda _room: [head]),
            BLANK,
            Fact(_cluster_words(cluster), indent=2),
            Fact(self._endpoint_words(), label=label, label_width=_LABEL, indent=2),
        ]

    def _endpoint_words(self) -> str:
        """Where it is registered; what is below it are the other nodes."""
        cluster, nodes = self._registration.cluster, self._registration.snapshot.nodes
        if self._registration.joined:
            return ", ".join(endpoint.url for endpoint in cluster.endpoints)
        node = next((node.name for node in nodes if node.local), "")
        url = f"{cluster.endpoint.url} (node {node})" if node else cluster.endpoint.url
        if self._proposals is None and len(nodes) > 1:
            return f"{url}; looking at the other nodes"
        if not self._proposals:
            return f"{url}, the only one so far"
        if any(one.works for one in self._proposals):
            return f"{url}; where it fails:"
        return f"{url}; no other from here:"

    def _more(self) -> list[Fact]:
        cluster, snapshot = self._registration.cluster, self._registration.snapshot
        kept = self._kept(cluster, snapshot)
        facts = [Fact(text, label=label, label_width=_LABEL, indent=2) for label, text in kept]
        return [*facts, BLANK, Fact(times_words(self._registration.steps), indent=2)]

    def _kept(self, cluster: Cluster, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        if self._registration.joined:
            yield "Login", f"{cluster.login.name}, as before; what you typed to log in is forgotten"
            return
        yield "Trust", _trust(cluster)
        identity = self._warning("identity")
        if identity is not None:
            yield "Identity", f"{identity.message} {on_screen(identity.do)}"
        yield "Rights", snapshot.rights
        if cluster.limits:
            line = grant_line(cluster.login.user, cluster.login.token_id)
            yield "", f"To let it see everything, on a node: `{line}`"
        yield "Login", _login(cluster, self._vault, self.services.clock(), second_factor=self._second_factor)
        token = self._warning("token")
        if token is not None:
            yield "", f"{token.message} {on_screen(token.do)}"
        yield "Secrets", _secrets(self.services, self._vault)

    def _warning(self, name: str) -> Step | None:
        """The step of that name, where it passed with a warning."""
        steps = self._registration.steps
        return next((step for step in steps if step.name == name and step.state is StepState.WARNING), None)


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
