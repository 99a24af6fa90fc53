"""The wording of failures, once for all faces: what happened, probably, and what to do.

Here: what is typed, the registry and the storage. What can go wrong with connections, certificates, logins and tokens
stands in modules of their own, `connection_messages` and so on.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PurePath

from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.errors import (
    AlreadyRegisteredError,
    InvalidError,
    NotFoundError,
    SecretsLockedError,
    StorageError,
)
from pxm_tui.domain.remedies import COMPARE, GIVE_PASSPHRASE, SEPARATE, UNLOCK
from pxm_tui.domain.text import one_line

# What is typed


def bad_address(text: str, why: str) -> InvalidError:
    """What was typed is no address. `text` must not hold a password."""
    return InvalidError(
        "address",
        f'"{one_line(text, 80)}" is not an address: {why}.',
        do="Examples: pve1, 10.0.0.11, https://pve1:8006.",
        field="endpoint",
    )


def bad_name(why: str) -> InvalidError:
    """The name cannot be used."""
    return InvalidError(
        "name", f"The name {why}.", do="1 to 64 characters of any script, no control characters.", field="name"
    )


def invalid(field: str, message: str, do: str = "") -> InvalidError:
    """A field that is not valid."""
    return InvalidError(field, message, do=do, field=field)


def endpoint_needed(message: str, do: str) -> InvalidError:
    """The endpoints cannot be changed like that."""
    return InvalidError("endpoint", message, do=do, field="endpoints")


# The registry


def already_registered(name: str, endpoint: Endpoint) -> AlreadyRegisteredError:
    """The name is taken."""
    return AlreadyRegisteredError(
        "already_registered",
        f'"{name}" is registered already ({endpoint.url}).',
        do=f"Choose another name, or open it: `pxm show {name}`.",
        field="name",
    )


def changed_meanwhile(name: str, what: str) -> InvalidError:
    """Another program has changed the same part of a record since it was read."""
    return InvalidError(
        "changed_meanwhile",
        f'The {what} of "{one_line(name, 64)}" was changed by somebody else meanwhile; nothing was saved.',
        do=f"Look at it (`pxm show {shlex.quote(one_line(name, 64))}`), then do it again.",
    )


def same_cluster(known: Cluster, endpoint: Endpoint) -> AlreadyRegisteredError:
    """The cluster behind the endpoint is registered, whatever it was to be called."""
    name = one_line(known.name, 64)
    if endpoint in known.endpoints:
        return AlreadyRegisteredError(
            "already_registered",
            f'{endpoint.url} is an endpoint of "{name}" already.',
            do=f"Open it: `pxm show {shlex.quote(name)}`. A copy of the cluster, such as a cloned lab: {SEPARATE}.",
        )
    return AlreadyRegisteredError(
        "already_registered",
        f'{endpoint.url} is a node of "{name}", which is registered already ({known.endpoint.url}).',
        do=f"Add it: `pxm edit {shlex.quote(name)} --add-endpoint {endpoint.url}`. "
        f"A copy of the cluster, such as a cloned lab: {SEPARATE}.",
    )


def of_another(known: Cluster, endpoint: Endpoint) -> AlreadyRegisteredError:
    """A cluster says that it has a node where another one, which is registered, has an endpoint."""
    name = one_line(known.name, 64)
    return AlreadyRegisteredError("another_cluster", f'{endpoint.url} is an endpoint of "{name}", another cluster.')


MET_MEANWHILE = "met_meanwhile"


def met_meanwhile(known: Cluster, endpoint: Endpoint) -> InvalidError:
    """A record that the server says it is of was saved after the known ones were asked."""
    name = one_line(known.name, 64)
    return InvalidError(
        MET_MEANWHILE,
        f'{endpoint.url} says that it is of "{name}", which was registered a moment ago; nothing was saved.',
        do=f'Register it once more: then "{name}" is asked. A copy of the cluster, such as a cloned lab: {SEPARATE}.',
    )


def not_asked(known: Cluster, endpoint: Endpoint, why: str) -> tuple[str, str]:
    """What the server says it is of could not be asked: what was found, and what to do."""
    name = one_line(known.name, 64)
    found = f'It says that it is of "{name}", which could not be asked ({why}): taken for a cluster of its own.'
    if endpoint in known.endpoints:
        return found, f'It is an endpoint of "{name}" already. To trust its certificate there: {COMPARE}.'
    line = f"`pxm edit {shlex.quote(name)} --add-endpoint {endpoint.url}`"
    return found, f'When "{name}" answers again: {line} adds it there if it is of it; then deregister this one.'


def not_vouched_for(known: Cluster) -> tuple[str, str]:
    """What the server says it is of was asked, and does not know its certificate."""
    name = one_line(known.name, 64)
    return (
        f'It says that it is of "{name}", which does not know its certificate: taken for a cluster of its own.',
        "Normal for a copy of the cluster, such as a cloned lab. Else ask who runs it.",
    )


def registered_twice(cluster: Cluster, other: Cluster) -> str:
    """Two records turn out to be of one cluster."""
    names = [shlex.quote(one_line(one.name, 64)) for one in (cluster, other)]
    then = "" if cluster.endpoint in other.endpoints else f", then `pxm edit {names[1]} --add-endpoint "
    then = then and f"{then}{cluster.endpoint.url}`"
    return (
        f'"{one_line(cluster.name, 64)}" and "{one_line(other.name, 64)}" have the same authority: one cluster, '
        f"registered twice. Keep one: `pxm deregister {names[0]}`{then}. A copy, such as a cloned lab, may stay."
    )


def not_found(name: str, known: Iterable[str]) -> NotFoundError:
    """No such cluster."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    near = f" Close: {', '.join(close)}." if close else ""
    return NotFoundError("not_found", f'No cluster is called "{one_line(name, 64)}".{near}', do="`pxm list` shows all.")


# Storage


def storage_unusable(path: PurePath | str, why: str, do: str = "") -> StorageError:
    """A file or directory of ours cannot be written."""
    return StorageError(
        "storage_unusable",
        f"Cannot write {path}: {why}. Nothing was saved, nothing was left on the cluster.",
        do=do or "Free space or mend the permissions, then try again.",
    )


def secret_store(why: str, do: str = "") -> StorageError:
    """The secrets cannot be read or written; `why` is a sentence."""
    return StorageError("secret_store", why, do=do or UNLOCK)


def secrets_locked(why: str = "The secret store is locked.", do: str = "") -> StorageError:
    """Nobody has given the key of the secret store."""
    return SecretsLockedError("secret_store", why, do=do or GIVE_PASSPHRASE)
