"""What a login may see and do, as signs with words: `✔ guests  ! storage  – log`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from pxm_tui.domain.capabilities import DOES, SEES, Action, Capability, Extent, can
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.observation import Snapshot
from pxm_tui.tui.glyphs import Glyphs

_STEP = {Extent.ALL: "ok", Extent.SOME: "warning", Extent.NONE: "skipped"}
_STYLE = {Extent.ALL: "$pxm-good", Extent.SOME: "$pxm-note", Extent.NONE: "$pxm-faint"}
_GAP = 2


def capabilities(actions: Sequence[Action], cluster: Cluster, snapshot: Snapshot) -> list[Capability]:
    """What the login of a cluster may do of these, anywhere on it."""
    version, user = cluster.proxmox_version, cluster.login.user
    return [can(action, snapshot.permissions, version=version, user=user) for action in actions]


def badge_rows(cluster: Cluster, snapshot: Snapshot, glyphs: Glyphs, width: int) -> list[Content]:
    """What it sees, and what it may do: two lines. What does not fit is left out, the least important first."""
    seen, done = (capabilities(actions, cluster, snapshot) for actions in (SEES, DOES))
    return [_row("sees ", seen, glyphs, width), _row("may  ", done, glyphs, width)]


def badge(capability: Capability, glyphs: Glyphs) -> tuple[tuple[str, str], str]:
    """The sign with its style, and the words."""
    extent = capability.extent
    return (glyphs.of_step(_STEP[extent]), _STYLE[extent]), capability.action.words


def _row(head: str, found: Sequence[Capability], glyphs: Glyphs, width: int) -> Content:
    parts: list[str | tuple[str, str]] = [head]
    taken = cell_len(head)
    for index, capability in enumerate(found):
        sign, words = badge(capability, glyphs)
        gap = _GAP if index else 0
        taken += gap + 2 + cell_len(words)
        if taken > width:
            break
        parts += [" " * gap, sign, (f" {words}", "" if capability.allowed else "$pxm-faint")]
    return Content.assemble(*parts)
