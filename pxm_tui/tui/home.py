"""What the home screen shows of the fleet: filter, problems only, order, and the words about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pxm_tui.domain.text import one_line
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.explain import limits_words
from pxm_tui.tui.filtering import Finder, limited, problems
from pxm_tui.tui.glyphs import Glyphs
from pxm_tui.tui.ordering import SORTS, Arrangement, SortOrder


@dataclass
class HomeChoices:
    """Filter, problems only and order, remembered from run to run.

    Attributes:
        order: of the rows.
        words: the filter.
        problems_only: healthy clusters are left out.
    """

    order: SortOrder = field(default_factory=SortOrder)
    words: str = ""
    problems_only: bool = False
    _arrangement: Arrangement = field(default_factory=Arrangement, repr=False)
    _finder: Finder = field(default_factory=Finder, repr=False)

    @classmethod
    def from_preferences(cls, kept: Mapping[str, Any]) -> HomeChoices:
        """As they were remembered; anything unusable is left at its default."""
        home = kept.get("clusters")
        home = home if isinstance(home, Mapping) else {}
        by = home.get("sort")
        words = home.get("filter")
        return cls(
            SortOrder(by if by in SORTS else "name", home.get("reverse") is True),
            one_line(words, 200) if isinstance(words, str) else "",
            home.get("problems_only") is True,
        )

    def to_preferences(self) -> dict[str, Any]:
        """For remembering."""
        return {
            "sort": self.order.by,
            "reverse": self.order.reverse,
            "filter": self.words,
            "problems_only": self.problems_only,
        }

    def rows(
        self, views: Sequence[ClusterView], *, now: datetime, fresh_for: float, anew: bool = False
    ) -> list[ClusterView]:
        """The clusters to show, in their order; sorted anew if a person asked."""
        arranged = self._arrangement.arrange(views, self.order, now=now, fresh_for=fresh_for, anew=anew)
        found = self._finder.find(arranged, self.words)
        return problems(found) if self.problems_only else found

    def notes(self, views: Sequence[ClusterView], shown: Sequence[ClusterView]) -> list[str]:
        """Lines below the rows: why there are none, or whose login is limited while only problems are shown."""
        if not views:
            return []
        if not shown and self.words:
            return [f'No cluster matches "{self.words}".  Esc clears the filter.']
        if self.problems_only:
            notes = [limits_words(view.cluster) for view in limited(self._finder.find(views, self.words))]
            return notes if shown else [f"{_all_healthy(len(views))}  ! shows them.", *([""] if notes else []), *notes]
        return []

    def rule(self, shown: int, total: int, seen: tuple[int, int], glyphs: Glyphs) -> str:
        """The label of the rule: what is shown, in which order, and how much of it is seen."""
        if not total:
            return ""
        parts = []
        if self.problems_only:
            parts.append("problems only")
        if self.words:
            parts.append(f'"{self.words}"')
        if not parts or self.order != SortOrder():
            parts.append(self.order.words)
        first, last = seen
        all_seen = shown < total or (first <= 1 and last >= shown)
        parts.append(f"{shown} of {total}" if all_seen else f"{first}{glyphs.dash}{last} of {total}")
        return ", ".join(parts)


def _all_healthy(count: int) -> str:
    return "The one cluster is healthy." if count == 1 else f"All {count} clusters are healthy."
