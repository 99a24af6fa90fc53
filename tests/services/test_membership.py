"""A node with a certificate of its own: the known cluster that it says it is of is asked; nothing else proves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from pxm_tui.domain import connection_messages, login_messages
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod, Status
from pxm_tui.domain.errors import NotPermittedError
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import Step
from pxm_tui.services import membership
from pxm_tui.services.dialog import Kinship, KnownAnswer, KnownQuestion, PassphraseQuestion
from pxm_tui.services.ports import Ticket
from pxm_tui.services.registration import Registration, RegistrationFailedError
from pxm_tui.services.requests import build_request
from tests.fakes import NOW, Bench, FakeSecrets, FakeServer, certificate, cluster, make_bench
from tests.services.recorder import Recorder

FIRST, SECOND, THIRD = (Endpoint(f"10.20.0.{number}") for number in (11, 12, 13))
CA, LEAF, OWN = certificate(seed=50), certificate(), certificate(seed=7)
PINNED = Trust(TrustMode.PINNED_CA, LEAF.sha256, CA.pem, CA, LEAF, NOW)
KNOWN = replace(cluster("fra prod"), trust=PINNED)
BOTH = frozenset({LEAF.sha256, OWN.sha256})


class Lab:
    """A known cluster at the first address; at the second one a node with a certificate of its own."""

    def __init__(self, *known: Cluster, listed: frozenset[str] = BOTH, secrets: FakeSecrets | None = None) -> None:
        self.known = known or (KNOWN,)
        self.first = FakeServer(authority=CA, node_fingerprints=listed)
        self.second = FakeServer(certificate=OWN, presented=CA, node_fingerprints=BOTH)
        self.third = replace(self.first, errors={})
        servers = {FIRST.host: self.first, SECOND.host: self.second, THIRD.host: self.third}
        self.bench: Bench = make_bench(self.known, servers=servers, secrets=secrets)
        self.dialog = Recorder(known_answer=None)

    async def register(
        self, answer: KnownAnswer | None = None, *, dry_run: bool = False, **fields: object
    ) -> Registration:
        self.dialog.known_answer = answer
        given: dict[str, object] = {"endpoint": SECOND.url, "name": "other", "user": "root@pam", "mint_token": False}
        request = build_request(**{**given, "password": "right-password", **fields})
        return await self.bench.services.clusters.register(request, self.dialog, dry_run=dry_run)

    async def refused(self, *, dry_run: bool = False) -> RegistrationFailedError:
        with pytest.raises(RegistrationFailedError) as caught:
            await self.register(dry_run=dry_run)
        return caught.value

    async def records(self) -> list[Cluster]:
        return list(await self.bench.repository.list())

    async def audited(self) -> list[str]:
        return [entry.action for entry in await self.bench.services.audit.entries()]

    def asked(self) -> list[KnownQuestion]:
        return [question for question in self.dialog.questions if isinstance(question, KnownQuestion)]


def identity(done: Registration) -> Step:
    return next(step for step in done.steps if step.name == "identity")


# The known cluster vouches for it


async def test_a_node_with_a_certificate_of_its_own_becomes_an_endpoint_that_verifies_from_then_on() -> None:
    lab = Lab()
    done = await lab.register(KnownAnswer.ENDPOINT)
    assert [(question.cluster, question.kind) for question in lab.asked()] == [(KNOWN, Kinship.VOUCHED)]
    (stored,) = await lab.records()
    assert (done.joined, done.cluster) == (True, stored)
    assert stored.endpoints == (FIRST, SECOND)
    assert stored.trust == replace(PINNED, vouched=(OWN.pem,))
    assert stored.login == KNOWN.login
    assert [key[0] for key in lab.bench.secrets.kept] == [KNOWN.id], "what was typed is not kept"
    assert await lab.audited() == ["vouch", "add_endpoint"]
    assert (lab.first.logins, lab.second.logins) == (1, 1)
    assert identity(done).message == "fra prod vouches for its certificate"
    lab.first.errors["connect"] = connection_messages.refused(FIRST)
    lab.second.tokens = lab.first.tokens
    report = await lab.bench.services.clusters.check(stored.id, done.snapshot, Recorder())
    assert report.cluster.status is Status.HEALTHY


@pytest.mark.parametrize("dry_run", [False, True])
async def test_without_a_person_it_is_registered_already_and_the_line_adds_it(dry_run: bool) -> None:
    lab = Lab()
    failure = await lab.refused(dry_run=dry_run)
    assert (failure.error.cause, failure.error.exit_status) == ("already_registered", 4)
    assert "pxm edit 'fra prod' --add-endpoint https://10.20.0.12:8006" in failure.error.do
    assert next(step.name for step in failure.steps if step.cause) == "identity"
    assert (await lab.records(), await lab.audited()) == ([KNOWN], [])


async def test_a_dry_run_tells_and_writes_nothing_down() -> None:
    lab = Lab()
    done = await lab.register(KnownAnswer.ENDPOINT, dry_run=True)
    assert (done.joined, done.cluster.trust.vouched) == (True, (OWN.pem,))
    assert (await lab.records(), await lab.audited()) == ([KNOWN], [])


async def test_a_person_registers_it_separately_and_the_known_one_stays_as_it_is() -> None:
    lab = Lab()
    done = await lab.register(KnownAnswer.SEPARATE)
    assert not done.joined
    assert identity(done).message == "fra prod vouches for its certificate; registered separately"
    assert await lab.records() == [KNOWN, done.cluster]
    assert await lab.audited() == ["register"]


async def test_what_is_to_be_separate_is_not_asked_about() -> None:
    lab = Lab()
    done = await lab.register(separate=True)
    assert not done.joined
    assert (lab.first.sessions, lab.asked()) == (0, [])


def by(mode: TrustMode) -> Cluster:
    """Known by a node with a certificate of its own, so that its authority is not."""
    anchor = {TrustMode.SYSTEM: "", TrustMode.CA_FILE: "a company's"}.get(mode, OWN.pem)
    return replace(KNOWN, trust=Trust(mode, OWN.sha256, anchor, certificate=OWN))


@pytest.mark.parametrize("mode", [TrustMode.SYSTEM, TrustMode.CA_FILE, TrustMode.PINNED_LEAF])
@pytest.mark.parametrize("proven", [True, False])
async def test_a_node_of_a_cluster_that_is_known_by_another_certificate(mode: TrustMode, proven: bool) -> None:
    """The first node has a certificate of its own, the second the authority's, or one of its own as well."""
    lab = Lab(by(mode))
    lab.first.certificate, lab.first.trusted_by_system = OWN, mode is TrustMode.SYSTEM
    lab.first.authority = CA if proven else None
    lab.second.certificate, lab.second.authority = LEAF, CA if proven else None
    done = await lab.register(KnownAnswer.ENDPOINT)
    assert done.joined
    (stored,) = await lab.records()
    learned = mode is TrustMode.SYSTEM and proven
    assert (stored.trust.authority, stored.trust.vouched) == ((CA, ()) if learned else (None, (LEAF.pem,)))
    assert stored.trust.mode is mode
    assert await lab.audited() == ["vouch", "add_endpoint"]


