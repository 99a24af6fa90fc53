"""Which cluster it is: the step `identity` of a registration, and adding an endpoint to a cluster that is known.

A cluster is known again by its own authority, proven by the handshake of this very conversation, or by a leaf that its
trust has taken. Names and addresses say nothing: two clusters may share a name, and one cluster has many addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.errors import AlreadyRegisteredError
from pxm_tui.domain.messages import not_found, same_cluster
from pxm_tui.domain.pem import fingerprints
from pxm_tui.services.checklist import Checklist
from pxm_tui.services.conversation import short_fingerprint
from pxm_tui.services.dialog import Dialog, KnownAnswer, KnownQuestion
from pxm_tui.services.ports import ClusterRepository


def is_same(known: Trust, found: Trust) -> bool:
    """Whether both trusts are of one cluster: the same authority, or a leaf that the known one has taken."""
    if known.ca_fingerprint is not None and known.ca_fingerprint == found.ca_fingerprint:
        return True
    return found.fingerprint is not None and found.fingerprint in {known.fingerprint} | fingerprints(known.vouched)


def known_as(trust: Trust, endpoint: Endpoint, clusters: Iterable[Cluster]) -> Cluster | None:
    """The registered cluster that `trust` is of; of several the one that has this endpoint, else the first by name."""
    same = [cluster for cluster in clusters if is_same(cluster.trust, trust)]
    return next((cluster for cluster in same if endpoint in cluster.endpoints), same[0] if same else None)


def refuse_same(cluster: Cluster, *, separate: bool = False) -> Callable[[Cluster], AlreadyRegisteredError | None]:
    """Says, under the write lock, what each record that is there speaks against saving `cluster` as a new one.

    With `separate` it may be a copy of another, but never takes the place of the record that has its id: another
    import of the same file may have been quicker.
    """

    def refuse(other: Cluster) -> AlreadyRegisteredError | None:
        same = other.id == cluster.id or (not separate and is_same(other.trust, cluster.trust))
        return same_cluster(other, cluster.endpoint) if same else None

    return refuse


@dataclass(slots=True)
class Identification:
    """The step `identity`.

    Args:
        repository: the registry.
        endpoint: what is being registered.
        separate: it is to be a cluster of its own whatever it is, as a cloned lab is.
    """

    repository: ClusterRepository
    endpoint: Endpoint
    separate: bool

    async def run(self, trust: Trust, dialog: Dialog, checklist: Checklist) -> Join | None:
        """The known cluster that the endpoint is to be added to; None where one is to be registered.

        Whether it is registered beside a known one stands in `separate` after it.

        Raises:
            AlreadyRegisteredError: it is known, and nobody has decided what to do.
        """
        with checklist.step("identity") as notes:
            known = known_as(trust, self.endpoint, await self.repository.list())
            kind = "authority" if trust.authority is not None else "certificate"
            short = short_fingerprint(trust.ca_fingerprint or trust.fingerprint or "")
            if known is None:
                notes.message = f"not registered yet; {kind} {short}"
                return None
            if self.separate:
                notes.message = f"the same {kind} as {known.name}; registered separately"
                return None
            with checklist.waiting(notes):
                answer = await dialog.known(KnownQuestion(known, self.endpoint, kind))
            if answer is KnownAnswer.SEPARATE:
                self.separate = True
                notes.message = f"the same {kind} as {known.name}; registered separately"
                return None
            if answer is not KnownAnswer.ENDPOINT or self.endpoint in known.endpoints:
                raise same_cluster(known, self.endpoint)
            notes.message = f"the same {kind} as {known.name}"
        return Join(self.repository, known, self.endpoint, trust)


@dataclass(frozen=True, slots=True)
class Join:
    """An endpoint that is added to a known cluster, in place of a registration.

    Attributes:
        known: the cluster.
    """

    repository: ClusterRepository
    known: Cluster
    endpoint: Endpoint
    trust: Trust

    async def save(self, now: datetime) -> Cluster:
        """Add it under the write lock; login, name and labels stay.

        Raises:
            NotFoundError: the cluster was deregistered meanwhile.
        """
        stored = await self.repository.update(self.known.id, lambda record: self.added(record, now))
        if stored is None:
            raise not_found(self.known.name, ())
        return stored

    def added(self, record: Cluster, now: datetime) -> Cluster:
        """The record with the endpoint. Where names are compared, the leaf that a person has just trusted is taken."""
        if self.endpoint in record.endpoints:
            return record
        trust, leaf = record.trust, self.trust.certificate
        compares_names = trust.mode is TrustMode.CA_FILE or (trust.mode is TrustMode.SYSTEM and trust.authority is None)
        if compares_names and leaf is not None and leaf.pem not in trust.vouched:
            trust = replace(trust, vouched=(*trust.vouched, leaf.pem))
        return replace(record, endpoints=(*record.endpoints, self.endpoint), trust=trust, updated_at=now)
