"""What can be done with a cluster, on every screen that shows one: check, deregister, copy, refresh, log, help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.content import Content
from textual.screen import ScreenResultType

from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.hindrances import why_not_rotate
from pxm_tui.tui.copying import TMUX_HINT, Copyable, copyables
from pxm_tui.tui.keys import ROTATE, Key
from pxm_tui.tui.screens.prompting import PromptingScreen
from pxm_tui.tui.text import safe
from pxm_tui.tui.widgets.prompt import Choice, Parts


class ActingScreen(PromptingScreen[ScreenResultType]):
    """See the module. Subclasses say which cluster is selected and re-read the fleet when told to."""

    help_legend = True

    def selected(self) -> ClusterView | None:
        """The cluster that an action works on: the one under the cursor when its key was pressed."""
        raise NotImplementedError

    async def action_on(self, verb: str) -> None:
        """Do something with the selected cluster, or say why that cannot work now."""
        view = self.selected()
        key = next(key for key in self.KEYS if key.verb == verb)
        reason = self.why_not(key, view)
        if reason or view is None:
            await self.say_why_not(key, reason)
            return
        found = getattr(self, f"do_{verb}")(view)
        if found is not None:
            await found

    def why_not(self, key: Key, view: ClusterView | None) -> str:
        """Where it acts on a cluster: there is none, or the cluster does not allow it."""
        if key.verb and view is None:
            return "no cluster is shown here" if self.cluster_views() else "no cluster is registered yet"
        if key.verb == ROTATE.verb and view is not None:
            return why_not_rotate(view, self.services.guard)
        return super().why_not(key, view)

    def do_check(self, view: ClusterView) -> None:
        """Step by step, ending in the remedy."""
        from pxm_tui.tui.screens.check import CheckDialog

        self.app.push_screen(CheckDialog(self.services, view), self._done)

    def do_edit(self, view: ClusterView) -> None:
        """The record as a form."""
        from pxm_tui.tui.screens.edit import EditScreen

        self.app.push_screen(EditScreen(self.services, view), self._edited)

    def _edited(self, done: Any) -> None:
        self.fleet_changed()
        if done is None:
            return
        from pxm_tui.tui.screens.edit import words_of

        self.say(words_of(done))

    def do_deregister(self, view: ClusterView) -> None:
        """After a question."""
        from pxm_tui.tui.screens.deregister import DeregisterDialog

        name = view.cluster.name
        self.app.push_screen(DeregisterDialog(self.services, view), lambda found: self._deregistered(name, found))

    def do_rotate(self, view: ClusterView) -> None:
        """Another token in place of the present one, or of the password."""
        from pxm_tui.tui.screens.rotate import RotateScreen

        screen = RotateScreen(self.services, view)
        self.app.push_screen(screen, lambda found: self._rotated(found, screen.cleanup))

    def _rotated(self, found: Any, cleanup: Sequence[str]) -> None:
        self.fleet_changed()
        if found:
            left = "".join(f" Left there, to be removed on a node: {line}" for line in cleanup)
            self.say(f"{found.cluster.name} logs in as {found.cluster.login.name} now.{left}")

    def do_rights(self, view: ClusterView) -> None:
        """What its login may see and do, and what grants the rest."""
        from pxm_tui.tui.screens.rights import RightsDialog

        self.app.push_screen(RightsDialog(self.services, view), self._done)

    def do_guard(self, view: ClusterView) -> None:
        """Read-only, or writable again; after a question."""
        from pxm_tui.tui.screens.guard import GuardDialog

        self.app.push_screen(GuardDialog(self.services, view), self._guarded)

    def _guarded(self, found: Any) -> None:
        self.fleet_changed()
        if found:
            self.say(f"{found.name} is {'read-only' if found.read_only else 'writable'} now.")

    def _deregistered(self, name: str, found: Any) -> None:
        self.fleet_changed()
        if found:
            left = " Its token is left on the cluster; l shows the line that removes it." if found.cleanup else ""
            self.say(f"{name} is deregistered.{left}")

    def _done(self, _found: Any) -> None:
        self.fleet_changed()

    def action_refresh(self) -> None:
        """Ask all clusters that need no person now."""
        self.run_worker(self.services.fleet.refresh(), group="refresh", exclusive=True, description="refreshing")

    def action_log(self) -> None:
        """The log of this run."""
        from pxm_tui.tui.screens.log import LogScreen

        self.app.push_screen(LogScreen(self.services))

    def action_audit(self) -> None:
        """Every change that was made, in any run."""
        from pxm_tui.tui.screens.audit import AuditScreen

        self.app.push_screen(AuditScreen(self.services))

    # Copying

    async def do_copy(self, view: ClusterView) -> None:
        """`y`: a second key says what."""
        things = copyables(view, self.services.clock(), self.services.machine)
        await self.open_choice(Choice(copy_line(things), lambda letter: self._take_copy(things, letter)))

    def _take_copy(self, things: Sequence[Copyable], letter: str) -> bool:
        thing = next((one for one in things if one.letter == letter), None)
        if thing is None:
            return letter in {"y", "escape"}
        self.copy(thing.text, thing.name)
        return True

    def copy(self, text: str, name: str) -> None:
        """Copy by OSC 52, and say what was copied, because it cannot be known whether it arrived."""
        self.app.copy_to_clipboard(text)
        shown = text.strip().split("\n")
        more = f" (and {len(shown) - 1} more lines)" if len(shown) > 1 else ""
        self.say(f"Copied {name}: {safe(shown[0], 100)}{more}\n{TMUX_HINT}")

    def say(self, text: str) -> None:
        """A toast, for what went well."""
        self.app.notify("\n".join(safe(line) for line in text.split("\n")), markup=False)


def copy_line(things: Sequence[Copyable]) -> Parts:
    """` Copy  u URL  n name …`."""
    found = (Content.assemble("  ", (thing.letter, "bold $pxm-key"), f" {safe(thing.label)}") for thing in things)
    return [Content("Copy"), *found]
