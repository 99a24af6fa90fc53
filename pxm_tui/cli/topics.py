"""The topics of `pxm help`: what no single command's help has room for. The manual page is made of them too."""

from __future__ import annotations

from pxm_tui.cli.configuration import settings_text
from pxm_tui.domain.errors import EXIT_STATUS, Code

_MEANINGS = {
    Code.INTERNAL: "a defect of pxm; details are in the log",
    Code.INVALID: "wrong usage, or a field that is not valid",
    Code.NOT_FOUND: "no such cluster",
    Code.ALREADY_REGISTERED: "the name is taken, or the cluster is registered",
    Code.LOGIN_FAILED: "Proxmox VE did not accept the login, or a code is needed",
    Code.CERTIFICATE_UNTRUSTED: "nobody vouches for the certificate, or it has changed",
    Code.UNREACHABLE: "no usable Proxmox VE answers",
    Code.NOT_PERMITTED: "the login lacks a privilege, or the cluster is read-only",
    Code.STORAGE_UNUSABLE: "the data directory or the secret store cannot be used",
    Code.PARTIAL_FAILURE: "some of several failed",
}


def _exit_table() -> str:
    rows = [("0", "done", ""), *((str(number), str(code), _MEANINGS[code]) for code, number in EXIT_STATUS.items())]
    rows.append(("130", "", "Ctrl-C; 143 for SIGTERM, 141 when nobody reads stdout"))
    return "\n".join(f"  {number:>3}  {code:<22} {meaning}".rstrip() for number, code, meaning in rows)


EXIT = f"""\
{_exit_table()}

With --json an error is printed on stdout:

  {{"error": {{"code", "cause", "message", "hint", "field"}}}}

For certificate_untrusted it has `certificate` as well, with sha256, subject, issuer, names, not_before and not_after.
`code` is the word beside the exit status; `cause` tells the cases of one code apart, such as refused, timeout,
unknown_host for unreachable."""

SECRETS = """\
Passwords and token secrets are never arguments: every user of a machine can read those. They come from a prompt, from
stdin (one a line: the password or the token's secret, then the code), or from a file that is imported.

They rest in secrets.vault in the data directory, encrypted. Who holds the key is `secret_store`:

  keyring      the desktop's keyring (Secret Service, KWallet, macOS, Windows)
  passphrase   a passphrase: asked once a run, or in the file that PXM_VAULT_PASSPHRASE_FILE names (yours, mode 0600)
  ask          no file at all: secrets are forgotten at the end of each run
  auto         the keyring if there is one, else the passphrase file, else a person chooses

Without a person and without any of them a command that needs a secret ends with exit status 9. `pxm vault` shows who
opens them, and changes it."""

TRUST = """\
Every cluster has one trust, chosen when it is registered; a login is sent only over a connection that verified under
it, and nothing switches that off.

  system       the authorities of this machine, with the host name
  ca_file      the authority in --ca-file, with the host name
  pinned_ca    the cluster's own authority: every node and every renewal, under any name
  pinned_leaf  one certificate, by its SHA-256, where its authority is not the cluster's own

Without --fingerprint and --ca-file the machine's authorities count; where they do not vouch for a certificate a person
is asked on a terminal, as ssh does, and elsewhere the command ends with exit status 6 and the fingerprint. Compare it
with `pvenode cert info` on the node, and come back with --fingerprint. After the login the node is asked for its
cluster's authority; where that has signed the accepted certificate, it takes its place. The fingerprint of the
authority itself (pve-root-ca.pem) is taken where the node sends it, or beside --ca-file with that file.

A node with a certificate of its own is trusted when another endpoint of the cluster, verified itself, lists it. Any
other change makes the cluster `untrusted`: nothing is sent to it until somebody has compared both; then
`pxm edit NAME --fingerprint SHA256`, or c in the terminal UI."""

CONFIGURATION = f"""\
Defaults < ~/.config/pxm/config.toml (or the file in PXM_CONFIG) < environment < options. Nothing needs configuring.

{settings_text()}"""

FILES = """\
  ~/.local/share/pxm/clusters.json    the registry; no secret is in it
  ~/.local/share/pxm/secrets.vault    the secrets, encrypted
  ~/.local/share/pxm/api-tokens.json  hashes of the REST API's tokens
  ~/.local/state/pxm/pxm.log          the log; no secret is in it
  ~/.local/state/pxm/audit.jsonl      every change that pxm made; `pxm audit` lists it
  ~/.cache/pxm                        the last known state

--data-dir or PXM_DATA_DIR names another data directory; state/ and cache/ are inside it then. PXM_STATE_DIR and
PXM_CACHE_DIR name them one by one. Directories are 0700, files 0600. Several programs may use one data directory at a
time. A damaged file is set aside, and the copy of the last write is used."""

