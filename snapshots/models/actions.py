"""What people and the portal itself did here: part of the audit trail, like the exchanges."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from snapshots.models.insert_only import InsertOnly
from snapshots.models.kinds import TargetKind
from snapshots.models.operations import Operation


class ActionCode(models.TextChoices):
    """`subject:action`, with `:refused` where it did not come to pass. The label is its sentence,
    which follows the actor's name.
    """

    SIGNED_IN = "session:sign-in", _("signed in")
    SIGN_IN_REFUSED = "session:sign-in:refused", _("was not allowed to sign in")
    PASSWORD_GIVEN = (
        "session:password",
        _("gave the right password of an account, and was asked for its second factor"),
    )
    SIGNED_OUT = "session:sign-out", _("signed out")
    SESSIONS_ENDED = "session:end", _("ended sessions")
    IDENTITY_CONFIRMED = "session:confirm", _("confirmed their identity")
    IDENTITY_REFUSED = "session:confirm:refused", _("could not confirm their identity")

    PERSON_ADDED = "person:add", _("added a person")
    PERSON_CHANGED = "person:change", _("changed a person's name or address")
    PERSON_REFUSED = "person:change:refused", _("was not allowed to change a person's rights")
    PERSON_REMOVED = "person:remove", _("removed a person")
    PERSON_SHUT_OUT = "person:shut-out", _("disabled an account")
    PERSON_LET_IN = "person:let-in", _("re-enabled an account")
    PASSWORD_CHANGED = "password:change", _("changed a password")
    PASSWORD_SET = "password:set", _("set a one-time password of another person")
    PASSWORD_REFUSED = "password:change:refused", _("was not allowed to change a password")
    PASSWORD_RESET = "password:reset", _("chose a password by a link from a mail")
    RESET_ASKED = "password:link", _("asked for a link to choose a password")
    RESET_REFUSED = "password:link:refused", _("was not sent a link to choose a password")
    FACTOR_ADDED = "factor:add", _("set up a second factor")
    FACTOR_REMOVED = "factor:remove", _("removed a second factor")
    FACTOR_RENAMED = "factor:rename", _("renamed a passkey")
    FACTOR_ADD_REFUSED = "factor:add:refused", _("was not allowed to set up a second factor")
    FACTOR_REMOVE_REFUSED = "factor:remove:refused", _("was not allowed to remove a second factor")
    ROLE_GIVEN = "role:give", _("gave a role or group")
    ROLE_TAKEN = "role:take", _("took a role or group away")
    GROUP_ADDED = "group:add", _("added a group")
    GROUP_RENAMED = "group:rename", _("renamed a group")
    GROUP_REMOVED = "group:remove", _("removed a group, and from its people what it gave")
    GRANT_GIVEN = "grant:give", _("granted access to volumes")
    GRANT_TAKEN = "grant:take", _("withdrew access to volumes")

    OPERATION_ASKED = "operation:ask", _("asked for a snapshot")
    OPERATION_REFUSED = "operation:ask:refused", _("was not allowed to ask for a snapshot")
    OPERATION_AGAIN = "operation:ask-again", _("asked again for a snapshot")
    OPERATION_AGAIN_REFUSED = "operation:ask-again:refused", _("was not allowed to ask again")
    OPERATION_CANCELLED = "operation:cancel", _("cancelled a request")
    OPERATION_CANCEL_REFUSED = "operation:cancel:refused", _("was not allowed to cancel a request")
    OPERATION_WITHDRAWN = (
        "operation:withdraw",
        _("cancelled a request, because who asked had lost the right"),
    )
    OPERATION_ENDED = "operation:end", _("ended a request that the portal could not")
    OPERATION_END_REFUSED = "operation:end:refused", _("was not allowed to end a request")

    OPERATION_RESTORED = (
        "operation:restore-backup",
        _("restored a backup, so a request is looked for and not sent"),
    )

    SNAPSHOTS_EXPORTED = "snapshots:export", _("exported a list of snapshots")
    PEOPLE_EXPORTED = "people:export", _("exported the list of people")
    GRANTS_EXPORTED = "grants:export", _("exported the list of grants")

    AUDIT_SEARCHED = "audit:search", _("searched the audit trail")
    AUDIT_SEARCH_REFUSED = "audit:search:refused", _("searched in a way that cannot be answered")
    AUDIT_READ = "audit:read", _("read a record")
    AUDIT_READ_REFUSED = "audit:read:refused", _("was not allowed to see the audit trail")
    AUDIT_ASKED = "audit:question", _("read a saved question")
    AUDIT_EXPORTED = "audit:export", _("exported records")
    AUDIT_VERIFIED = "audit:verify", _("verified the audit trail")
    AUDIT_FOUND_BAD = "audit:verify:refused", _("found the audit trail damaged")
    AUDIT_ARCHIVED = "audit:archive", _("archived and removed old records")

    DATABASE_RESTORED = "database:restore", _("restored the database from a backup")
    DATABASE_MOVED = "database:move", _("moved the database to PostgreSQL")

    CLOUD_SEEN = "cloud:settings", _("started with these settings of a cloud")
    CLOUD_GONE = "cloud:gone", _("started without a cloud that it had before")


# What was refused to people, in the order in which `evsportal.figures` counts it.
REFUSAL_CODES = tuple(
    sorted(
        code.value
        for code in ActionCode
        if code.endswith(":refused") and code is not ActionCode.AUDIT_FOUND_BAD
    )
)


class Action(InsertOnly):
    """Something done in the portal. What one click caused bears one `cause`."""

    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    code = models.CharField(max_length=40)  # an `ActionCode`; one of an older version too
    cause = models.UUIDField()

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_name = models.CharField(max_length=150)  # as it was then
    actor_roles = models.CharField(max_length=150, blank=True)  # as they were then
    address = models.CharField(max_length=45, blank=True)  # where the click came from

    subject = models.CharField(max_length=255, blank=True)  # whom or what it was done to
    operation = models.ForeignKey(
        Operation, null=True, on_delete=models.PROTECT, related_name="actions"
    )
    on_behalf_of = models.CharField(max_length=150, blank=True)
    ticket = models.CharField(max_length=80, blank=True)
    cloud = models.CharField(max_length=80, blank=True)
    target_kind = models.CharField(max_length=20, choices=TargetKind, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target_name = models.CharField(max_length=255, blank=True)  # as it was then
    details = models.JSONField(default=dict)  # texts by name

    class Meta(InsertOnly.Meta):
        ordering = ["-seq"]

    def __str__(self) -> str:
        return f"{self.actor_name} {dict(ActionCode.choices).get(self.code, self.code)}"
