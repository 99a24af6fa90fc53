"""The rights of a cluster's login: what it sees and may do, what is missing, and the commands that grant it."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.app import ComposeResult

from pxm_tui.domain.capabilities import DOES, SEES, Action, Capability, Extent, commands
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.rights import may_everything
from pxm_tui.services.bundle import Services
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.badges import capabilities
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import PushButton
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.text import safe

_LABEL = 9


class RightsDialog(BoxDialog[None]):
    """See the module.

    Args:
        services: the bundle.
        view: whose rights.
    """

    def __init__(self, services: Services, view: ClusterView) -> None:
        super().__init__(services)
        self._cluster = view.cluster
        self._snapshot = view.snapshot
        self._found = {one.action: one for one in capabilities((*SEES, *DOES), view.cluster, view.snapshot)}

    @property
    def box_title(self) -> str:
        """Whose."""
        return f"Rights on {self._cluster.name}"

    def about(self) -> Cluster:
        """The cluster."""
        return self._cluster

    def footer_keys(self) -> list[tuple[str, str]]:
        """The keys."""
        copying = [("Ctrl-Y", "copy the commands")] if self.copied() else []
        return [("PgDn PgUp", "scroll"), *copying, ("Esc", "close")]

    def copied(self) -> str:
        """All commands, each under its purpose."""
        return "\n".join(line for purpose, lines in self._commands() for line in (f"# {purpose}", *lines))

    def compose_body(self) -> ComposeResult:
        """What it may, what is missing, what grants it."""
        login = Fact(safe(self._cluster.login.name, 128), label="Login", label_width=_LABEL, quoted=True)
        yield Prose([login, *self._facts(), BLANK])
        yield buttons(PushButton("Close", id="close"))

    def on_mount(self) -> None:
        """One button."""
        self.query_one("#close").focus(scroll_visible=False)

    @on(PushButton.Pressed)
    def _pressed(self) -> None:
        self.leave()

    # What is said

    def _facts(self) -> Iterator[Fact]:
        permissions = self._snapshot.permissions
        if not permissions:
            yield Fact("Its rights have not been read yet, or it has none. `c` checks the cluster.", label_width=_LABEL)
            return
        if may_everything(permissions):
            yield Fact("It sees and may do everything.", label_width=_LABEL)
            return
        yield Fact(self._words(SEES), label="Sees", label_width=_LABEL)
        yield Fact(self._words(DOES), label="May", label_width=_LABEL)
        yield BLANK
        for capability in self._found.values():
            if capability.extent is not Extent.ALL:
                yield self._missing(capability)
        for purpose, lines in self._commands():
            yield BLANK
            yield Fact(f"{purpose}, on a node, as root:")
            for line in lines:
                yield Fact(f"`{safe(line, 400)}`", indent=2)
        if self._cluster.login.token_id is not None:
            yield BLANK
            user = safe(self._cluster.login.user, 128)
            yield Fact(f"A token may no more than its owner: if that lacks it, too, the same with --users '{user}'.")
        if any(line.startswith("pveum role add") for _, lines in self._commands() for line in lines):
            yield Fact("A role that is there already need not be added.")

    def _words(self, actions: tuple[Action, ...]) -> str:
        found = [self._found[action] for action in actions]
        words = [f"{'' if one.extent is Extent.ALL else 'some '}{one.action.words}" for one in found if one.allowed]
        return ", ".join(words) or "nothing"

    def _missing(self, capability: Capability) -> Fact:
        sign = self.glyphs.of_step("warning" if capability.allowed else "skipped")
        why = safe(capability.why_not(), 200)
        if capability.action.instead:
            why = f"{why}, which pxm never asks for; {capability.action.instead}"
        return Fact(why, label=f"{sign} {capability.action.words}", label_width=15)

    def _commands(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The commands by their purpose."""
        if not self._snapshot.permissions or may_everything(self._snapshot.permissions):
            return ()
        return commands(self._found, self._cluster.login, self._cluster.proxmox_version)
