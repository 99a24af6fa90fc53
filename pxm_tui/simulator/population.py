"""The accounts that every simulated cluster starts with."""

import uuid
from dataclasses import dataclass, field

from pxm_tui.simulator.accounts import Accounts, Realm, Token, User
from pxm_tui.simulator.clock import seeded, seeded_bytes
from pxm_tui.simulator.inventory import HOSTILE_NAME
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.totp import make_recovery_keys, make_secret

FLEET_TOKEN = "root@pam!fleet"  # noqa: S105  (its name, not its secret)


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in to a simulated cluster. They are public: they protect nothing.

    Attributes:
        username: `root@pam`, all rights, no second factor.
        token_id: a full token id, all rights.
        totp_username: another account with all rights, whose password needs a code after it.
        totp_secret: base32 secret of that account's codes.
    """

    username: str
    password: str = field(repr=False)
    token_id: str
    token_secret: str = field(repr=False)
    totp_username: str
    totp_password: str = field(repr=False)
    totp_secret: str = field(repr=False)
    totp_recovery_keys: tuple[str, ...] = field(repr=False)


def make_credentials(options: ClusterOptions, seed: str) -> Credentials:
    """Choose the passwords and secrets of a cluster from its seed."""
    numbers = seeded(seed, "credentials")
    keys = make_recovery_keys(numbers)
    return Credentials(
        username="root@pam",
        password=options.password or f"root-{numbers.randbytes(6).hex()}",
        token_id=FLEET_TOKEN,
        token_secret=make_token_secret(seed, FLEET_TOKEN),
        totp_username="totp@pve",
        totp_password=f"totp-{numbers.randbytes(6).hex()}",
        totp_secret=make_secret(numbers),
        totp_recovery_keys=tuple(keys.values()),
    )


def make_token_secret(*seed: object) -> str:
    """Make the secret of an API token, a UUID."""
    return str(uuid.UUID(bytes=seeded_bytes(16, "token", *seed), version=4))


def make_accounts(options: ClusterOptions, credentials: Credentials, now: float) -> Accounts:
    """Make realms, users, tokens and access control entries of a new cluster.

    Besides the accounts of `credentials` there are, in realm pve and with their name and `-pve-1` as the
    password: admin (Administrator), auditor (PVEAuditor), operator (PVEVMUser on /vms), nobody (no rights),
    disabled, expired; the groups ops (with operator) and guests (empty); and the tokens root@pam!limited
    (separated, no rights) and auditor@pve!ro.
    """
    accounts = Accounts()
    ldap = f"Directory {HOSTILE_NAME}" if options.hostile else "Company directory"
    for realm in (
        Realm("pam", "pam", "Linux PAM standard authentication"),
        Realm("pve", "pve", "Proxmox VE authentication server"),
        Realm("corp", "ldap", ldap),
    ):
        accounts.realms[realm.name] = realm
    _add_main_users(accounts, credentials, int(now))
    for name, role, path in (
        ("admin", "Administrator", "/"),
        ("auditor", "PVEAuditor", "/"),
        ("operator", "PVEVMUser", "/vms"),
        ("nobody", "", ""),
        ("disabled", "", ""),
        ("expired", "", ""),
    ):
        userid = f"{name}@pve"
        accounts.users[userid] = User(userid, password=f"{name}-pve-1")
        if role:
            accounts.grant(path, "user", userid, role)
    accounts.groups.update(ops="Operators", guests="")
    accounts.users["operator@pve"].groups.add("ops")
    accounts.users["disabled@pve"].enabled = False
    accounts.users["expired@pve"].expire = int(now) - 86400
    if options.hostile:
        accounts.users["auditor@pve"].comment = HOSTILE_NAME
    auditor = accounts.users["auditor@pve"]
    auditor.tokens["ro"] = Token("ro", make_token_secret(credentials.token_secret, "ro"), privsep=False)
    return accounts


def _add_main_users(accounts: Accounts, credentials: Credentials, now: int) -> None:
    root = User("root@pam", password=credentials.password)
    root.tokens["fleet"] = Token("fleet", credentials.token_secret, privsep=False)
    root.tokens["limited"] = Token("limited", make_token_secret(credentials.token_secret, "limited"))
    accounts.users["root@pam"] = root
    accounts.users[credentials.totp_username] = User(
        credentials.totp_username,
        password=credentials.totp_password,
        totp_secret=credentials.totp_secret,
        recovery_keys=dict(enumerate(credentials.totp_recovery_keys)),
        factors_since=now - 30 * 86400,
    )
    accounts.grant("/", "user", credentials.totp_username, "Administrator")
