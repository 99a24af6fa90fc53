"""A program that changes one login again and again, as one of two: `python -m tests.storage.changing_logins DIR NAME`.

It prints how often it won, how often it was told that the other one was quicker, and how often it found no secret.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from pxm_tui.domain.cluster import Cluster, Login, LoginMethod
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.login_saving import LoginSaver
from pxm_tui.services.meanwhile import refuse_another_login
from pxm_tui.services.minting import Keeping
from tests.fakes import StillClock
from tests.storage.logins import Process

ROUNDS = 60


async def change(process: Process, before: Cluster, name: str, number: int) -> None:
    """Every third time to an account that both use. Raises `InvalidError` where the other one was quicker."""
    token_id = "root@pam!both" if number % 3 == 0 else f"root@pam!{name}-{number}"

    async def save_record(login: Login) -> Cluster:
        def with_login(record: Cluster) -> Cluster:
            refuse_another_login(before, record)
            return replace(record, login=login)

        return await process.means.change(before, with_login)

    login = Login(LoginMethod.TOKEN, "root@pam", token_id)
    saver = LoginSaver(process.repository, process.secrets, process.intents)
    await saver.replace(before, Keeping(login, Secret(f"secret of {token_id}"), {}), None, save_record)


async def run(directory: Path, name: str) -> dict[str, int]:
    """All rounds; each begins with a look at what is there."""
    process, outcome = Process(directory, {}, StillClock()), {"won": 0, "told": 0, "lost": 0}
    for number in range(ROUNDS):
        (before,) = await process.repository.list()
        if await process.secrets.get(before.id, before.login) is None:
            outcome["lost"] += process.repository.read() == (before,)
        try:
            await change(process, before, name, number)
            outcome["won"] += 1
        except InvalidError:
            outcome["told"] += 1
    process.close()
    return outcome


def main() -> None:
    """Begin when told to, on standard input."""
    sys.stdin.readline()
    sys.stdout.write(json.dumps(asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))))


if __name__ == "__main__":
    main()
