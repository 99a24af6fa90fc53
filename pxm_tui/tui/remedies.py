"""What a person does next, as the screens say it: the key, field or button in place of an option or a command."""

from __future__ import annotations

import re

from pxm_tui.domain import remedies

ON_SCREEN = {
    remedies.LOG_IN_AGAIN: "`c`, Log in again",
    remedies.CHECK_AGAIN: "`c` checks it again",
    remedies.SEE_AGAIN: "Then `r`.",
    remedies.COMPARE: "`c`, Compare certificates",
    remedies.TRUST: "trust it",
    remedies.GIVE_CODE: "Type the code.",
    remedies.BY_TOKEN: "",
    remedies.GIVE_OWNER: "Give its owner's password.",
    remedies.GIVE_ROLE: "Choose what the new one may: auditor, operator or all rights.",
    remedies.ROLE_ALL: "The choice `all rights` makes one",
    remedies.KEEP_PASSWORD: "keep the password (Token: none)",
    remedies.SEPARATE: "register it as its own",
    remedies.MAKE_WRITABLE: "`:read-only`",
    remedies.UNLOCK: "Unlock it, then `r`; or choose another way to keep secrets: `:secrets`.",
    remedies.GIVE_PASSPHRASE: "`:unlock` asks for its passphrase.",
}
"""By the phrase of the messages."""

_PHRASE = re.compile("|".join(re.escape(phrase) for phrase in sorted(ON_SCREEN, key=len, reverse=True)))
_ROTATE = re.compile(r"`pxm rotate [^`]*`")


def on_screen(text: str) -> str:
    """The text with each phrase as it is done here."""
    return _ROTATE.sub("`:rotate`", _PHRASE.sub(lambda found: ON_SCREEN[found[0]], text))
