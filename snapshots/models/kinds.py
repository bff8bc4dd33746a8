"""The kinds of operations, and why requests leave the portal: both lists grow with a new kind."""

from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _


class OperationKind(models.TextChoices):
    """What a person may ask for. `operations/kinds` says how each is carried out."""

    CREATE = "create", _("Create a snapshot")
    RENAME = "rename", _("Rename a snapshot")
    METADATA = "metadata", _("Change a snapshot's metadata")
    DELETE = "delete", _("Delete a snapshot")
    ROLLBACK = "rollback", _("Roll back a volume")
    RESTORE = "restore", _("Restore into a new volume")


class Purpose(models.TextChoices):
    """Why a request left. The request that carries out an operation bears the operation's kind."""

    CREATE = "create", _("Create the snapshot")
    RENAME = "rename", _("Rename the snapshot")
    METADATA = "metadata", _("Change the snapshot's metadata")
    DELETE = "delete", _("Delete the snapshot")
    ROLLBACK = "rollback", _("Roll back the volume")
    RESTORE = "restore", _("Make a volume from the snapshot")
    LOGIN = "login", _("Sign in to the cloud")
    WATCH = "watch", _("Watch snapshots")
    CHECK = "check", _("Look before sending")
    SETTLE = "settle", _("Look for what became of a request")
    INVENTORY = "inventory", _("Read the volumes")
    SNAPSHOTS = "snapshots", _("Read the snapshots")
    QUOTA = "quota", _("Read the quota")
    SERVERS = "servers", _("Read the servers")
    PING = "ping", _("Try the connection")


def purpose_label(code: str) -> str:
    """A purpose in words; an unknown code as it is."""
    return str(Purpose(code).label) if code in Purpose.values else code


BACKGROUND = frozenset(
    {
        Purpose.LOGIN,
        Purpose.WATCH,
        Purpose.INVENTORY,
        Purpose.SNAPSHOTS,
        Purpose.QUOTA,
        Purpose.SERVERS,
        Purpose.PING,
    }
)
# What carries out an operation. Everything else only reads.
SENDING_PURPOSES = frozenset(Purpose(kind.value) for kind in OperationKind)


# What changes the content of a snapshot's row: a volume's rollback or restore does not.
CONTENT_KINDS = frozenset({OperationKind.RENAME, OperationKind.METADATA})
# Their requests say how the snapshot shall be, so they can be compared with how it is.
COMPARED_PURPOSES = frozenset({Purpose.CREATE, Purpose.RENAME})


class TargetKind(models.TextChoices):
    """What a request or an action is about; empty: nothing in a cloud."""

    VOLUME = "volume", _("Volume")
    SNAPSHOT = "snapshot", _("Snapshot")


class Target(NamedTuple):
    """What a request or an action is about, as the audit trail names it."""

    kind: TargetKind
    id: str
    name: str  # as it was then
