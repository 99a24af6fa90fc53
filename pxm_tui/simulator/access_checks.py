"""Who may call a route: the tests that the schema names (pve-access-control, RPCEnvironment.pm)."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pxm_tui.simulator.accounts import Accounts
from pxm_tui.simulator.errors import ApiError, handler_error, permission_error
from pxm_tui.simulator.permissions import ROOT, Permissions
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.schema.formats import FormatError, check_user
from pxm_tui.simulator.schema.values import Parameters, list_of, text_of

Test = Sequence[Any]

MODIFY = {"storage": "Datastore.Allocate", "vms": "VM.Allocate", "pool": "Pool.Allocate"}
"""What besides Permissions.Modify allows to change the access to objects below a path."""


class Asked(Protocol):
    """What a check gets to see of a request."""

    @property
    def authid(self) -> str:
        """Who asks: a user or full token id, empty for nobody."""
        ...

    @property
    def arguments(self) -> Parameters:
        """The parameters of path, query and body."""
        ...

    @property
    def permissions(self) -> Permissions:
        """What users and tokens may do at this moment."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Users and groups."""
        ...

    @property
    def release(self) -> Release:
        """The cluster's release."""
        ...


def check_permission(asked: Asked, permission: Mapping[str, Any] | None) -> None:
    """Check who asks against what the schema says of a route.

    Raises:
        ApiError: 403, or 500 where a user id in the request makes no sense.
    """
    audience = (permission or {}).get("user")
    if not asked.authid:
        if audience != "world":
            raise permission_error("user != null")
        return
    if asked.authid == ROOT:
        return
    if permission is None:
        raise permission_error("user != root@pam")
    if audience == "all":
        return
    if "check" not in permission:
        raise permission_error()
    run_test(asked, permission["check"])


def run_test(asked: Asked, test: Test) -> None:
    """Run one test, which may be made of others.

    Raises:
        ApiError: it fails.
    """
    kind = test[0]
    if kind == "and":
        for part in test[1:]:
            run_test(asked, part)
    elif kind == "or":
        _any_of(asked, test[1:])
    elif kind == "perm":
        _privileges(asked, test)
    elif kind == "userid-param":
        _user_parameter(asked, test[1])
    elif kind == "userid-group":
        _groups_of_user(asked, test)
    elif kind == "perm-modify":
        _permission_to_modify(asked, _path(asked, test[1]))
    else:
        raise handler_error("unknown permission test")


def _any_of(asked: Asked, tests: Sequence[Test]) -> None:
    for test in tests:
        try:
            run_test(asked, test)
        except ApiError as error:
            if "does not look like" in error.message:
                raise
        else:
            return
    raise permission_error()


def _options(test: Test, after: int) -> dict[str, Any]:
    return dict(zip(test[after::2], test[after + 1 :: 2], strict=True))


def _path(asked: Asked, template: str) -> str:
    """Put the request's parameters into a path; one that was not sent leaves nothing."""
    parts = []
    for part in template.split("/"):
        is_placeholder = part.startswith("{") and part.endswith("}")
        parts.append((text_of(asked.arguments, part[1:-1]) or "") if is_placeholder else part)
    return "/" + "/".join(part for part in "/".join(parts).split("/") if part)


def _privileges(asked: Asked, test: Test) -> None:
    options = _options(test, 3)
    if "require_param" in options and text_of(asked.arguments, options["require_param"]) is None:
        raise permission_error()
    privileges = [test[2]] if isinstance(test[2], str) else test[2]
    require(asked, _path(asked, test[1]), privileges, any_of=bool(options.get("any")))


def require(asked: Asked, path: str, privileges: Sequence[str], *, any_of: bool = False) -> None:
    """Require all of `privileges` on `path`, or one of them.

    Raises:
        ApiError: 403, and it names what is missing.
    """
    held = asked.permissions.effective(asked.authid, path)
    if any_of:
        if not any(privilege in held for privilege in privileges):
            raise permission_error(f"{path}, {'|'.join(privileges)}")
        return
    for privilege in privileges:
        if privilege not in held:
            raise permission_error(f"{path}, {privilege}")


def _user_parameter(asked: Asked, what: str) -> None:
    userid = text_of(asked.arguments, "userid") or ""
    try:
        check_user(userid, asked.release)
    except FormatError as error:
        raise handler_error(str(error).strip()) from None
    if what != "self":
        require(asked, f"/access/realm/{userid.rpartition('@')[2]}", [what])
        return
    asked.accounts.user(userid)
    if asked.authid != userid:
        raise permission_error()


def _groups_of_user(asked: Asked, test: Test) -> None:
    """Require privileges on a group of the user, or on the groups that it shall get."""
    privileges: list[str] = test[1]
    option = _options(test, 2).get("groups_param")
    userid = text_of(asked.arguments, "userid") or ""
    user = None if option == "create" else asked.accounts.user(userid) if option != 1 else None
    if _may(asked, "/access/groups", privileges):
        return
    if option is not None:
        groups = list_of(asked.arguments, "groups")
        if not groups:
            raise permission_error(f"/access/groups, {'|'.join(privileges)}")
        for group in groups:
            require(asked, f"/access/groups/{group}", privileges, any_of=True)
    if user is not None and not any(_may(asked, f"/access/groups/{group}", privileges) for group in user.groups):
        raise permission_error()


def _may(asked: Asked, path: str, privileges: Sequence[str]) -> bool:
    held = asked.permissions.effective(asked.authid, path)
    return any(privilege in held for privilege in privileges)


def _permission_to_modify(asked: Asked, path: str) -> None:
    parts = [part for part in path.split("/") if part]
    privileges = ["Permissions.Modify"]
    if len(parts) > 1 and parts[0] in MODIFY:
        privileges.append(MODIFY[parts[0]])
    require(asked, path, privileges, any_of=True)
