"""What each fault does to a running cluster. An effect gives back what ends it."""

from collections.abc import Callable
from dataclasses import dataclass

from pxm_tui.simulator.accounts import User
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.inventory import STORAGES
from pxm_tui.simulator.tasks import Trouble

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a fault takes place.

    Attributes:
        node: its node; empty for the whole cluster.
        value: the fault's number; 0 where it has none.
        text: the fault's text; empty where it has none, or none was given.
    """

    cluster: SimulatedCluster
    node: str = ""
    value: float = 0
    text: str = ""


Effect = Callable[[Target], Undo]


# The network


def refuse(target: Target) -> Undo:
    """Refuse connections."""
    target.cluster.stop_listening(target.node)
    return lambda: target.cluster.listen_again(target.node)


def drop_packets(target: Target) -> Undo:
    """Leave attempts to connect without an answer."""
    target.cluster.drop_packets(target.node)
    return lambda: target.cluster.take_packets(target.node)


def hang(target: Target) -> Undo:
    """Accept connections and say nothing."""
    target.cluster.fall_silent(target.node)
    return lambda: target.cluster.speak_again(target.node)


def take_offline(target: Target) -> Undo:
    """Switch the node off, unless it is off already."""
    if not target.cluster.state.nodes[target.node].online:
        return lambda: None
    target.cluster.take_offline(target.node)
    return lambda: target.cluster.bring_back(target.node)


def lose_quorum(target: Target) -> Undo:
    """Part the nodes from each other."""
    target.cluster.lose_quorum()
    return target.cluster.regain_quorum


def lose_peer(target: Target) -> Undo:
    """Let the other nodes answer 595 or 596 in place of this one."""
    peers = target.cluster.state.dead_peers
    peers[target.node] = int(target.value)
    return lambda: _forget(peers, target.node)


def _forget(values: dict[str, int], name: str) -> None:
    values.pop(name, None)


# Answers


def spoil(name: str) -> Effect:
    """Make the effect that spoils a node's answers in one of the ways of `wire_faults`."""

    def effect(target: Target) -> Undo:
        spoiled = target.cluster.state.spoiled
        spoiled.setdefault(target.node, {})[name] = target.value

        def undo() -> None:
            spoiled.get(target.node, {}).pop(name, None)
            if not spoiled.get(target.node):
                spoiled.pop(target.node, None)

        return undo

    return effect


# Certificates: connections that stand are cut, because pveproxy is restarted as well


def renew_certificate(target: Target) -> Undo:
    """Issue the node's certificate anew for its key."""
    return _reissue(target, expired=False)


def let_certificate_expire(target: Target) -> Undo:
    """Let the dates of the node's certificate lie in the past."""
    return _reissue(target, expired=True)


def _reissue(target: Target, *, expired: bool) -> Undo:
    before = target.cluster.state.leaf(target.node)
    target.cluster.reissue(target.node, expired=expired)
    target.cluster.cut_connections(target.node)

    def undo() -> None:
        target.cluster.state.present(target.node, before)
        target.cluster.cut_connections(target.node)

    return undo


def replace_authority(target: Target) -> Undo:
    """Issue every certificate from another authority."""
    put_back = target.cluster.state.certificates()
    target.cluster.replace_authority()
    target.cluster.cut_connections()

    def undo() -> None:
        put_back()
        target.cluster.cut_connections()

    return undo


# Accounts


def disable_login(target: Target) -> Undo:
    """Disable one account, or all of them."""
    users = [user for user in _users(target) if user.enabled]
    for user in users:
        user.enabled = False

    def undo() -> None:
        for user in users:
            user.enabled = True

    return undo


def lock_second_factors(target: Target) -> Undo:
    """Refuse the second factors of one account, or of all."""
    before = [(user, user.totp_locked, user.locked_until) for user in _users(target)]
    for user, _, _ in before:
        user.totp_locked, user.locked_until = True, 2**40

    def undo() -> None:
        for user, locked, until in before:
            user.totp_locked, user.locked_until = locked, until

    return undo


def revoke_tokens(target: Target) -> Undo:
    """Delete one API token, or all of them."""
    users = target.cluster.state.accounts.users.values()
    gone = [
        (user, token)
        for user in users
        for token in user.tokens.values()
        if target.text in {"", f"{user.userid}!{token.name}"}
    ]
    for user, token in gone:
        del user.tokens[token.name]

    def undo() -> None:
        for user, token in gone:
            user.tokens.setdefault(token.name, token)

    return undo


def take_privileges(target: Target) -> Undo:
    """Remove the access control entries of one user or token, or of all; tokens get none of their user's either.

    root@pam itself keeps all rights, because nobody can take them away.
    """
    accounts = target.cluster.state.accounts
    removed = [entry for entry in accounts.access if target.text in {"", entry.subject}]
    accounts.access = [entry for entry in accounts.access if entry not in removed]
    separated = [
        token
        for user in accounts.users.values()
        for token in user.tokens.values()
        if not token.privsep and target.text in {"", user.userid, f"{user.userid}!{token.name}"}
    ]
    for token in separated:
        token.privsep = True

    def undo() -> None:
        accounts.access.extend(removed)
        for token in separated:
            token.privsep = False

    return undo


def _users(target: Target) -> list[User]:
    users = target.cluster.state.accounts.users
    return list(users.values()) if not target.text else [users[target.text]]


# Everything else


def set_clock_wrong(target: Target) -> Undo:
    """Let the cluster's clock be ahead, or behind where the value is negative."""
    clock = target.cluster.state.wrong_clock
    clock.shift = target.value

    def undo() -> None:
        clock.shift = 0.0

    return undo


def fill_storage(target: Target) -> Undo:
    """Leave no space on one storage of the node, or on all."""
    node = target.cluster.state.nodes[target.node]
    before = set(node.full)
    node.full |= {storage.name for storage in STORAGES if target.text in {"", storage.name}}

    def undo() -> None:
        node.full = before

    return undo


def let_tasks_fail(target: Target) -> Undo:
    """Let every task that is started fail."""
    return _trouble(target, Trouble(None, target.text, left=None))


def let_tasks_hang(target: Target) -> Undo:
    """Let no task that is started come to an end; those that have begun stay until somebody stops them."""
    return _trouble(target, Trouble(None, None, left=None))


def _trouble(target: Target, trouble: Trouble) -> Undo:
    troubles = target.cluster.state.tasks.troubles
    troubles.insert(0, trouble)
    return lambda: troubles.remove(trouble)
