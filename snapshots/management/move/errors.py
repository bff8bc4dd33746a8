"""Why the database was not moved, in a sentence for operators."""


class MoveError(Exception):
    """The source is as it was. A move that has begun goes on when the command is run again."""


class UnfitError(ValueError):
    """PostgreSQL cannot hold this value; the text says why, without the value."""