async def test_another_endpoint_of_the_known_one_is_asked_where_the_first_does_not_answer() -> None:
    lab = Lab(replace(KNOWN, endpoints=(FIRST, THIRD)))
    lab.first.errors["connect"] = connection_messages.refused(FIRST)
    assert (await lab.register(KnownAnswer.ENDPOINT)).joined


async def test_one_that_hangs_does_not_take_the_time_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "LOOK_LIMIT", 0.5)
    lab = Lab(replace(KNOWN, endpoints=(FIRST, THIRD)))
    lab.first.gates = {"connect": asyncio.Event()}
    assert (await lab.register(KnownAnswer.ENDPOINT)).joined
    assert (lab.first.logins, lab.third.logins) == (0, 1)


async def test_a_ticket_in_memory_serves_and_the_closed_store_is_not_opened() -> None:
    known = replace(KNOWN, login=Login(LoginMethod.PASSWORD, "root@pam"))
    lab = Lab(known, secrets=FakeSecrets("a passphrase"))
    ticket = Ticket("root@pam", Secret("PVE:ticket"), Secret("csrf"), 1000.0)
    lab.bench.services.clusters.means.checker().keep_ticket(known.id, ticket)
    lab.dialog.passphrases = ["a passphrase"]
    assert (await lab.register(KnownAnswer.ENDPOINT)).joined
    assert lab.first.logins == 0
    assert not any(isinstance(question, PassphraseQuestion) for question in lab.dialog.questions)


async def test_a_ticket_that_has_ended_early_does_not_speak_against_the_password() -> None:
    known = replace(KNOWN, login=Login(LoginMethod.PASSWORD, "root@pam"))
    lab = Lab(known)
    ticket = Ticket("root@pam", Secret("PVE:ticket"), Secret("csrf"), 1000.0)
    lab.bench.services.clusters.means.checker().keep_ticket(known.id, ticket)
    lab.first.errors["resume"] = login_messages.credentials(FIRST, "root@pam", "No ticket")
    done = await lab.register(KnownAnswer.ENDPOINT)
    assert (done.joined, done.cluster.login.refused) == (True, False)
    assert lab.first.logins == 1


