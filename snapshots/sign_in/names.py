"""How names of accounts are compared."""

import unicodedata


def folded_name(name: str) -> str:
    """The form in which two names are the same: NFKC, without case."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)
