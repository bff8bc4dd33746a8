"""Numbers in texts that anybody may send."""

_MOST = 20  # so many digits are too large for everything that is asked here


def number_of(text: str) -> int:
    """The number that these digits write, with a sign or without. Python reads no number of
    thousands of digits: one that is far too large is cut, and stays too large.
    """
    text = text.strip()
    sign = text[:1] if text[:1] in {"+", "-"} else ""
    return int(sign + (text.removeprefix(sign).lstrip("0") or "0")[:_MOST])
