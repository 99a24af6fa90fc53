"""Permissions and API tokens."""

from pxm_tui.simulator.accounts import Token, split_token_id
from pxm_tui.simulator.errors import handler_error, parameter_error, permission_error
from pxm_tui.simulator.permissions import Privileges
from pxm_tui.simulator.population import make_token_secret
from pxm_tui.simulator.routes.base import Call, Route


def show_permissions(call: Call) -> dict[str, Privileges]:
    """Answer `GET /access/permissions`: users and tokens that do not exist hold nothing, which is no error."""
    authid = call.identity.authid
    asked = call.text("userid") or authid
    if asked != authid:
        own_token = split_token_id(asked)[0] == authid and call.cluster.release.at_least(8)
        if not own_token and not call.may("/access", "Sys.Audit"):
            raise permission_error("/access, Sys.Audit")
    path = call.text("path")
    if path is None:
        return call.permissions.listed(asked)
    return {path: call.permissions.effective(asked, path)}  # named even where nothing is held on it


def list_tokens(call: Call) -> list[dict[str, object]]:
    """Answer `GET /access/users/{userid}/token`."""
    user = call.cluster.accounts.user(call.place["userid"])
    found = [{"tokenid": token.name, **token.info()} for token in user.tokens.values()]
    call.cluster.numbers.shuffle(found)
    return found


def show_token(call: Call) -> dict[str, object]:
    """Answer `GET /access/users/{userid}/token/{tokenid}`."""
    return call.cluster.accounts.token(call.place["userid"], call.place["tokenid"]).info()


def create_token(call: Call) -> dict[str, object]:
    """Answer `POST /access/users/{userid}/token/{tokenid}`: the only time that the secret is shown."""
    userid, name = call.place["userid"], call.place["tokenid"]
    user = call.cluster.accounts.user(userid)
    if name in user.tokens:
        raise parameter_error({"tokenid": "Token already exists."})
    call.require_quorum("generating token failed")
    privsep = call.number("privsep")
    token = Token(
        name,
        make_token_secret(call.cluster.numbers.random()),
        privsep=privsep is None or bool(privsep),
        expire=call.number("expire"),
        comment=call.text("comment") or "",
    )
    user.tokens[name] = token
    # The answer repeats parameters as they came, strings in a form; the default of privsep is a number.
    info: dict[str, object] = {"privsep": call.parameters.get("privsep", 1)}
    info.update({key: call.parameters[key] for key in ("expire", "comment") if call.parameters.get(key)})
    return {"full-tokenid": f"{userid}!{name}", "value": token.secret, "info": info}


def change_token(call: Call) -> dict[str, object]:
    """Answer `PUT /access/users/{userid}/token/{tokenid}`; `regenerate` makes a new secret and shows it."""
    userid, name = call.place["userid"], call.place["tokenid"]
    token = call.accounts.token(userid, name)
    call.require_quorum("updating token info failed")
    privsep, expire, comment = call.number("privsep"), call.number("expire"), call.text("comment")
    if privsep is not None:
        token.privsep = bool(privsep)
    if expire is not None:
        token.expire = expire
    if comment is not None or "comment" in call.items("delete"):
        token.comment = comment or ""
    info = token.info()
    if call.number("regenerate"):
        token.secret = make_token_secret(call.cluster.numbers.random())
        info.update({"full-tokenid": f"{userid}!{name}", "value": token.secret})
    return info


def delete_token(call: Call) -> None:
    """Answer `DELETE /access/users/{userid}/token/{tokenid}`."""
    userid, name = call.place["userid"], call.place["tokenid"]
    call.require_quorum("deleting token failed")
    if name not in call.cluster.accounts.user(userid).tokens:
        raise handler_error(f"deleting token failed: no such token '{name}' for user '{userid}'")
    del call.cluster.accounts.users[userid].tokens[name]


TOKENS = "/access/users/{userid}/token"
TOKEN = "/access/users/{userid}/token/{tokenid}"  # noqa: S105  (a path)

ROUTES = (
    Route("GET", "/access/permissions", show_permissions),
    Route("GET", TOKENS, list_tokens),
    Route("GET", TOKEN, show_token),
    Route("POST", TOKEN, create_token),
    Route("PUT", TOKEN, change_token),
    Route("DELETE", TOKEN, delete_token),
)
