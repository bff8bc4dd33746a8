"""Numbers in texts that anybody may send."""

_ENDLESS = 10**20  # too large for everything that is asked here


def number_of(text: str) -> int:
    """The number that these digits write, with a sign or without. Python reads no number of more
    than 4,300 digits: `_ENDLESS` stands for such a one, with its sign.
    """
    try:
        return int(text)
    except ValueError:
        return -_ENDLESS if text.strip().startswith("-") else _ENDLESS
