"""A screen with a footer in which something may be typed or chosen: the `:` prompt, and what others put there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import events, on, work
from textual.content import Content
from textual.screen import ScreenResultType
from textual.widget import Widget

from pxm_tui.domain.errors import NotFoundError
from pxm_tui.services.bundle import Services
from pxm_tui.services.finding import find
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.commands import Command, complete, hint, understand
from pxm_tui.tui.keys import MOVES, Key
from pxm_tui.tui.screens.base import PxmScreen
from pxm_tui.tui.text import safe
from pxm_tui.tui.widgets.frame import KeysLine
from pxm_tui.tui.widgets.prompt import Choice, Leftover, Prompt

TYPING = frozenset({"back", "interrupt", "help"})
"""The screen's actions that stay possible while something is typed."""


class PromptingScreen(PxmScreen[ScreenResultType]):
    """See the module. Subclasses have a `KeysLine` with the id `keys`.

    Args:
        services: what it works with.
    """

    KEYS: ClassVar[Sequence[Key]] = ()

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self._line: Widget | None = None
        self.unoccupied = asyncio.Event()
        """Set while this screen is on top and nothing is typed in it: a question may be put over it."""
        self._refused: str | None = None
        self._typed: Callable[[str], None] = lambda _text: None
        self._entered: Callable[[str], Awaitable[None]] = self._enter_command

    # What subclasses say

    def home_focus(self) -> Widget | None:
        """What has the focus while nothing is typed."""
        return None

    def selected(self) -> ClusterView | None:
        """The cluster that commands act on where they name none."""
        return None

    def why_not(self, key: Key, view: ClusterView | None) -> str:  # noqa: ARG002
        """Why an action cannot work now, on this cluster where it acts on one; empty where it can."""
        return ""

    def unable(self, view: ClusterView | None) -> dict[str, str]:
        """Why each action that cannot work now cannot, by `Key.id`."""
        found = {key.id: self.why_not(key, view) for key in self.KEYS}
        return {name: reason for name, reason in found.items() if reason}

    def cluster_views(self) -> Sequence[ClusterView]:
        """The clusters that commands may name."""
        return self.services.fleet.view().clusters

    def fleet_changed(self) -> None:
        """The fleet, or the log, is not what it was: show it as it is now."""

    # Help

    help_title = ""
    """What this screen is called in its help."""
    help_legend = False
    """Its help explains the signs of the statuses."""

    def action_help(self) -> None:
        """Help for this screen."""
        from pxm_tui.tui.screens.help import HelpScreen

        keys, unable = (*MOVES, *self.KEYS), self.unable(self.selected())
        self.app.push_screen(HelpScreen(self.services, keys, self.help_title, legend=self.help_legend, unable=unable))

    # The lowest line

    @on(events.ScreenResume)
    def _on_top(self) -> None:
        if not self.typing:
            self.unoccupied.set()

    @on(events.ScreenSuspend)
    def _below(self) -> None:
        self.unoccupied.clear()

    @property
    def typing(self) -> bool:
        """Something is being typed or chosen in the lowest line."""
        return self._line is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """While something is typed, keys belong to it."""
        return not self.typing or action in TYPING

    async def open_prompt(
        self, prompt: Prompt, typed: Callable[[str], None], entered: Callable[[str], Awaitable[None]]
    ) -> None:
        """Put a prompt in place of the footer; the focus is in it when this returns, so keys typed ahead land there."""
        self._typed, self._entered = typed, entered
        await self._put(prompt)
        self.set_focus(prompt.field)
        prompt.field.cursor_position = len(prompt.field.value)
        typed(prompt.field.value)

    async def open_choice(self, choice: Choice) -> None:
        """Put a choice in place of the footer."""
        await self._put(choice)
        self.set_focus(choice)

    async def _put(self, line: Widget) -> None:
        await self._take_away()
        self._line = line
        self.unoccupied.clear()
        keys = self.query_one("#keys", KeysLine)
        keys.add_class("-away")
        await self.mount(line, after=keys)

    async def _take_away(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.remove()

    async def close_line(self) -> None:
        """Show the footer again."""
        await self._take_away()
        self.query_one("#keys", KeysLine).remove_class("-away")
        self.set_focus(self.home_focus())
        self.unoccupied.set()

    @on(Prompt.Changed)
    def _on_typed(self, event: Prompt.Changed) -> None:
        event.stop()
        if isinstance(self._line, Prompt):
            self._typed(self._line.field.value)

    @on(Prompt.Submitted)
    async def _on_entered(self, event: Prompt.Submitted) -> None:
        event.stop()
        if self._line is not None:
            await self._entered(event.value)

    @on(Choice.Closed)
    async def _on_chosen(self, event: Choice.Closed) -> None:
        event.stop()
        if self._line is not None:
            await self.close_line()

    @on(Leftover)
    def _on_leftover(self, event: Leftover) -> None:
        event.stop()
        self.app.simulate_key(event.key)

    def show_hint(self, text: str) -> None:
        """Words behind what is typed."""
        if isinstance(self._line, Prompt):
            self._line.show_hint(self.glyphs.plain(safe(text)))

    # The command line

    async def action_command(self) -> None:
        """`:`."""
        history = getattr(self.app, "history", [])
        prompt = Prompt(":", history=history, complete=self._completed)
        await self.open_prompt(prompt, self._hint_command, self._enter_command)

    def _completed(self, text: str) -> str:
        return complete(text, self.KEYS, [view.cluster.name for view in self.cluster_views()])

    def _hint_command(self, text: str) -> None:
        if text == self._refused:
            return
        self._refused = None
        names = hint(text, self.KEYS, self.unable(self._meant(text)))
        self.show_hint(f"{names}   Tab complete")

    def _meant(self, text: str) -> ClusterView | None:
        """The cluster that a command line names, where it does; else the selected one."""
        command = understand(text, self.KEYS)
        if command is not None and command.key.verb and command.argument:
            try:
                return self._named(command.argument)
            except NotFoundError:
                pass
        return self.selected()

    async def _enter_command(self, text: str) -> None:
        if not text.strip():
            await self.close_line()
            return
        command = understand(text, self.KEYS)
        if command is None:
            self._refuse(text, f'no command "{text.split(maxsplit=1)[0]}"')
            return
        history: list[str] = getattr(self.app, "history", [])
        if history[-1:] != [text]:
            history.append(text)
        await self._run_command(command, text)

    async def _run_command(self, command: Command, text: str) -> None:
        view: ClusterView | None = None
        if command.key.verb and command.argument:
            try:
                view = self._named(command.argument)
            except NotFoundError as error:
                self._refuse(text, error.message)
                return
        await self.close_line()
        await self.obey(command, view)

    def _refuse(self, text: str, why: str) -> None:
        """Say why; the words stay until the line is changed."""
        self._refused = text
        self.show_hint(why)
        if isinstance(self._line, Prompt):
            self._line.reopen()

    def _named(self, name: str) -> ClusterView:
        views = self.cluster_views()
        cluster = find(tuple(view.cluster for view in views), name)
        return next(view for view in views if view.cluster.id == cluster.id)

    async def obey(self, command: Command, view: ClusterView | None) -> None:
        """Run a command, or say why it cannot work; `view` is the cluster that it names, if it names one."""
        reason = self.why_not(command.key, view) if view is not None or not command.key.verb else ""
        if reason:
            await self.say_why_not(command.key, reason)
        elif view is not None:
            found = getattr(self, f"do_{command.key.verb}")(view)
            if found is not None:
                await found
        else:
            await self.run_action(command.key.action)

    async def say_why_not(self, key: Key, reason: str) -> None:
        """In the lowest line, until the next key, which acts as ever."""
        name = key.label or key.names[0].capitalize()
        words = self.glyphs.plain(safe(f"{name}: not now, {reason}.".replace("`", ""), 300)).split(" ")
        parts = [Content.styled(words[0], "bold"), *(Content(f" {word}") for word in words[1:])]
        await self.open_choice(Choice(parts, lambda pressed: pressed in {"escape", "enter"}))

    # The secrets

    def action_secrets(self) -> None:
        """`:secrets`: how they are kept."""
        from pxm_tui.tui.screens.secrets import SecretsDialog

        self.app.push_screen(SecretsDialog(self.services), lambda _found: self.fleet_changed())

    @work(exclusive=True, group="vault", description="locking the secret store")
    async def action_lock(self) -> None:
        """`:lock`: at once, but where that would lose secrets which are in memory only."""
        from pxm_tui.services.ports import VaultMode

        known = self.services.secrets.known
        if known is not None and known.mode is VaultMode.ASK and self.services.secrets.is_open():
            self.action_secrets()
            return
        await self.services.secrets.lock("by hand")
        self.app.notify("The secrets are locked. :unlock opens them.", markup=False)

    @work(exclusive=True, group="vault", description="opening the secret store")
    async def action_unlock(self) -> None:
        """`:unlock`."""
        from pxm_tui.tui.unlocking import unlock

        await unlock(self)

    def action_quit(self) -> None:
        """`:q`, from anywhere."""
        self.app.exit()

    def action_leave(self) -> None:
        """`q`: one screen back."""
        self.dismiss(None)

    async def action_back(self) -> None:
        """Esc: close what is typed, else leave."""
        if self.typing:
            await self.close_line()
        else:
            self.go_back()

    def go_back(self) -> None:
        """Esc with nothing typed."""
        self.dismiss(None)

    async def action_interrupt(self) -> None:
        """Ctrl-C: as Esc."""
        await self.action_back()
