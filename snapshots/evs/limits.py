"""What a name, a description and metadata may contain, checked without asking the cloud.

Surrounding white space is removed first, because the cloud does so too before it counts; nothing
else is changed. All problems are reported at once. Sources: pages A-2093 (255 bytes) and A-2016 (64
and 85 characters), Cinder's request schema for characters.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

RESERVED_PREFIXES = ("autobk_snapshot", "manualbk_snapshot")
REVERT_PREFIX = "[revert] volume"
SYSTEM_KEY_PREFIX = "__system__"
PORTAL_KEY = "evsportal-operation"
MOST_ROWS = 100
LONGEST_KEY = 255
LONGEST_VALUE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsProfile:
    """How long texts may be in an edition of EVS: in bytes of UTF-8 and, where documented, in
    characters.
    """

    name: str
    name_bytes: int
    description_bytes: int
    name_chars: int | None = None
    description_chars: int | None = None


BYTES_255 = LimitsProfile(name="bytes-255", name_bytes=255, description_bytes=255)
# 64 characters can be 256 bytes, so both are counted.
CHARS_64_85 = LimitsProfile(
    name="chars-64-85",
    name_bytes=255,
    description_bytes=255,
    name_chars=64,
    description_chars=85,
)
DEFAULT_PROFILE = BYTES_255.name
PROFILES: Mapping[str, LimitsProfile] = MappingProxyType(
    {profile.name: profile for profile in (BYTES_255, CHARS_64_85)}
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text is not acceptable: `code` for programs, `message` for people, in English.

    `form` is the sentence with names for the `values`, to be translated; the value `what`, one of
    `SUBJECTS`, is a word of it that is translated too.
    """

    code: str
    form: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return self.form.format(**self.values)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A problem of the metadata row `index` (from 0), in its `field`: "key" or "value"."""

    index: int
    field: str
    problem: Problem


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogues of translations. Forms translate it: this room cannot."""
    return text


SUBJECTS = (gettext_noop("name"), gettext_noop("description"), gettext_noop("value"))
_MANY_CHARACTERS = gettext_noop(
    "The {what} is {count} characters long; at most {most} are allowed."
)
_MANY_BYTES = gettext_noop("The {what} is {count} bytes long; at most {most} are allowed.")
_WIDE_LETTERS = gettext_noop(
    "The {what} is {count} bytes long; at most {most} are allowed. Letters such as ş or 漢 take "
    "two to four bytes."
)
_MANY_ROWS = gettext_noop("There are {count} metadata entries; at most {most} are allowed.")
_CONTROL_CHARACTER = gettext_noop(
    "The {what} contains a line break, tab or other control character ({character}). Please remove "
    "it."
)
_UNREADABLE = gettext_noop("The {what} has characters that could not be read (U+FFFD).")
_HALF = gettext_noop("The {what} contains half a character ({character}).")
_ASTRAL_CHARACTER = gettext_noop(
    "The {what} contains {character}. The cloud takes no emoji and no other characters beyond "
    "U+FFFF."
)
_NOTHING_VISIBLE = gettext_noop("The {what} has no visible character.")
_RESERVED_NAME = gettext_noop(
    "Names starting with {prefix} are kept for snapshots that the cloud makes."
)
_NO_KEY = gettext_noop("This value needs a key.")
_LONG_KEY = gettext_noop("The key is {count} characters long; at most {most} are allowed.")
_KEY_CHARACTER = gettext_noop(
    "A key may contain the letters A to Z, digits, spaces and - _ : . only."
)
_RESERVED_KEY = gettext_noop("Keys starting with {prefix} belong to the cloud.")
_PORTALS_KEY = gettext_noop("The portal uses the key {key} itself.")
_SAME_KEY = gettext_noop("Row {number} has the same key. Upper and lower case count as the same.")


def utf8_length(text: str) -> int:
    """Bytes of `text` in UTF-8; a lone surrogate, which has no such bytes, counts three."""
    return len(text.encode("utf-8", "surrogatepass"))


