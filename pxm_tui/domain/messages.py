"""The wording of every failure, once for all faces: what happened, probably, and what to do.

`said` is always the server's own text; it is put on one line and quoted here, so callers pass it as it came.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PurePath

from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.errors import (
    AlreadyRegisteredError,
    CertificateError,
    InvalidError,
    LoginError,
    NotFoundError,
    NotPermittedError,
    SecretsLockedError,
    StorageError,
    UnreachableError,
)
from pxm_tui.domain.text import one_line

OLDEST_VERSION = "6.4"


def _quoted(said: str) -> str:
    return f'"{one_line(said)}"' if said.strip() else "nothing more"


# Addresses and connections


def bad_address(text: str, why: str) -> InvalidError:
    """What was typed is no address. `text` must not hold a password."""
    return InvalidError(
        "address",
        f'"{one_line(text, 80)}" is not an address: {why}.',
        do="Examples: pve1, 10.0.0.11, https://pve1:8006.",
        field="endpoint",
    )


def unknown_host(endpoint: Endpoint) -> UnreachableError:
    """The name does not resolve."""
    return UnreachableError(
        "unknown_host",
        f"The name {endpoint.host} has no address.",
        probably="A typing error, or this machine's DNS does not know the zone (VPN down?).",
        do=f"Try `getent hosts {endpoint.host}` here, or type the IP address.",
    )


def refused(endpoint: Endpoint) -> UnreachableError:
    """TCP connections are refused."""
    return UnreachableError(
        "refused",
        f"{endpoint.host} is up, but refuses port {endpoint.port}.",
        probably="pveproxy is not running, a firewall rejects this machine, or it is another port.",
        do="On the node: `systemctl status pveproxy`. Web interface of Proxmox VE: port 8006.",
    )


def timeout(endpoint: Endpoint, seconds: float) -> UnreachableError:
    """No answer within the limit."""
    return UnreachableError(
        "timeout",
        f"No answer from {endpoint.authority} within {seconds:g} s.",
        probably="The host is off, a firewall drops the packets, or the VPN to its network is down.",
        do="Check it again when the network is up.",
    )


def not_in_time(endpoint: Endpoint, seconds: float) -> UnreachableError:
    """A check of several was over before this one had ended."""
    return UnreachableError(
        "timeout",
        f"The check of {endpoint.host} was not over within the {seconds:g} s that all of them had.",
        do="Give more with `--timeout`, or check it alone.",
    )


def no_route(endpoint: Endpoint, address: str) -> UnreachableError:
    """The network says that there is no way."""
    return UnreachableError(
        "no_route",
        f"This machine has no route to {endpoint.host}.",
        do=f"Check VPN and routes: `ip route get {address}`.",
    )


def not_tls(endpoint: Endpoint) -> UnreachableError:
    """Something answers, but not in TLS."""
    return UnreachableError(
        "not_tls",
        f"{endpoint.authority} does not speak TLS.",
        do="Plain HTTP or another service: check the port.",
    )


def closed(endpoint: Endpoint, source_address: str = "") -> UnreachableError:
    """The connection was taken and closed without a byte."""
    here = f"; this machine is {source_address}" if source_address else ""
    return UnreachableError(
        "closed",
        f"{endpoint.host} took the connection and closed it without a byte.",
        do=f"Look for `ALLOW_FROM`, `DENY_FROM` in `/etc/default/pveproxy`{here}.",
    )


def bad_answer(endpoint: Endpoint, why: str) -> UnreachableError:
    """An answer that cannot be used; `why` continues the sentence, such as "ended in the middle (3 of 9 bytes)"."""
    return UnreachableError(
        "bad_answer",
        f"The answer of {endpoint.host} {why}.",
        do="Try again; if it stays, look at the network between (MTU, proxy).",
    )


def server_failed(endpoint: Endpoint, status: int, said: str) -> UnreachableError:
    """Proxmox VE answered with an error of its own."""
    return UnreachableError(
        "bad_answer",
        f"{endpoint.host} answered {status}: {_quoted(said)}.",
        probably="The node is overloaded, starting, or its cluster file system is down.",
        do="On the node: `systemctl status pve-cluster pvedaemon pveproxy`. Then check it again.",
    )


def not_proxmox(endpoint: Endpoint, seen: str) -> UnreachableError:
    """Something else answers; `seen` says what."""
    return UnreachableError(
        "not_proxmox",
        f"{endpoint.authority} answers, but not as Proxmox VE: {one_line(seen, 120)}.",
        probably="Another web server, a reverse proxy with a login page, Proxmox Backup Server (8007) or Mail Gateway.",
        do=f"Open {endpoint.url} in a browser; register the address that shows Proxmox VE.",
    )


def too_old(endpoint: Endpoint, version: str) -> UnreachableError:
    """A version that is not supported."""
    return UnreachableError(
        "too_old",
        f"{endpoint.host} runs Proxmox VE {one_line(version, 20)}; {OLDEST_VERSION} is the oldest supported.",
        do="Upgrade it, or leave it out.",
    )


# Certificates


def untrusted(endpoint: Endpoint, certificate: Certificate | None) -> CertificateError:
    """No authority vouches for the certificate, and no person has."""
    shown = f" SHA-256 {certificate.sha256}." if certificate else ""
    return CertificateError(
        "untrusted",
        f"No authority on this machine vouches for the certificate of {endpoint.host}. No login was sent.{shown}",
        probably="Normal for Proxmox VE: every cluster signs its own.",
        do="Compare with `pvenode cert info` on the node, then trust it (TUI), or give `--fingerprint` or `--ca-file`.",
        certificate=certificate,
    )


def not_the_expected(endpoint: Endpoint, expected: str, certificate: Certificate) -> CertificateError:
    """The given fingerprint, or the given authority, does not match what is shown."""
    return CertificateError(
        "untrusted",
        f"{endpoint.host} shows another certificate than {expected}. No login was sent. SHA-256 {certificate.sha256}.",
        probably="A fingerprint of another node, an older certificate, or somebody in between.",
        do="Compare with `pvenode cert info` on the node. The fingerprint of the cluster's authority (pve-root-ca.pem) "
        "needs that file too, with `--ca-file`: nodes do not send it.",
        certificate=certificate,
    )


def changed(
    endpoint: Endpoint, trusted_on: str, certificate: Certificate | None, verdict: str = ""
) -> CertificateError:
    """Another certificate than the one that is trusted; `trusted_on` is a date."""
    return CertificateError(
        "changed",
        f"{endpoint.host} shows another certificate than the one trusted on {trusted_on}. "
        "Nothing with a credential has been sent since.",
        probably=verdict,
        do="Compare with `pvenode cert info`, then `c`, Compare certificates.",
        certificate=certificate,
    )


def not_of_cluster(endpoint: Endpoint, name: str, certificate: Certificate | None) -> CertificateError:
    """An endpoint that is to be added does not prove to be of the cluster."""
    shown = f" SHA-256 {certificate.sha256}." if certificate else ""
    return CertificateError(
        "untrusted",
        f'{endpoint.url} does not prove to be of "{name}": its certificate is not vouched for by what is trusted for '
        f"that cluster. No login was sent.{shown}",
        probably="Another cluster, or a node with a certificate of its own.",
        do="Compare with `pvenode cert info` on the node. Another cluster is registered by itself: `pxm register`.",
        certificate=certificate,
    )


def expired(endpoint: Endpoint, certificate: Certificate | None) -> CertificateError:
    """The certificate has run out, where its dates count."""
    when = f" on {certificate.not_after:%Y-%m-%d}" if certificate else ""
    return CertificateError(
        "expired",
        f"The certificate of {endpoint.host} expired{when}. No login was sent.",
        probably="The node's daily renewal has not run, or this machine's clock is wrong.",
        do="On the node: `pvecm updatecerts --force`, or renew its ACME certificate. Then check it again.",
        certificate=certificate,
    )


def wrong_host(endpoint: Endpoint, certificate: Certificate | None) -> CertificateError:
    """A vouched-for certificate, made for another name."""
    names = f" It is made for {', '.join(certificate.names[:6])}." if certificate and certificate.names else ""
    return CertificateError(
        "wrong_host",
        f"The certificate of {endpoint.host} does not name this host. No login was sent.{names}",
        probably="The cluster is addressed by an alias or an IP address, or another machine answers here.",
        do="Use one of its names, or trust this one certificate by its fingerprint.",
        certificate=certificate,
    )


# Logins


def credentials(endpoint: Endpoint, user: str, said: str) -> LoginError:
    """Password login refused: Proxmox VE answers wrong password, unknown, disabled and expired user alike."""
    return LoginError(
        "credentials",
        f"{endpoint.host} rejected the login of {user}: {_quoted(said)}.",
        probably="The password is wrong, or the user does not exist, is disabled or has expired: "
        "Proxmox answers all four alike.",
        do="Correct it and press Enter. Each try counts for fail2ban; pxm never repeats a rejected login. "
        f"Datacenter > Permissions > Users shows whether {user} is enabled.",
        field="password",
    )


def second_factor_needed(user: str, kinds: Iterable[str] = ()) -> LoginError:
    """A code is needed, and there was none."""
    offered = set(kinds)
    only_keys = bool(offered) and not offered & {"totp", "recovery", "yubico"}
    probably = (
        "The account has hardware keys (WebAuthn) only, which a terminal cannot use."
        if only_keys
        else "Two-factor authentication is on for this user or realm."
    )
    return LoginError(
        "second_factor_needed",
        f"{user} needs a second factor, and no code was given.",
        probably=probably,
        do="Add TOTP or recovery keys in the web interface, Datacenter > Permissions > Two Factor, or log in with an "
        "API token (`--token-id`), which needs no second factor."
        if only_keys
        else "Type the code, or give `--otp-stdin`. An API token needs none.",
        field="code",
    )


def second_factor_wrong(endpoint: Endpoint, user: str, clock_skew: int = 0) -> LoginError:
    """The code was not accepted. `clock_skew` is the difference to the server's clock in seconds."""
    skew = f" The clocks of server and this machine differ by {clock_skew} s." if abs(clock_skew) > 15 else ""
    return LoginError(
        "second_factor_wrong",
        f"{endpoint.host} did not accept the code. The password was right.",
        probably=f"The code had run out (30 s), or belongs to another account.{skew}",
        do="Wait for the next code and type it. After 8 wrong codes Proxmox 8 and later locks TOTP for "
        f"{user}: a recovery key or `pveum user tfa unlock {user}` opens it.",
        field="code",
    )


