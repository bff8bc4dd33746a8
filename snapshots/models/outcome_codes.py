"""What became of an operation, as a code. `operations/messages.py` has the words for each."""

from django.db import models


class OutcomeCode(models.TextChoices):
    """Stored with an operation, and shown in the reader's language."""

    NONE = "", ""

    # What an error of the cloud means: `operations/outcomes.py` chooses.
    ACCOUNT_CLOSED = "account_closed"
    BAD_CALL = "bad_call"
    BAD_DESCRIPTION = "bad_description"
    BAD_NAME = "bad_name"
    BAD_TAG = "bad_tag"
    BAD_VOLUME_ID = "bad_volume_id"
    BUSY = "busy"
    CONFLICT = "conflict"
    DISASTER_RECOVERY = "disaster_recovery"
    FORBIDDEN = "forbidden"
    IN_BACKUP = "in_backup"
    IN_LINE = "in_line"
    METADATA_LOCKED = "metadata_locked"
    NO_CLEAR_ANSWER = "no_clear_answer"
    NO_SIGN_IN = "no_sign_in"
    NO_SUCH_CALL = "no_such_call"
    NOT_AN_EVS_DISK = "not_an_evs_disk"
    NOT_DELETED = "not_deleted"
    PROJECT_CLOSED = "project_closed"
    QUOTA_USED_UP = "quota_used_up"
    QUOTA_UNREADABLE = "quota_unreadable"
    REFUSED = "refused"
    ROLE_OR_ACCOUNT = "role_or_account"
    SIGN_IN_REFUSED = "sign_in_refused"
    SNAPSHOT_STATE = "snapshot_state"
    TEMPORARY_DISK = "temporary_disk"
    UNREACHABLE = "unreachable"
    VOLUME_GONE = "volume_gone"
    VOLUME_LOCKED = "volume_locked"
    VOLUME_STATE = "volume_state"
    WRONG_CREDENTIALS = "wrong_credentials"
    WRONG_PROJECT = "wrong_project"

    # What the portal itself concludes.
    GIVEN_UP = "given_up"
    INTERRUPTED = "interrupted"
    RESTORED = "restored"  # the database is a backup's: it may have been sent since
    NOT_SEEN_SINCE = "not_seen_since"  # after a restore: never sent, or removed since
    OTHER_ANSWER = "other_answer"
    IN_DOUBT = "in_doubt"
    UNREADABLE = "unreadable"
    UNCLEAR = "unclear"
    SEVERAL = "several"
    NOT_THERE = "not_there"
    READY = "ready"
    ALREADY_GONE = "already_gone"
    STILL_THERE = "still_there"  # the cloud accepted the deletion and kept the snapshot
    CHANGED_SINCE = "changed_since"  # what people saw is not so any more
    OF_SYSTEM = "of_system"
    NOT_PREPARED = "not_prepared"  # the operation that had to succeed first did not
    EXPIRED = "expired"  # confirmed too long before it could be sent
    FRESH_GONE = "fresh_gone"  # what was made first, and had to be kept
    ROLLED_BACK_NOW = "rolled_back_now"  # by another request
    LEFT_REVERTING = "left_reverting"  # refused, and the volume's status spoiled
    KEY_IN_OTHER_CASE = "key_in_other_case"
    SNAPSHOT_NOT_READY = "snapshot_not_ready"
    VOLUME_NOT_READY = "volume_not_ready"
    NOT_NEWEST = "not_newest"
    VOLUME_GREW = "volume_grew"
    ROLLBACK_FAILED = "rollback_failed"  # and may be tried again
    REVERT_FAILED = "revert_failed"  # and may not
    NOT_SEEN = "not_seen"  # the cloud accepted it, and was never seen to work on it
    CANNOT_TELL = "cannot_tell"  # whether it was executed, and no look will tell
    UNUSABLE = "unusable"
    GONE = "gone"
    # The person who asked lost it before the request was sent: `rights/sending.py`.
    SHUT_OUT = "shut_out"
    ROLE_LOST = "role_lost"
    GRANT_LOST = "grant_lost"
    RIGHT_LOST = "right_lost"  # that of the operation's kind

    # What people did.
    CANCELLED = "cancelled"
    ENDED = "ended"
