"""Every code that an operation or an anomaly bears, in words, in the reader's language.

Rows hold codes and values, so a better wording reaches old rows too. What a cloud said is quoted as
it came.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from snapshots.localized import sentences, stop
from snapshots.models import (
    Action,
    ActionCode,
    Anomaly,
    AnomalyKind,
    AnomalyMessage,
    Operation,
    OperationKind,
    OperationState,
    OutcomeCode,
)
from snapshots.models.directions import isolated
from snapshots.operations.kinds import KINDS, kind_of
from snapshots.operations.texts import Fixer, KindTexts, Message, Text

TRIES_AGAIN = _("%(nothing)s The portal tries again by itself.")

MESSAGES: Mapping[OutcomeCode, Message] = {
    OutcomeCode.NONE: Message(""),
    OutcomeCode.ACCOUNT_CLOSED: Message(
        _(
            "The cloud account is suspended, frozen or in arrears. Its owner must settle that "
            "first."
        ),
        fixer=Fixer.CLOUD_ADMIN,
    ),
    OutcomeCode.BAD_CALL: Message(
        _(
            "The cloud could not read the portal's request. This is a fault of the portal; please "
            "tell its administrators."
        ),
        fixer=Fixer.PORTAL_ADMIN,
    ),
    OutcomeCode.BAD_DESCRIPTION: Message(_("The cloud does not accept this description.")),
    OutcomeCode.BAD_NAME: Message(_("The cloud does not accept this name.")),
    OutcomeCode.BAD_TAG: Message(_("The cloud does not accept a tag.")),
    OutcomeCode.BAD_VOLUME_ID: Message(_("The cloud does not accept this volume id.")),
    OutcomeCode.BUSY: Message(_("The cloud is busy."), TRIES_AGAIN, Fixer.NOBODY),
    OutcomeCode.CONFLICT: Message(
        _("Something else is happening to the volume."), TRIES_AGAIN, Fixer.NOBODY
    ),
    OutcomeCode.DISASTER_RECOVERY: Message(
        _("The volume belongs to the disaster recovery service; snapshots are made there.")
    ),
    OutcomeCode.FORBIDDEN: Message(
        _("The portal's cloud account may not do this. Its permissions must be widened."),
        fixer=Fixer.CLOUD_ADMIN,
    ),
    OutcomeCode.IN_BACKUP: Message(
        _("The volume is being backed up."),
        _("The portal asks again by itself when that may be over."),
        Fixer.NOBODY,
    ),
    OutcomeCode.IN_LINE: Message(
        _("Another snapshot of this volume is being made. This one waits for its turn."),
        fixer=Fixer.NOBODY,
    ),
    OutcomeCode.METADATA_LOCKED: Message(_("The cloud does not let this metadata be changed.")),
    OutcomeCode.NO_SIGN_IN: Message(
        _("The portal could not sign in to the cloud."), TRIES_AGAIN, Fixer.PORTAL_ADMIN
    ),
    OutcomeCode.NO_SUCH_CALL: Message(
        _(
            "The cloud does not support this function at the configured address: the region or the "
            "address in the settings is wrong."
        ),
        fixer=Fixer.PORTAL_ADMIN,
    ),
    OutcomeCode.NOT_AN_EVS_DISK: Message(_("This is not an EVS disk.")),
    OutcomeCode.NOT_DELETED: Message(
        _("The snapshot could not be deleted; the cloud's support must help."),
        fixer=Fixer.CLOUD_ADMIN,
    ),
    OutcomeCode.PROJECT_CLOSED: Message(
        _(
            "The cloud project cannot be used at present. Whoever runs the cloud account must look "
            "at it."
        ),
        fixer=Fixer.CLOUD_ADMIN,
    ),
    OutcomeCode.QUOTA_USED_UP: Message(
        _(
            "The quota of the cloud project is used up. Old snapshots must be deleted or the quota "
            "raised; then ask again."
        ),
        fixer=Fixer.CLOUD_ADMIN,
    ),
    OutcomeCode.QUOTA_UNREADABLE: Message(
        _("The cloud could not look up its quota."), TRIES_AGAIN, Fixer.NOBODY
    ),
    OutcomeCode.REFUSED: Message(_("The cloud refused the request. %(nothing)s")),
    OutcomeCode.ROLE_OR_ACCOUNT: Message(
        _(
            "The portal's cloud account may not do this: it lacks a role, or it is restricted or "
            "in arrears."
        ),
        fixer=Fixer.CLOUD_ADMIN,
    ),
    OutcomeCode.SIGN_IN_REFUSED: Message(
        _("The cloud did not accept the portal's own sign-in."), TRIES_AGAIN, Fixer.PORTAL_ADMIN
    ),
    OutcomeCode.SNAPSHOT_STATE: Message(_("The snapshot's state does not allow this.")),
    OutcomeCode.TEMPORARY_DISK: Message(_("This is a temporary disk; it takes no snapshots.")),
    OutcomeCode.UNREACHABLE: Message(_("The cloud cannot be reached."), TRIES_AGAIN, Fixer.NOBODY),
    OutcomeCode.VOLUME_GONE: Message(
        _("The cloud no longer knows this volume. It may have been deleted.")
    ),
    OutcomeCode.VOLUME_LOCKED: Message(
        _("The volume is locked by another service. Ask again when it is released.")
    ),
    OutcomeCode.VOLUME_STATE: Message(
        _(
            "The volume's state does not allow a snapshot now. Wait until it is available or in "
            "use, then ask again. For a volume in use, tick the box that allows it."
        )
    ),
    OutcomeCode.WRONG_CREDENTIALS: Message(
        _("The cloud does not accept the portal's user name or password."),
        TRIES_AGAIN,
        Fixer.PORTAL_ADMIN,
    ),
    OutcomeCode.WRONG_PROJECT: Message(
        _("The portal is set to the wrong project of the cloud. Its settings must be corrected."),
        fixer=Fixer.PORTAL_ADMIN,
    ),
    OutcomeCode.GIVEN_UP: Message(
        _("%(reason)s The portal has stopped trying. %(nothing)s Ask again later.")
    ),
    OutcomeCode.IN_DOUBT: Message(
        _(
            "What the cloud shows does not fit what was asked, so the portal does not believe it "
            "and goes on looking. Please tell the portal's administrators; do not ask again."
        )
    ),
    OutcomeCode.UNREADABLE: Message(
        _(
            "A snapshot in the cloud cannot be read, and it may be the one asked for: %(names)s. "
            "Please tell the portal's administrators; do not ask again."
        )
    ),
    OutcomeCode.UNCLEAR: Message(
        _(
            "A snapshot in the cloud matches only in part and may be the one you asked for: "
            "%(names)s. Please tell the portal's administrators; do not ask again."
        )
    ),
    OutcomeCode.SEVERAL: Message(
        _(
            "More than one snapshot in the cloud may be the one asked for: %(names)s. "
            "Please tell the portal's administrators; do not ask again."
        )
    ),
    OutcomeCode.RESTORED: Message(
        _(
            "The portal was restored from a backup, and this request may have been sent since the "
            "backup was made. The portal looks for it in the cloud and does not send it. Please do "
            "not ask again until this page says what it found."
        ),
        fixer=Fixer.NOBODY,
    ),
    OutcomeCode.NOT_SEEN_SINCE: Message(
        _(
            "The portal was restored from a backup, and the cloud shows nothing of this request: "
            "the portal looked %(looks)s times. It was never sent, or what it did was undone "
            "since. Look in the cloud before you ask again."
        )
    ),
    OutcomeCode.ALREADY_GONE: Message(
        _("The cloud had no such snapshot any more: it was deleted before.")
    ),
    OutcomeCode.CHANGED_SINCE: Message(
        _(
            "The snapshot has changed since the request was made (%(change)s). %(nothing)s Look at "
            "it again, and ask again if you still want this."
        )
    ),
    OutcomeCode.STILL_THERE: Message(
        _("The cloud accepted the request but kept the snapshot as it was. %(nothing)s")
    ),
    OutcomeCode.OF_SYSTEM: Message(
        _("This snapshot belongs to the cloud or its backup service. %(nothing)s")
    ),
    OutcomeCode.NOT_PREPARED: Message(
        _("The request that had to succeed first did not succeed. %(nothing)s")
    ),
    OutcomeCode.EXPIRED: Message(
        _("The request waited too long before it could be sent. %(nothing)s Ask again.")
    ),
    OutcomeCode.FRESH_GONE: Message(
        _("What was made first is not there any more. %(nothing)s Ask again.")
    ),
    OutcomeCode.ROLLED_BACK_NOW: Message(
        _("The volume is “%(status)s”: it is being rolled back. %(nothing)s")
    ),
    OutcomeCode.LEFT_REVERTING: Message(
        _("The cloud refused the request, and has left the volume “%(status)s”. %(nothing)s"),
        fixer=Fixer.CLOUD_ADMIN,
    ),
    OutcomeCode.KEY_IN_OTHER_CASE: Message(
        _(
            "The snapshot has the key “%(change)s”, and the cloud may take upper and lower case "
            "for the same. %(nothing)s Look at the snapshot again, and change or remove that entry."
        )
    ),
    OutcomeCode.SNAPSHOT_NOT_READY: Message(
        _("The snapshot is “%(status)s”; it must be available. %(nothing)s")
    ),
    OutcomeCode.VOLUME_NOT_READY: Message(
        _("The volume is “%(status)s”; it must be available. %(nothing)s")
    ),
    OutcomeCode.NOT_NEWEST: Message(_("It is not the newest snapshot of its volume. %(nothing)s")),
    OutcomeCode.VOLUME_GREW: Message(
        _("The volume has grown since the snapshot was taken. %(nothing)s")
    ),
    OutcomeCode.ROLLBACK_FAILED: Message(
        _("The cloud began the rollback and failed (status “%(status)s”).")
    ),
    OutcomeCode.REVERT_FAILED: Message(
        _("The cloud began the rollback and failed (status “%(status)s”).")
    ),
    OutcomeCode.NOT_SEEN: Message(
        _(
            "The cloud accepted the request, but was never seen to carry it out. Check in the "
            "cloud before you ask again."
        )
    ),
    OutcomeCode.CANNOT_TELL: Message(
        _(
            "The cloud gave no clear answer, and the portal cannot find out whether the request "
            "was carried out: it looked %(looks)s times. Check in the cloud before you ask again."
        )
    ),
    OutcomeCode.SHUT_OUT: Message(
        _("The account of %(person)s was closed before the request was sent. %(nothing)s")
    ),
    OutcomeCode.ROLE_LOST: Message(
        _("%(person)s lost the role that may ask for this before the request was sent. %(nothing)s")
    ),
    OutcomeCode.GRANT_LOST: Message(
        _(
            "%(person)s lost the right to use the volume before the request was sent. %(nothing)s "
            "An administrator of the portal can grant it again."
        )
    ),
    OutcomeCode.RIGHT_LOST: Message(
        _(
            "%(person)s lost the right to ask for this before the request was sent. %(nothing)s "
            "An administrator of the portal can give it again."
        )
    ),
    OutcomeCode.CANCELLED: Message(_("Cancelled by %(person)s before it was sent. %(nothing)s")),
    OutcomeCode.ENDED: Message(
        _(
            "Ended by %(person)s: %(why)s A snapshot may be in the cloud: look "
            "there before you ask again."
        )
    ),
}

ANOMALY_MESSAGES: Mapping[AnomalyMessage, Text] = {
    AnomalyMessage.ANSWER_NAMED: _("The cloud's answer named snapshot %(snapshot)s."),
    AnomalyMessage.READING_SHOWED: _(
        "Snapshot %(snapshot)s did not match the request when the portal read it."
    ),
    AnomalyMessage.CANDIDATES: _("Snapshots: %(names)s."),
    AnomalyMessage.CANDIDATE_VOLUMES: _("The request was for a new volume. Volumes: %(names)s."),
    AnomalyMessage.ASKED_FOR_ANOTHER: _(
        "The portal asked for snapshot %(snapshot)s, and the cloud answered with another."
    ),
    AnomalyMessage.MARK_ELSEWHERE: _(
        "The cloud named snapshot %(snapshot)s, which does not exist or belongs to another "
        "request. The mark of this request is on %(names)s."
    ),
    AnomalyMessage.MARK_WATCHED: _(
        "The cloud named snapshot %(snapshot)s, which does not exist or belongs to another "
        "request. The mark of this request is on %(names)s. That snapshot is watched from now on."
    ),
    AnomalyMessage.LATE: _(
        "Snapshot %(snapshot)s bears the mark of this request, whose state was “%(state)s”."
    ),
    AnomalyMessage.SECOND_MARK: _(
        "Snapshot %(snapshot)s bears the mark of this request, as %(own)s does."
    ),
    AnomalyMessage.METADATA_DROPPED: _(
        "The cloud %(cloud)s made the snapshot without its metadata, so without the portal's mark. "
        "After a lost answer the portal can look there only by volume, name and time."
    ),
}


def outcome_sentence(operation: Operation) -> str:
    """What happened to the operation, who can help, and what the cloud said; "" for nothing."""
    code, texts = operation.outcome, kind_of(operation).texts
    message = _message_for(code, texts)
    values = _quoted(operation.outcome_values) | {"nothing": str(texts.nothing)}
    if code is OutcomeCode.GIVEN_UP:
        reason = _message_for(OutcomeCode(values.get("reason", "")), texts)
        values["reason"] = _filled(reason.text, values)
    parts = [_filled(message.text, values)]
    if operation.status is OperationState.QUEUED:
        parts.append(_filled(message.by_itself, values))
    if operation.status is OperationState.REFUSED:
        if message.fixer is not Fixer.PERSON:
            parts.append(
                _filled(_("Who can help: %(fixer)s."), {"fixer": str(message.fixer.value)})
            )
        if values.get("cloud_said"):
            parts.append(_filled(_("The cloud said: %(cloud_said)s"), values))
    return sentences(parts)


def reason_of(code: str) -> str:
    """The first sentence of what an outcome means, for counting; an unknown code as it is."""
    if code not in OutcomeCode.values:
        return code
    text = _filled(MESSAGES[OutcomeCode(code)].text, {}) or str(OperationState.REFUSED.label)
    return text.replace("。", ". ").partition(". ")[0].rstrip(".").strip()  # "。" in Chinese


def fixer_of(operation: Operation) -> Fixer:
    """Who can do something about what happened to the operation."""
    return _message_for(operation.outcome, kind_of(operation).texts).fixer


def anomaly_sentence(anomaly: Anomaly) -> str:
    """What was seen, with the ids that it is about."""
    values = _quoted(anomaly.message_values)
    if (state := values.get("state")) in OperationState.values:
        values["state"] = str(OperationState(state).label)
    detail = _filled(ANOMALY_MESSAGES[AnomalyMessage(anomaly.message_code)], values)
    return sentences([f"{AnomalyKind(anomaly.kind).label}{stop()}", detail])


def action_label(action: Action) -> str:
    """What was done, in the words of the kind of operation that it was about."""
    # A damaged row is shown too.
    kind = action.details.get("kind") if isinstance(action.details, dict) else None
    texts = KINDS[OperationKind(kind)].texts.actions if kind in OperationKind.values else {}
    return str(texts.get(action.code) or _ACTION_LABELS.get(action.code, action.code))


_ACTION_LABELS: Mapping[str, Text] = dict(ActionCode.choices)


def label_of(operation: Operation) -> str:
    """The state as a badge shows it."""
    return str(kind_of(operation).texts.labels.get(operation.status, operation.status.label))


def sentences_of(operation: Operation) -> list[str]:
    """What the state means for the person who asked, and what became of the operation."""
    kind = kind_of(operation)
    meaning = str(kind.texts.sentences[operation.status])
    outcome = outcome_sentence(operation)
    if operation.status in _SAID_BY_OUTCOME or operation.outcome is OutcomeCode.RESTORED:
        return [outcome or meaning, *kind.remarks(operation)]
    return [meaning, outcome] if outcome else [meaning]


# Their outcome says the same as the state with more.
_SAID_BY_OUTCOME = frozenset(
    {
        OperationState.UNKNOWN,
        OperationState.SUCCEEDED,
        OperationState.FAILED,
        OperationState.NOT_CREATED,
        OperationState.CANCELLED,
    }
)


def _message_for(code: OutcomeCode, texts: KindTexts) -> Message:
    return texts.messages.get(code) or MESSAGES[code]


def _quoted(values: Mapping[str, str]) -> dict[str, str]:
    """What a cloud or a person wrote, fit for a sentence."""
    return {name: isolated(str(text)) for name, text in values.items()}


def _filled(text: Text, values: Mapping[str, str]) -> str:
    """The text with its values; a value that an old row lacks is left blank."""
    return str(text) % _Blanks(values) if isinstance(text, str | Promise) else ""


class _Blanks(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""
