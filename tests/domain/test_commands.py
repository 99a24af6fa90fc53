"""The commands for a node that are shown: a person pastes them into a shell of root."""

from __future__ import annotations

import shlex

import pytest

from pxm_tui.domain.capabilities import grant_lines, operator_lines
from pxm_tui.domain.cluster import Endpoint, Limit, Login, LoginMethod
from pxm_tui.domain.login_messages import grant_line, locked, token
from pxm_tui.domain.tokens import TokenRole, administrator_lines, remove_line

USER = "a'$(touch${IFS}x)`id`;id@pve"
TOKEN = f"{USER}!pxm"
LOGIN = Login(LoginMethod.TOKEN, USER, TOKEN)
LINES = {
    "remove": remove_line(TOKEN),
    "grant to a token": grant_line(USER, TOKEN),
    "grant to a user": grant_line(USER, None),
    "administrator": administrator_lines(TOKEN, TokenRole.AUDITOR, {}, "9.2")[0],
    "operator": operator_lines(LOGIN, "9.2")[1],
    "what is missing": grant_lines((Limit("Datastore.Audit", f"/storage/{USER}"),), LOGIN)[0],
    "locked": locked(USER).do.split("`", 1)[1].rsplit("`", 1)[0],
    "expired": token(Endpoint("pve1"), TOKEN, "token expired").do.split("`", 1)[1].split(" --expire")[0],
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_what_a_user_is_called_is_no_command(line: str) -> None:
    words = shlex.split(line)
    assert words[0] == "pveum"
    assert any(USER in word for word in words)
    assert not {"id@pve", "`id`"} & set(words)


def test_usual_names_stand_as_they_are() -> None:
    assert remove_line("root@pam!pxm-jump1-anna-550e8400") == "pveum user token remove root@pam pxm-jump1-anna-550e8400"
    assert grant_line("root@pam", None) == "pveum acl modify / --roles PVEAuditor --users 'root@pam'"
