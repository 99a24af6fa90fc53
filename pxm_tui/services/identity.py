"""Which cluster it is: the step `identity` of a registration, and adding an endpoint to a cluster that is known.

A cluster is known again by its own authority, proven by the handshake of this very conversation, or by a leaf that its
trust has taken. A node with a certificate of its own proves neither: there the known cluster that it says it is of is
asked, see `services.membership`. Names and addresses say nothing: two clusters may share a name, and one cluster has
many addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pxm_tui.domain.certificate import Claims, Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.messages import (
    changed_meanwhile,
    met_meanwhile,
    not_asked,
    not_found,
    not_vouched_for,
    same_cluster,
)
from pxm_tui.services.checklist import Checklist, StepNotes
from pxm_tui.services.conversation import short_fingerprint
from pxm_tui.services.dialog import Dialog, Kinship, KnownAnswer, KnownQuestion
from pxm_tui.services.meanwhile import same_anchor
from pxm_tui.services.membership import MOST_ASKED, Membership, Word, leaves_of, says_it_is_of
from pxm_tui.services.ports import ClusterRepository, Refusal
from pxm_tui.services.proposals import with_learned


def is_same(known: Trust, found: Trust) -> bool:
    """Whether both trusts are of one cluster: the same authority, or a leaf that the known one has taken."""
    if known.ca_fingerprint is not None and known.ca_fingerprint == found.ca_fingerprint:
        return True
    return found.fingerprint in leaves_of(known)


def known_as(trust: Trust, endpoint: Endpoint, clusters: Iterable[Cluster]) -> Cluster | None:
    """The registered cluster that `trust` is of; of several the one that has this endpoint, else the first by name.

    One of the same authority comes before one that has merely taken the leaf: that one says itself which leaves it has.
    """

    def fit(cluster: Cluster) -> tuple[bool, bool]:
        by_authority = trust.ca_fingerprint is not None and trust.ca_fingerprint == cluster.trust.ca_fingerprint
        return not by_authority, endpoint not in cluster.endpoints

    return min((cluster for cluster in clusters if is_same(cluster.trust, trust)), key=fit, default=None)


def refuse_same(cluster: Cluster, *, separate: bool = False) -> Callable[[Cluster], PxmError | None]:
    """Says, under the write lock, what each record that is there speaks against saving `cluster` as a new one.

    With `separate` it may be a copy of another, but never takes the place of the record that has its id: another
    import of the same file may have been quicker.
    """

    def refuse(other: Cluster) -> PxmError | None:
        same = other.id == cluster.id or (not separate and is_same(other.trust, cluster.trust))
        return same_cluster(other, cluster.endpoint) if same else None

    return refuse


@dataclass(slots=True)
class Identification:
    """The step `identity`.

    Args:
        repository: the registry.
        membership: asks known clusters.
        endpoint: what is being registered.
        separate: it is to be a cluster of its own whatever it is, as a cloned lab is.
        claims: what the server says of its cluster's certificates.

    Attributes:
        guarded: a record of the same cluster that is read-only, so that nothing is changed there; None: there is none.
    """

    repository: ClusterRepository
    membership: Membership
    endpoint: Endpoint
    separate: bool
    claims: Claims
    guarded: Cluster | None = None
    _met: frozenset[str] = frozenset()

    async def run(self, trust: Trust, dialog: Dialog, checklist: Checklist) -> Join | None:
        """The known cluster that the endpoint is to be added to; None where one is to be registered.

        Whether it is registered beside a known one stands in `separate` after it.

        Raises:
            AlreadyRegisteredError: it is known, and nobody has decided what to do.
        """
        with checklist.step("identity") as notes:
            clusters = await self.repository.list()
            self._met = frozenset(cluster.id for cluster in clusters)
            self.guarded = next((one for one in clusters if one.read_only and is_same(one.trust, trust)), None)
            kind = Kinship.AUTHORITY if trust.authority is not None else Kinship.CERTIFICATE
            short = short_fingerprint(trust.ca_fingerprint or trust.fingerprint or "")
            notes.message = f"not registered yet; {kind} {short}"
            known, grown = known_as(trust, self.endpoint, clusters), None
            if known is None and not self.separate:
                word = await self._ask_claimed(trust, clusters, dialog, checklist, notes)
                if word is not None:
                    known, grown, kind = word.cluster, word.trust, Kinship.VOUCHED
            if known is None:
                return None
            notes.message = kind.words(known.name)
            if not self.separate:
                with checklist.waiting(notes):
                    answer = await dialog.known(KnownQuestion(known, self.endpoint, kind))
                self.separate = answer is KnownAnswer.SEPARATE
            if self.separate:
                self.guarded = known if known.read_only else self.guarded
                notes.message += "; registered separately"
                return None
            if answer is not KnownAnswer.ENDPOINT or self.endpoint in known.endpoints:
                raise same_cluster(known, self.endpoint)
        return Join(self.repository, known, self.endpoint, trust, grown)

    async def _ask_claimed(
        self, trust: Trust, clusters: Iterable[Cluster], dialog: Dialog, checklist: Checklist, notes: StepNotes
    ) -> Word | None:
        """What the cluster says that vouches for the server, of those which this says it is of; None where none does.

        That one could not be asked, or denies it, is a warning: the server is registered as a cluster of its own.
        """
        claimed = [cluster for cluster in clusters if says_it_is_of(self.claims, cluster)]
        claimed = sorted(claimed, key=lambda cluster: self.endpoint not in cluster.endpoints)[:MOST_ASKED]
        if not claimed or trust.certificate is None:
            return None
        with checklist.waiting(notes):
            await self.membership.open_vault(claimed, dialog)
        words = await self.membership.ask(claimed, self.endpoint, trust.certificate)
        silent = next((word for word in words if word.why_not), None)
        sure = next((word for word in words if word.trust is not None), None)
        if sure is None and silent is not None:
            notes.warn("not_asked", *not_asked(silent.cluster, self.endpoint, silent.why_not))
        elif sure is None:
            notes.warn("not_vouched_for", *not_vouched_for(claimed[0]))
        return sure

    def refuse(self, cluster: Cluster) -> Refusal:
        """As `refuse_same`; what the server says it is of, and was saved since the step, has to be asked first."""
        same = refuse_same(cluster, separate=self.separate)

        def refuse(other: Cluster) -> PxmError | None:
            unasked = not self.separate and other.id not in self._met and says_it_is_of(self.claims, other)
            return same(other) or (met_meanwhile(other, self.endpoint) if unasked else None)

        return refuse


@dataclass(frozen=True, slots=True)
class Join:
    """An endpoint that is added to a known cluster, in place of a registration.

    Attributes:
        known: the cluster.
        trust: under which the endpoint has verified at this registration.
        grown: the known cluster's trust with the certificate for which it vouches; None where it needs no word of it.
    """

    repository: ClusterRepository
    known: Cluster
    endpoint: Endpoint
    trust: Trust
    grown: Trust | None = None

    async def save(self, now: datetime) -> Cluster:
        """Add it under the write lock; login, name and labels stay.

        Raises:
            InvalidError: what is trusted for the cluster was changed meanwhile, so that it is not proven any more.
            NotFoundError: the cluster was deregistered meanwhile.
        """
        stored = await self.repository.update(self.known.id, lambda record: self.added(record, now))
        if stored is None:
            raise not_found(self.known.name, ())
        return stored

    def added(self, record: Cluster, now: datetime) -> Cluster:
        """The record with the endpoint, and with what its trust needs to cover it.

        Where names are compared, that is the leaf that a person has just trusted.
        """
        if not same_anchor(record.trust, self.known.trust):
            raise changed_meanwhile(record.name, "trust")
        if self.endpoint in record.endpoints:
            return record
        trust, leaf = record.trust, self.trust.certificate
        if self.grown is not None:
            trust = with_learned(trust, self.grown)
        compares_names = trust.mode is TrustMode.CA_FILE or (trust.mode is TrustMode.SYSTEM and trust.authority is None)
        if compares_names and leaf is not None and leaf.pem not in trust.vouched:
            trust = replace(trust, vouched=(*trust.vouched, leaf.pem))
        return replace(record, endpoints=(*record.endpoints, self.endpoint), trust=trust, updated_at=now)
