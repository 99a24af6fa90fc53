"""What tests and the demo do to a running cluster: reach it, look at what it received, put it in trouble."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from pxm_tui.simulator.accounts import Token, User, split_token_id
from pxm_tui.simulator.addresses import NoAddressError, try_to_listen
from pxm_tui.simulator.certificates import Certificate
from pxm_tui.simulator.cluster import Cluster, ReceivedRequest
from pxm_tui.simulator.listener import Listener
from pxm_tui.simulator.population import Credentials, make_token_secret
from pxm_tui.simulator.releases import RELEASES

P = ParamSpec("P")
R = TypeVar("R")


class Runner(Protocol):
    """Runs something on the loop that serves a fleet."""

    def run(self, action: Callable[[], R]) -> R:
        """Run `action` on the loop and give what it returns, from whatever thread."""
        ...


def on_the_loop(
    method: "Callable[Concatenate[SimulatedCluster, P], R]",
) -> "Callable[Concatenate[SimulatedCluster, P], R]":
    """Let a control method be called from any thread: it runs on the fleet's loop, the caller waits for it."""

    def steer(self: "SimulatedCluster", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._runner.run(lambda: method(self, *args, **kwargs))

    steer.__doc__ = method.__doc__
    steer.__name__ = method.__name__
    return steer


class SimulatedCluster:
    """A cluster of a running fleet: how to reach it, and what can be done to it.

    Every method may be called from any thread.
    """

    def __init__(self, runner: Runner, cluster: Cluster, listeners: dict[str, Listener], ports: dict[str, int]) -> None:
        self._runner = runner
        self.state = cluster
        self._listeners = listeners
        self._ports = ports

    # How to reach it

    @property
    def name(self) -> str:
        """The cluster's own name; of a standalone node the node's name."""
        return self.state.name

    @property
    def nodes(self) -> list[str]:
        """Names of the nodes."""
        return list(self.state.nodes)

    @property
    def endpoint(self) -> str:
        """URL of the first node, with its port."""
        return self.endpoint_of(self.nodes[0])

    @property
    def endpoints(self) -> list[str]:
        """URLs of all nodes."""
        return [self.endpoint_of(name) for name in self.nodes]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the leaf that the first node serves."""
        return self.fingerprint_of(self.nodes[0])

    @property
    def ca_pem(self) -> str:
        """The cluster's certificate authority in PEM."""
        return self.state.authority.own.pem

    @property
    def ca_fingerprint(self) -> str:
        """SHA-256 of the cluster's certificate authority."""
        return self.state.authority.own.fingerprint

    @property
    def credentials(self) -> Credentials:
        """How to log in."""
        return self.state.credentials

    @property
    def username(self) -> str:
        """The account with all rights and no second factor."""
        return self.credentials.username

    @property
    def password(self) -> str:
        """Password of `username`."""
        return self.credentials.password

    @property
    def token_id(self) -> str:
        """Full id of a token with all rights."""
        return self.credentials.token_id

    @property
    def token_secret(self) -> str:
        """Secret of `token_id`."""
        return self.credentials.token_secret

    @property
    def totp_username(self) -> str:
        """The account that needs a one-time code."""
        return self.credentials.totp_username

    @property
    def totp_password(self) -> str:
        """Password of `totp_username`."""
        return self.credentials.totp_password

    @property
    def totp_secret(self) -> str:
        """Base32 secret of the codes of `totp_username`."""
        return self.credentials.totp_secret

    def endpoint_of(self, node: str) -> str:
        """URL of one node, with its port."""
        return f"https://{self.state.nodes[node].address}:{self._ports[node]}"

    def fingerprint_of(self, node: str) -> str:
        """SHA-256 of the leaf that a node serves."""
        return self.state.leaf(node).fingerprint

    # What it received

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests that came, oldest first, at most the last 10 000."""
        return list(self.state.requests)

    @property
    def request_count(self) -> int:
        """How many requests came."""
        return self.state.request_count

    @property
    def connection_count(self) -> int:
        """How many connections were accepted."""
        return self.state.connection_count

    @on_the_loop
    def forget_requests(self) -> None:
        """Empty the log and begin to count anew."""
        self.state.requests.clear()
        self.state.request_count = 0
        self.state.connection_count = 0

    # Nodes and quorum

    @on_the_loop
    def take_offline(self, node: str) -> None:
        """Take a node down: it refuses connections and the others see it offline."""
        self.state.nodes[node].offline_since = self.state.clock()
        self._listeners[node].close()

    @on_the_loop
    def bring_back(self, node: str) -> None:
        """Start a node that is down."""
        self.state.nodes[node].come_back(self.state.clock())
        self._listen(node)

    @on_the_loop
    def stop_listening(self, node: str | None = None) -> None:
        """Refuse connections on one node or all of them, which run on otherwise."""
        for name in self._named(node):
            self.state.deaf.add(name)
            self._listeners[name].close()

    @on_the_loop
    def listen_again(self, node: str | None = None) -> None:
        """Accept connections again."""
        for name in self._named(node):
            self.state.deaf.discard(name)
            if self.state.nodes[name].online:
                self._listen(name)

    @on_the_loop
    def cut_connections(self, node: str | None = None) -> None:
        """Cut the connections that stand; new ones are accepted."""
        for name in self._named(node):
            self._listeners[name].cut()

    @on_the_loop
    def fall_silent(self, node: str | None = None) -> None:
        """Accept connections on one node or all of them and say nothing: no handshake, no answer."""
        for name in self._named(node):
            self.state.mute.add(name)
            self._listeners[name].silent = True
            self._listeners[name].cut()

    @on_the_loop
    def speak_again(self, node: str | None = None) -> None:
        """End `fall_silent`; the connections that were made meanwhile are cut."""
        for name in self._named(node):
            self.state.mute.discard(name)
            self._listeners[name].silent = False
            self._listeners[name].cut()

    @on_the_loop
    def drop_packets(self, node: str | None = None) -> None:
        """Answer no attempt to connect on one node or all of them, not even by a refusal."""
        for name in self._named(node):
            self.state.walled.add(name)
            self._listeners[name].drop_packets()

    @on_the_loop
    def take_packets(self, node: str | None = None) -> None:
        """End `drop_packets`."""
        for name in self._named(node):
            self.state.walled.discard(name)
            self._listeners[name].take_packets()

    @on_the_loop
    def lose_quorum(self) -> None:
        """Part the network between the nodes: each sees itself alone."""
        self.state.partitioned = True

    @on_the_loop
    def regain_quorum(self) -> None:
        """Join the network again."""
        self.state.partitioned = False

    @on_the_loop
    def tell_address(self, node: str, address: str) -> None:
        """Let the cluster say that a node is at another address than the one of its link, at which it listens.

        Args:
            node: the node.
            address: what the cluster's status says; empty: nothing, as of a node that was never seen.
        """
        self.state.told_addresses[node] = address

    # Certificates and release

    @on_the_loop
    def reissue(self, node: str | None = None, *, new_key: bool = False, expired: bool = False) -> None:
        """Give one node or all of them another leaf of the same authority; connections that stand stay.

        Args:
            node: the node, or None for all.
            new_key: make a new key; without it the key stays, as at Proxmox's own renewal.
            expired: let the leaf's dates lie in the past.
        """
        for name in self._named(node):
            self.state.reissue(name, new_key=new_key, expired=expired)

    @on_the_loop
    def replace_authority(self) -> None:
        """Set up a new authority and issue every leaf from it."""
        self.state.replace_authority()

    @on_the_loop
    def present(self, node: str, leaf: Certificate) -> None:
        """Let a node serve a certificate of its own, as one of ACME or of a company; the cluster knows it."""
        self.state.present(node, leaf)

    @on_the_loop
    def set_version(self, version: str) -> None:
        """Change the release of every node.

        Args:
            version: `6.4`, `7.4`, `8.4` or `9.2`.
        """
        self.state.release = RELEASES[version]

    # Accounts

    @on_the_loop
    def add_user(
        self, userid: str, password: str, *, role: str | None = None, path: str = "/", propagate: bool = True
    ) -> None:
        """Add a user, with a role on a path if one is given."""
        self.state.accounts.users[userid] = User(userid, password=password)
        if role is not None:
            self.state.accounts.grant(path, "user", userid, role, propagate=propagate)

    @on_the_loop
    def grant(self, path: str, subject: str, role: str, *, propagate: bool = True) -> None:
        """Add an access control entry for a user, or for a token where `subject` is a full token id."""
        kind = "token" if "!" in subject else "user"
        self.state.accounts.grant(path, kind, subject, role, propagate=propagate)

    @on_the_loop
    def revoke(self, subject: str) -> None:
        """Remove every access control entry of a user or token."""
        accounts = self.state.accounts
        accounts.access = [entry for entry in accounts.access if entry.subject != subject]

    @on_the_loop
    def disable_user(self, userid: str) -> None:
        """Disable an account."""
        self.state.accounts.user(userid).enabled = False

    @on_the_loop
    def enable_user(self, userid: str) -> None:
        """Enable an account."""
        self.state.accounts.user(userid).enabled = True

    @on_the_loop
    def set_password(self, userid: str, password: str) -> None:
        """Change a password."""
        self.state.accounts.user(userid).password = password

    @on_the_loop
    def add_token(self, token_id: str, *, privsep: bool = True, expire: int = 0) -> str:
        """Add an API token and give its secret."""
        userid, name = split_token_id(token_id)
        token = Token(name or "", make_token_secret(self.state.seed, token_id), privsep=privsep, expire=expire)
        self.state.accounts.user(userid).tokens[token.name] = token
        return token.secret

    @on_the_loop
    def expire_token(self, token_id: str) -> None:
        """Let a token end now."""
        userid, name = split_token_id(token_id)
        self.state.accounts.token(userid, name or "").expire = int(self.state.clock())

    @on_the_loop
    def delete_token(self, token_id: str) -> None:
        """Delete a token."""
        userid, name = split_token_id(token_id)
        del self.state.accounts.user(userid).tokens[name or ""]

    @on_the_loop
    def token_ids(self) -> list[str]:
        """List the full ids of all tokens."""
        return [f"{user.userid}!{name}" for user in self.state.accounts.users.values() for name in user.tokens]

    def _named(self, node: str | None) -> list[str]:
        return self.nodes if node is None else [node]

    def switch(self, node: str, on: bool) -> None:
        """Let a node listen that was turned on, or no more where it was turned off."""
        if on:
            self._listen(node)
        else:
            self._listeners[node].close()

    def _listen(self, node: str) -> None:
        listener = self._listeners[node]
        if listener.listening:
            return
        address, port = self.state.nodes[node].address, self._ports[node]
        bound = try_to_listen(address, port)
        if bound is None:
            raise NoAddressError(f"{address}:{port} was taken meanwhile")
        listener.open(bound)
