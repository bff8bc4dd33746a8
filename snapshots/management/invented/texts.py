"""What invented people write, and what they are told. `./run bench` looks for these."""

from random import Random
from typing import NamedTuple

COMMON_WORD = "backup"
PHRASE = "before the upgrade"
OTHER_WORD = "payroll"
RARE_WORD = "quagga"
RARE_CODE = "EVS.5417"
RARE_TICKET = "CHG-RARE"
RARE_PERSON = "zoe.once"
OLD_CLOUD = "sandbox-old"
OLD_DAYS = 30  # the first ones, in which that cloud is used
EVERY_RARE = 4000  # operations between two with the rare values

REASONS = (PHRASE, f"nightly {COMMON_WORD}", f"monthly {COMMON_WORD}", "test of", "migration of")
SYSTEMS = f"{OTHER_WORD} web mail billing archive ledger portal crm search cache".split()
FIRST_NAMES = "ali bea can dana emre fay gül hana ines jan kai lea mert nils ona pia rui sara tom"
LAST_NAMES = "aksoy berg costa demir eder frank gomez horn ivanov jansen kaya lind"
_SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo za"

# As the recorder stores them: a NUL as its picture, bytes that are no UTF-8 as U+FFFD.
HOSTILE = (
    "\u2400 where a NUL was",
    "\ufffd\ufffd where bytes were no text",
    "\u202eesrever ni\u202c",
    '<script>alert("x")</script><b onmouseover=alert(1)>bold</b>',
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE snapshots_exchange; --",
    '"a, comma" and\r\ntwo lines',
)
EVERY_HOSTILE = 997  # operations between two whose every text is hostile
HUGE = "x" * 1024 * 1024  # the largest answer that is kept
EVERY_HUGE = 100_000  # operations between two that are answered so; the first one is


class End(NamedTuple):
    """How an exchange ends. Neither status nor error: nobody was left to record an answer."""

    status: int | None
    code: str = ""
    error: str = ""


GOOD = End(200)
RARE_END = End(400, RARE_CODE)
# How creates end, each with its weight.
ENDS = {
    End(202): 9050,
    End(400, "EVS.5400"): 300,
    End(403, "EVS.1009"): 120,
    End(404, "EVS.5404"): 110,
    End(413, "EVS.5413"): 130,
    End(429, "APIGW.0308"): 90,
    End(500, "EVS.5500"): 60,
    End(503, "EVS.5503"): 60,
    End(None, "", "Timeout"): 45,
    End(None, "", "NoConnection"): 25,
    End(None): 10,
}
REFUSALS = frozenset({400, 403, 404, 413, 429})
WORDS_OF: dict[int | str, str] = {
    400: "Invalid input received",
    403: "Policy does not allow this",
    404: "No such volume",
    413: "Snapshot quota exceeded",
    429: "Throttling threshold has been reached",
    500: "Internal error",
    503: "Service unavailable",
    "Timeout": "The cloud did not answer within 30 s.",
    "NoConnection": "No connection.",
}


def vocabulary(rng: Random, *, size: int) -> list[str]:
    """Invented words of two to four syllables."""
    return [
        "".join(rng.choices(_SYLLABLES.split(), k=rng.choice((2, 3, 3, 4)))) for _ in range(size)
    ]


def talk(rng: Random, vocabulary: list[str], *, length: int) -> list[str]:
    """Words as people use them: the second half as often as the first, the third a third ..."""
    return rng.choices(vocabulary, [1 / (place + 2) for place in range(len(vocabulary))], k=length)