def locked(user: str, until: str = "") -> LoginError:
    """The second factor is locked."""
    wait = f", or wait until {until}" if until else ""
    return LoginError(
        "locked",
        f"Proxmox has locked the second factor of {user}.",
        do=f"`pveum user tfa unlock {user}`{wait}.",
        field="code",
    )


def token(endpoint: Endpoint, token_id: str, said: str) -> LoginError:
    """An API token was refused; older servers say why."""
    user, _, name = token_id.partition("!")
    lowered = said.lower()
    renew = f"Expired: `pveum user token modify {user} {name} --expire $(date -d +1year +%s)`."
    remake = "Secret lost: make a new token, then `c`, Log in again."
    if "expired" in lowered:
        probably, do = "It has expired.", renew
    elif "no such token" in lowered:
        probably, do = "It was deleted.", "Make a new token, then `c`, Log in again."
    elif "invalid token value" in lowered:
        probably, do = "Its secret is wrong.", remake
    else:
        probably = "It has expired, was deleted, its secret is wrong, or its owner is disabled."
        do = f"`pveum user token list {user}` on a node shows it. {renew} {remake}"
    return LoginError(
        "token",
        f"{endpoint.host} rejected the token {token_id}: {_quoted(said)}.",
        probably=probably,
        do=do,
        field="token_secret",
    )


