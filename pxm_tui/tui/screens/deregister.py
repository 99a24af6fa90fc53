"""Deregistering a cluster: what is erased here, what stays there, and a name to type where it is production."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Static

from pxm_tui.domain.cluster import Cluster, LoginMethod, Status
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.times import age
from pxm_tui.services.bundle import Services
from pxm_tui.services.deregistration import Deregistration, cleanup_of, is_revocable
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.hindrances import why_owner_needed
from pxm_tui.tui.asking import Asker
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import PushButton
from pxm_tui.tui.name_gate import NameGate
from pxm_tui.tui.owner_login import OwnerLogin
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.text import safe

_LABEL = 11
_WHERE = 18
_ROOM_FOR_HINT = 21
"""Columns that the label of the button may have with a hint beside it."""


class DeregisterDialog(BoxDialog[Deregistration | None]):
    """Asks, and deregisters. Gives what was done, or None.

    Args:
        services: the bundle.
        view: the cluster that was under the cursor when the key was pressed.
    """

    GUARDED = True
    BINDINGS = [("enter", "go_on")]
    DEFAULT_CSS = """
    DeregisterDialog #deregister { margin-right: 3; }
    DeregisterDialog .off { width: auto; height: 1; color: $pxm-faint; }
    """

    def __init__(self, services: Services, view: ClusterView) -> None:
        super().__init__(services)
        self._cluster = view.cluster
        self._gate = NameGate(view.cluster)
        self._erasing = False
        cluster = view.cluster
        dead = cluster.status is Status.UNREACHABLE
        revocable = is_revocable(cluster) and not dead and not services.guard.is_read_only(cluster)
        needed = why_owner_needed(cluster, view.snapshot.permissions)
        self._may_itself = bool(view.snapshot.permissions) and not needed
        self._owner = OwnerLogin(cluster.login.user, needed=not self._may_itself) if revocable else None

    @property
    def box_title(self) -> str:
        """Which cluster."""
        return f"Deregister {self._cluster.name}"

    def about(self) -> Cluster:
        """The cluster."""
        return self._cluster

    def footer_keys(self) -> list[tuple[str, str]]:
        """The keys."""
        if self._owner is not None and self._owner.waits_for_code:
            return [("Enter", "send the code"), ("Esc", "stop")]
        found = [("Tab", "move"), ("Enter", "press")]
        if cleanup_of(self._cluster):
            found.append(("Ctrl-Y", "copy the command"))
        return [*found, ("Esc", "cancel")]

    def copied(self) -> str:
        """The commands for what stays on the cluster."""
        return "\n".join(cleanup_of(self._cluster))

    def compose_body(self) -> ComposeResult:
        """What will happen, and the buttons."""
        cluster = self._cluster
        yield Prose(
            [
                Fact(cluster_words(cluster, self._silent_for()), label="Cluster", label_width=_LABEL, quoted=True),
                Fact(cluster.endpoint.url, label="Endpoint", label_width=_LABEL, quoted=True),
                BLANK,
                *here_facts(cluster),
                *there_facts(cluster, guarded=self.services.guard.is_read_only(cluster), may_itself=self._may_itself),
                BLANK,
            ]
        )
        if self._owner is not None:
            yield self._owner
        yield self._gate
        go = PushButton(f"Deregister {safe(cluster.name)}", id="deregister", label_limit=40)
        go.disabled = self._gate.closed
        row: list[Widget] = [PushButton("Cancel", id="cancel"), go]
        if self._gate.closed and cell_len(go.label) <= _ROOM_FOR_HINT:
            row.append(Static("(off until it matches)", classes="off"))
        yield buttons(*row)
        yield Prose(id="problem")

    def on_mount(self) -> None:
        """Begin on the button that changes nothing."""
        self.query_one("#problem").display = False
        self.query_one("#cancel").focus(scroll_visible=False)

    def _silent_for(self) -> str:
        seen = self._cluster.last_seen_at
        return age((self.services.clock() - seen).total_seconds()) if seen is not None else ""

    # Typing the name

    @on(NameGate.Changed)
    def _typing(self) -> None:
        self.query_one("#deregister").disabled = self._gate.closed
        for hint in self.query(".off"):
            hint.display = self._gate.closed

    def action_go_on(self) -> None:
        """Enter in a field goes to the button; it presses nothing. After the code it goes on."""
        if self._owner is not None and self._owner.waits_for_code:
            self._send_code()
        elif self.listens and not self._gate.closed and not self._erasing:
            self.query_one("#deregister").focus()

    # Doing it

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        if event.button.id == "deregister" and not self._gate.closed:
            self._erasing = True
            for button in self.query(PushButton):
                button.disabled = True
            self.query_one("#problem").display = False
            self._erase()
        elif event.button.id == "cancel":
            self.leave()

    def leave(self) -> None:
        """Nothing is changed; what is being erased already goes on to its end."""
        if self._owner is not None and self._owner.waits_for_code:
            self.workers.cancel_group(self, "deregister")
            self._again()
        elif not self._erasing:
            if self._owner is not None:
                self._owner.forget()
            self.dismiss(None)

    @work(exclusive=True, group="deregister", description="deregistering a cluster")
    async def _erase(self) -> None:
        owner = self._owner
        try:
            key = None if owner is None else await owner.key()
            if owner is not None:
                owner.freeze()
            done = await self.services.clusters.deregister(self._cluster.id, key=key, dialog=self._asker())
        except PxmError as error:
            self._fail(error)
            return
        if owner is not None:
            owner.forget()
        await self.services.fleet.reload()
        self.dismiss(done)

    def _asker(self) -> Asker:
        """Nothing is shown of the steps."""
        on_code = self._owner.ask_code if self._owner is not None else None
        return Asker(self, self.services, on_step=lambda _step: None, on_code=on_code)

    @on(OwnerLogin.CodeAsked)
    def _code_asked(self) -> None:
        self.show_keys()

    @work(exclusive=True, group="code", description="sending the second factor")
    async def _send_code(self) -> None:
        if self._owner is not None:
            await self._owner.send_code()
            self.show_keys()

    def _again(self) -> None:
        self._erasing = False
        if self._owner is not None:
            self._owner.thaw()
        for button in self.query(PushButton):
            button.disabled = False
        self.query_one("#deregister").disabled = self._gate.closed
        self.show_keys()

    def _fail(self, error: PxmError) -> None:
        self._again()
        self.show_problem(error)
        self.query_one("#cancel").focus(scroll_visible=False)


def cluster_words(cluster: Cluster, silent_for: str) -> str:
    """Name, version or trouble, nodes and guests: `muc-10, Proxmox VE 9.2.11, 3 nodes, 30 guests`."""
    words = [safe(cluster.name, 64)]
    if cluster.status is Status.UNREACHABLE:
        why = f" ({cluster.error.short})" if cluster.error is not None else ""
        words.append(f"unreachable for {silent_for}{why}" if silent_for not in {"", "now"} else f"unreachable{why}")
    elif cluster.proxmox_version:
        words.append(f"Proxmox VE {safe(cluster.proxmox_version, 20)}")
    if cluster.node_count is not None:
        words.append(_counted(cluster.node_count, "node"))
    if cluster.guests_total is not None:
        words.append(_counted(cluster.guests_total, "guest"))
    return ", ".join(words)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def here_facts(cluster: Cluster) -> list[Fact]:
    """What is erased on this machine."""
    secret = "token" if cluster.login.method is LoginMethod.TOKEN else "password"
    text = f"the entry, its trust and its stored {secret} are erased."
    if cluster.login.method is LoginMethod.PASSWORD:
        return [Fact(text, label="On this machine", label_width=_WHERE)]
    return [
        Fact(text, label="On this machine", label_width=_WHERE),
        Fact("The secret cannot be brought back.", label_width=_WHERE),
    ]


def there_facts(cluster: Cluster, *, guarded: bool = False, may_itself: bool = False) -> list[Fact]:
    """What happens on the cluster, and what stays there.

    Args:
        cluster: the record.
        guarded: nothing may be changed there.
        may_itself: the token may remove tokens, itself too.
    """
    if is_revocable(cluster):
        return _token_facts(cluster, guarded=guarded, may_itself=may_itself)
    commands = cleanup_of(cluster)
    if not commands:
        user = safe(cluster.login.user, 64)
        text = f"nothing changes. pxm logged in as {user} with the password and left nothing there."
        return [Fact(text, label="On the cluster", label_width=_WHERE, quoted=True)]
    dead = cluster.status is Status.UNREACHABLE
    revoke = "when the cluster is back, revoke it on any node:" if dead else "to revoke it, on any node:"
    text = f"nothing changes. The token {safe(cluster.login.name, 128)} was not made by pxm and stays valid; {revoke}"
    return _with_commands(text, commands, dead=dead)


def _token_facts(cluster: Cluster, *, guarded: bool, may_itself: bool) -> list[Fact]:
    """Of a token that pxm made."""
    name, owner = safe(cluster.login.name, 128), safe(cluster.login.user, 64)
    end = f" until it expires on {cluster.login.expires_at:%Y-%m-%d}" if cluster.login.expires_at else ""
    if guarded:
        text = f"nothing changes, it is read-only. {name}, the token pxm made, stays valid{end}. To revoke it:"
        return _with_commands(text, cleanup_of(cluster), dead=False)
    if cluster.status is Status.UNREACHABLE:
        text = f"nothing can be done now. The token stays valid there{end}. When the cluster is back, run:"
        return _with_commands(text, cleanup_of(cluster), dead=True)
    if may_itself:
        return [
            Fact(f"{name}, the token pxm made, is revoked.", label="On the cluster", label_width=_WHERE, quoted=True)
        ]
    text = f"{name}, the token pxm made, is revoked if you give the password of {owner}. Without it the token "
    text += f"stays valid{end}; to revoke it by hand, on any node:"
    return _with_commands(text, cleanup_of(cluster), dead=False)


def _with_commands(text: str, commands: Sequence[str], *, dead: bool) -> list[Fact]:
    facts = [Fact(text, label="On the cluster", label_width=_WHERE, quoted=True)]
    facts += [Fact(f"`{command}`", label_width=_WHERE) for command in commands]
    if dead:
        facts.append(Fact("(kept in the log too: l)", label_width=_WHERE))
    return facts
