"""What stops a sign-in, or the hashing of a password, before anything was looked at."""


class TryLaterError(Exception):
    """Too many tries, or too many at once. The middleware answers 429; nothing was changed."""

    status = 429
    sentence = ""  # what else is the reason

    def __init__(self, seconds: int, *, is_busy: bool = False) -> None:
        super().__init__(f"Try again in {seconds} seconds.")
        self.seconds = seconds
        self.is_busy = is_busy  # the portal has too much to do; the visitor did nothing wrong