def unknown_realm(endpoint: Endpoint, realm: str, realms: Iterable[str]) -> LoginError:
    """The realm is not in the server's list."""
    return LoginError(
        "unknown_realm",
        f'{endpoint.host} has no realm "{one_line(realm, 40)}". It has: {", ".join(realms)}. No login was sent.',
        do="Choose one of them.",
        field="user",
    )


def secret_missing(name: str) -> LoginError:
    """The secret of a registered cluster is not kept, or its entry is gone."""
    return LoginError(
        "secret_missing",
        f"No secret is kept for {one_line(name, 64)}.",
        probably="Secrets are only held in memory here, or the entry was erased.",
        do="Press `c`, Log in again.",
    )


def saved_without_secret(name: str) -> LoginError:
    """A cluster was imported from a file that does not have its secret."""
    return LoginError(
        "secret_missing",
        f"{one_line(name, 64)} came from a file without its secret.",
        do="Press `c`, Log in again.",
    )


# Rights


def missing_privilege(what: str, privilege: str, path: str) -> NotPermittedError:
    """The login works, but a call was refused."""
    return NotPermittedError(
        "missing_privileges",
        f"The login works, but may not see {what}: {privilege} on {path} is missing.",
        probably="A token with privilege separation starts with no rights; it needs them, and so does its owner.",
        do="On a node, as root: grant the role PVEAuditor on / (`pveum acl modify / --roles PVEAuditor …`). Then `r`.",
    )


