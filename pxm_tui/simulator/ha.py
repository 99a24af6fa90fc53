"""Guests under high availability, simply: what somebody asks for happens when the managers' loops get to it.

A request is a task that ends at once (`hastart`, `hastop`, `hamigrate`); the local resource manager of the
node acts on it about ten seconds later, as root@pam (pve-ha-manager, CRM and LRM).
"""

from dataclasses import dataclass

REACTION = 10.0
"""Seconds until the resource managers act on a request."""
SINCE_INDEX = 10
MANAGED = 2
"""How many guests a cluster of twenty or more has under high availability from the start."""


@dataclass(slots=True)
class HaResource:
    """A guest that the resource managers look after.

    Attributes:
        state: what was asked for: `started`, `stopped`, `disabled` or `ignored`.
        group: its group, until 8.
        reached: what the managers have brought about; they look at what was asked for every ten seconds.
        doing: what they are about to bring about: `request_stop` or `migrate`, None for nothing.
    """

    kind: str
    vmid: int
    state: str = "started"
    group: str | None = None
    max_restart: int = 1
    max_relocate: int = 1
    comment: str | None = None
    reached: str = "started"
    doing: str | None = None

    @property
    def manager_state(self) -> str:
        """Its state in the eyes of the cluster's resource manager."""
        return self.doing or self.reached

    @property
    def sid(self) -> str:
        """Its name among the resources, such as `vm:100`."""
        return f"{'vm' if self.kind == 'qemu' else 'ct'}:{self.vmid}"