async def test_a_person_opens_the_store_for_the_login_of_the_known_one() -> None:
    lab = Lab(secrets=FakeSecrets("a passphrase"))
    lab.dialog.passphrases = ["wrong", "a passphrase"]
    assert (await lab.register(KnownAnswer.ENDPOINT)).joined
    assert [type(question) for question in lab.dialog.questions][-1] is KnownQuestion


# It cannot be asked


def refuse(lab: Lab) -> None:
    lab.first.errors["connect"] = connection_messages.refused(FIRST)


def change(lab: Lab) -> None:
    lab.first.authority = None


def forbid(lab: Lab) -> None:
    lab.first.errors["node_fingerprints"] = NotPermittedError("missing_privileges", "The nodes may not be seen.")


def forget(lab: Lab) -> None:
    lab.bench.secrets.kept.clear()


def demand_a_code(lab: Lab) -> None:
    lab.first.errors["login"] = login_messages.second_factor_needed("root@pam", ("totp",))


def hang(lab: Lab) -> None:
    lab.first.gates["connect"] = asyncio.Event()


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (refuse, "refused"),
        (change, "cert changed"),
        (forbid, "missing privileges"),
        (forget, "secret needed"),
        (demand_a_code, "code needed"),
        (hang, "timed out"),
    ],
)
async def test_where_it_cannot_be_asked_nothing_is_proven_and_the_step_says_so(
    trouble: Callable[[Lab], None], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "LOOK_LIMIT", 0.05)
    lab = Lab()
    trouble(lab)
    done = await lab.register(KnownAnswer.ENDPOINT)
    assert not done.joined
    step = identity(done)
    assert (str(step.state), step.cause) == ("warning", "not_asked")
    assert f'of "fra prod", which could not be asked ({why})' in step.message
    assert "`pxm edit 'fra prod' --add-endpoint https://10.20.0.12:8006`" in step.hint
    assert lab.asked() == []
    assert await lab.records() == [KNOWN, done.cluster]
    assert await lab.audited() == ["register"]
    journal = [entry.text for entry in lab.bench.services.journal.entries() if entry.failure]
    assert journal == [step.message]


async def test_with_the_store_locked_and_nobody_to_open_it_the_steps_say_so() -> None:
    lab = Lab(secrets=FakeSecrets("a passphrase"))
    done = await lab.register(dry_run=True)
    assert "(the secret store is locked)" in identity(done).message
    assert lab.first.logins == 0


async def test_a_login_that_was_refused_before_is_not_sent() -> None:
    known = replace(KNOWN, login=replace(KNOWN.login, refused=True))
    lab = Lab(known, secrets=FakeSecrets("a passphrase"))
    done = await lab.register(dry_run=True)
    assert "(it has refused the stored login)" in identity(done).message
    assert (lab.first.sessions, lab.dialog.questions[1:]) == (0, []), "and nobody is asked for the passphrase"


@pytest.mark.parametrize(
    ("endpoints", "error", "marked"),
    [
        ((FIRST,), login_messages.token(FIRST, "monitor@pve!pxm", ""), True),
        ((FIRST, THIRD), login_messages.token(FIRST, "monitor@pve!pxm", ""), False),
        ((FIRST, THIRD), login_messages.credentials(FIRST, "root@pam", "authentication failure"), True),
    ],
)
async def test_a_login_that_is_refused_is_sent_once_and_marked(
    endpoints: tuple[Endpoint, ...], error: Exception, marked: bool
) -> None:
    """Not that of a token which a second endpoint may still take."""
    method = LoginMethod.TOKEN if "token" in str(error) else LoginMethod.PASSWORD
    login = KNOWN.login if method is LoginMethod.TOKEN else Login(method, "root@pam")
    lab = Lab(replace(KNOWN, endpoints=endpoints, login=login))
    lab.first.errors["login"] = error  # type: ignore[assignment]
    done = await lab.register()
    assert not done.joined
    assert (lab.first.logins, lab.third.logins) == (1, 0)
    known = await lab.bench.repository.find_by_id(KNOWN.id)
    assert known is not None
    assert known.login.refused is marked
    assert known.trust == PINNED


async def test_an_endpoint_that_it_has_already_is_to_be_compared_there() -> None:
    lab = Lab(replace(KNOWN, endpoints=(SECOND,)))
    step = identity(await lab.register())
    assert "(no other endpoint)" in step.message
    assert "`pxm edit NAME --fingerprint SHA256`" in step.hint
    assert lab.second.logins == 1, "of who registers"