def grant_line(user: str, token_id: str | None) -> str:
    """The command that gives a login the rights to see everything."""
    if token_id is None:
        return f"pveum acl modify / --roles PVEAuditor --users '{user}'"
    return f"pveum acl modify / --roles PVEAuditor --tokens '{token_id}'"


# The registry


def already_registered(name: str, endpoint: Endpoint) -> AlreadyRegisteredError:
    """The name is taken."""
    return AlreadyRegisteredError(
        "already_registered",
        f'"{name}" is registered already ({endpoint.url}).',
        do=f"Choose another name, or open it: `pxm show {name}`.",
        field="name",
    )


def same_cluster(known: Cluster, endpoint: Endpoint) -> AlreadyRegisteredError:
    """The cluster behind the endpoint is registered, whatever it was to be called."""
    name = one_line(known.name, 64)
    if endpoint in known.endpoints:
        return AlreadyRegisteredError(
            "already_registered",
            f'{endpoint.url} is an endpoint of "{name}" already.',
            do=f"Open it: `pxm show {shlex.quote(name)}`. A copy of the cluster, such as a cloned lab: `--separate`.",
        )
    return AlreadyRegisteredError(
        "already_registered",
        f'{endpoint.url} is a node of "{name}", which is registered already ({known.endpoint.url}).',
        do=f"Add it: `pxm edit {shlex.quote(name)} --add-endpoint {endpoint.url}`. "
        "A copy of the cluster, such as a cloned lab: `--separate`.",
    )


def not_found(name: str, known: Iterable[str]) -> NotFoundError:
    """No such cluster."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    near = f" Close: {', '.join(close)}." if close else ""
    return NotFoundError("not_found", f'No cluster is called "{one_line(name, 64)}".{near}', do="`pxm list` shows all.")


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
    return StorageError("secret_store", why, do=do or "Unlock it, then `r`; or choose a passphrase: `:secrets`.")


def secrets_locked(why: str = "The secret store is locked.", do: str = "") -> StorageError:
    """Nobody has given the key of the secret store."""
    return SecretsLockedError("secret_store", why, do=do or "Give its passphrase, or PXM_VAULT_PASSPHRASE_FILE.")
