"""Why there is no backup, or why it was not restored, in a sentence for operators."""


class BackupError(Exception):
    """Nothing was written over, and nothing in the database was changed."""
