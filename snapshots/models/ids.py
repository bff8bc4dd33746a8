"""Ids as people type them: whole, or their first part as lists show it."""

import re
import uuid

LEAST_OF_ID = 6


def is_uuid(text: str) -> bool:
    """Whether this is an id as we write ids: any other spelling is no id of ours."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def ids_starting(text: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """The lowest and the highest of the ids that start like this; None for what starts none.

    Six digits at least, as lists show eight. A range, since an index finds it and a UUID is no
    text to every database.
    """
    digits = text.replace("-", "")
    whole = str(uuid.UUID(int=0))
    fits = all((a == "-") == (b == "-") for a, b in zip(text, whole, strict=False))
    is_hex = re.fullmatch(r"[0-9a-fA-F]+", digits) is not None
    if not (is_hex and fits and LEAST_OF_ID <= len(text) <= len(whole)):
        return None
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))