def clean_name(
    text: str,
    *,
    profile: LimitsProfile = BYTES_255,
    reserved_prefixes: Iterable[str] = RESERVED_PREFIXES,
    refuse_astral: bool = True,
) -> tuple[str | None, list[Problem]]:
    """The name to send (None when blank), and what is wrong with it."""
    cleaned = text.strip()
    problems = [
        *_length_problems("name", cleaned, bytes_=profile.name_bytes, chars=profile.name_chars),
        *_character_problems("name", cleaned, refuse_astral=refuse_astral),
        *_blankness_problems("name", cleaned),
        *_prefix_problems(cleaned, prefixes=(*reserved_prefixes, REVERT_PREFIX)),
    ]
    return cleaned or None, problems


def clean_description(
    text: str, *, profile: LimitsProfile = BYTES_255, refuse_astral: bool = True
) -> tuple[str | None, list[Problem]]:
    """The description to send (None when blank), and what is wrong with it."""
    cleaned = text.strip()
    problems = [
        *_length_problems(
            "description",
            cleaned,
            bytes_=profile.description_bytes,
            chars=profile.description_chars,
        ),
        *_character_problems("description", cleaned, refuse_astral=refuse_astral),
        *_blankness_problems("description", cleaned),
    ]
    return cleaned or None, problems


def clean_metadata(
    rows: Sequence[tuple[str, str]], *, refuse_astral: bool = True, portal_key: str = PORTAL_KEY
) -> tuple[dict[str, str], list[RowProblem]]:
    """The entries of all acceptable rows, and what is wrong with the others.

    At most 100 rows that are not blank; keys of 1 to 255 characters `A-Z a-z 0-9 - _ : .` and
    space, unique without regard to case; values of at most 255 characters, surrounding white
    space kept. Keys starting with `__system__` are the cloud's, `portal_key` is ours.
    """
    filled = [
        (index, key.strip(), value)
        for index, (key, value) in enumerate(rows)
        if key.strip() or value.strip()
    ]
    problems: list[RowProblem] = []
    if len(filled) > MOST_ROWS:
        problem = Problem("too_many", _MANY_ROWS, {"count": len(filled), "most": MOST_ROWS})
        problems.append(RowProblem(filled[MOST_ROWS][0], "key", problem))
    cleaned: dict[str, str] = {}
    first_rows: dict[str, int] = {}
    for index, key, value in filled[:MOST_ROWS]:
        first = first_rows.setdefault(key.lower(), index)
        row_problems = [
            *(RowProblem(index, "key", p) for p in _key_problems(key, portal_key=portal_key)),
            *(RowProblem(index, "key", p) for p in _repeat_problems(key, index, first=first)),
            *(RowProblem(index, "value", p) for p in _value_problems(value, refuse_astral)),
        ]
        problems += row_problems
        if not row_problems:
            cleaned[key] = value
    return cleaned, problems


def _length_problems(what: str, text: str, *, bytes_: int, chars: int | None) -> list[Problem]:
    problems = []
    if chars is not None and len(text) > chars:
        values = {"what": what, "count": len(text), "most": chars}
        problems.append(Problem("too_many_characters", _MANY_CHARACTERS, values))
    count = utf8_length(text)
    if count > bytes_:
        form = _WIDE_LETTERS if count > len(text) else _MANY_BYTES
        values = {"what": what, "count": count, "most": bytes_}
        problems.append(Problem("too_many_bytes", form, values))
    return problems