MONITORING = """\
`pxm check` asks every cluster live, all at once. Each phase has its own limit (`pxm help configuration`); --timeout
bounds the whole, and what was not over by then counts as unreachable for this once.

  pxm check --json      {"clusters": [{"cluster": record, "steps": [...]}], "total": N}
  pxm check --lines     one line a cluster, separated by tabs: name, status, nodes online/all, guests running/all,
                        version, milliseconds, cause or -, message or -
  pxm check --nagios    for Nagios, Icinga, Checkmk and the like: one line with performance data, and exit status
                        0 OK        all are healthy
                        1 WARNING   some are degraded (a node offline, no quorum)
                        2 CRITICAL  some are unreachable, unauthorized or untrusted
                        3 UNKNOWN   nothing could be checked: no cluster, a closed secret store, wrong usage
  pxm check --watch     goes on until Ctrl-C or SIGTERM (exit status 0) or until nobody reads (141); first the last
                        known state of every cluster, then a line whenever something changes:
                        {"event": "known|registered|changed|deregistered", "at": time, "cluster": record}

--watch asks the whole fleet as politely as the screens do: every --refresh seconds, spread over them, less often where
nobody answers, and not at all where a person must act; names only choose what is printed. A login that was refused is
not tried again by a check of all: each try counts for fail2ban. `pxm check NAME` tries it."""

IMPORT = """\
A file of pxm's own is CSV, YAML or JSON: what `pxm export` prints, or a list of rows with these fields, of which the
endpoint and a login are needed:

  name                        empty: the cluster's own
  endpoint or api_endpoint    further ones in endpoints
  username and password       or token_id and token_secret; also otp, mint_token
  fingerprint                 SHA-256 of the certificate; or ca (PEM), or ca_file
  labels                      key=value; in CSV also a column a label, such as label.env
  read_only                   true: no action of pxm changes anything there
  separate                    true: a cluster of its own, even if it is known, such as a cloned lab

  name,endpoint,token_id,token_secret,fingerprint,label.env
  fra-1,10.20.0.11,monitor@pve!pxm,7d40...,3F:9A:...,prod

Of other programs: pvetui's config.yml, proxxx's config.toml, and remotes.cfg of Proxmox Datacenter Manager, with
remotes.shadow beside it. Backup servers are skipped.

A password makes an API token of pxm's own and is forgotten, as at a registration: --token-role and --no-token are for
the whole file, mint_token: false for one row; where read_only is set, nothing is made.

Every row goes through all the steps of a registration and is saved as a whole or not at all. Its verdict is
registered (ready, with --dry-run), already registered, skipped, failed with cause and remedy, or unauthorized: saved,
but the file has no secret for it, so somebody must log in. Exit status 0, or 10 when some rows are not done. Run the
same command again to go on.

A switch in a file that turns verification off is not taken over: such a cluster needs a fingerprint in its row, or
somebody at a terminal who compares its certificate. An import never changes a cluster that is registered.

`pxm export` leaves out secrets and what checks find; importing it elsewhere gives the same registry, ids and trust
included, with every cluster unauthorized until somebody logs in."""

API = """\
`pxm serve` listens on 127.0.0.1:8080 until SIGTERM or Ctrl-C, beside the terminal UI on the same data directory; /docs
describes every call, /openapi.json does so for programs. A passphrase file (`pxm help secrets`) or a keyring opens the
secrets: nobody is asked.

Every call but /health, /docs and /openapi.json takes `Authorization: Bearer TOKEN`:

  pxm serve token add NAME --role viewer     reads, /metrics too
  pxm serve token add NAME --role operator   checks, too
  pxm serve token add NAME --role admin      registers, edits and deregisters, too

A token is shown once, or written to a new private file with --out; only its hash is kept. --expires DAYS gives it an
end. `pxm serve token list` shows what there is, `pxm serve token revoke NAME` ends one at once.

Beyond this machine the server is only heard with --tls-cert and --tls-key, or with --behind-proxy where a proxy speaks
TLS for it. SIGHUP reads a renewed certificate. The Python package has a typed client, pxm_tui.client; a systemd unit
and a container file are in its directory pxm_tui/deploy."""

TOPICS: dict[str, tuple[str, str]] = {
    "api": ("The REST API", API),
    "configuration": ("The configuration file and the environment", CONFIGURATION),
    "exit": ("Exit statuses, and errors in JSON", EXIT),
    "files": ("What is kept, and where", FILES),
    "import": ("Many clusters at once: import and export", IMPORT),
    "monitoring": ("Checks for monitoring systems", MONITORING),
    "secrets": ("Passwords, tokens, and the secret store", SECRETS),
    "trust": ("Certificates", TRUST),
}
"""By name: a title and the text, in lines of at most 120 columns; an indented paragraph is kept as it is."""