# C0, DEL, C1, and the two separators that end lines in some programs: they break logs and tables,
# and Cinder refuses them in descriptions. Then the controls that reverse the direction of text:
# with them a text reads differently from what it is.
CONTROL = "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
_CONTROL = re.compile(CONTROL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def _character_problems(what: str, text: str, *, refuse_astral: bool) -> list[Problem]:
    problems = []
    if control := _CONTROL.search(text):
        values = {"what": what, "character": f"U+{ord(control[0]):04X}"}
        problems.append(Problem("control_character", _CONTROL_CHARACTER, values))
    if "\ufffd" in text:  # what stands for bytes that are no UTF-8
        problems.append(Problem("unreadable_character", _UNREADABLE, {"what": what}))
    if broken := _SURROGATE.search(text):
        values = {"what": what, "character": f"U+{ord(broken[0]):04X}"}
        problems.append(Problem("broken_character", _HALF, values))
    if refuse_astral and (astral := _ASTRAL.search(text)):
        values = {"what": what, "character": f"{astral[0]} (U+{ord(astral[0]):X})"}
        problems.append(Problem("astral_character", _ASTRAL_CHARACTER, values))
    return problems


def _blankness_problems(what: str, text: str) -> list[Problem]:
    if not text or any(not _is_invisible(char) for char in text):
        return []
    return [Problem("no_visible_character", _NOTHING_VISIBLE, {"what": what})]


def _is_invisible(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Cf"


def _prefix_problems(name: str, *, prefixes: Iterable[str]) -> list[Problem]:
    folded = _folded(name)
    return [
        Problem("reserved_prefix", _RESERVED_NAME, {"prefix": prefix})
        for prefix in prefixes
        if folded.startswith(_folded(prefix))
    ]


def is_of_system(name: str, metadata: Mapping[str, str]) -> bool:
    """Whether the cloud's own services made a snapshot: backups name theirs by a reserved prefix
    (page A-2093) or mark them with `__system__` metadata, and a Cinder that reverts a volume keeps
    what was on it in a snapshot of this name (recorded in 16).
    """
    return name.startswith((*RESERVED_PREFIXES, REVERT_PREFIX)) or any(
        key.startswith(SYSTEM_KEY_PREFIX) for key in metadata
    )


def revert_copy_of(volume_id: str) -> str:
    """The name of the snapshot with what a volume held before Cinder reverted it."""
    return f"{REVERT_PREFIX} {volume_id} backup snapshot"


def _folded(text: str) -> str:
    """`text` as people read it: no look-alike forms, no case, nothing invisible.

    No document says whether EVS compares with regard to case, so the strict reading applies.
    """
    visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
    folded = unicodedata.normalize("NFKC", visible).casefold()
    return unicodedata.normalize("NFKC", folded).strip()  # folding case can undo the first one


_KEY = re.compile("[A-Za-z0-9_:. -]*")


def _key_problems(key: str, *, portal_key: str) -> list[Problem]:
    if not key:
        return [Problem("missing_key", _NO_KEY)]
    problems = []
    if len(key) > LONGEST_KEY:
        values = {"count": len(key), "most": LONGEST_KEY}
        problems.append(Problem("too_many_characters", _LONG_KEY, values))
    if not _KEY.fullmatch(key):
        problems.append(Problem("key_character", _KEY_CHARACTER))
    if key.lower().startswith(SYSTEM_KEY_PREFIX):
        problems.append(Problem("reserved_key", _RESERVED_KEY, {"prefix": SYSTEM_KEY_PREFIX}))
    if key.lower() == portal_key.lower():
        problems.append(Problem("reserved_key", _PORTALS_KEY, {"key": portal_key}))
    return problems


def _repeat_problems(key: str, index: int, *, first: int) -> list[Problem]:
    if not key or first == index:
        return []
    return [Problem("repeated_key", _SAME_KEY, {"number": first + 1})]


def _value_problems(value: str, refuse_astral: bool) -> list[Problem]:  # noqa: FBT001 - not a flag, a limit
    problems = _character_problems("value", value, refuse_astral=refuse_astral)
    if len(value) > LONGEST_VALUE:
        values = {"what": "value", "count": len(value), "most": LONGEST_VALUE}
        problems.insert(0, Problem("too_many_characters", _MANY_CHARACTERS, values))
    return problems
