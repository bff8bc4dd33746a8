"""What a text for people consists of: of an outcome, and of a kind of operation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from snapshots.models import OperationState, OutcomeCode

Text = str | Promise  # translated when it is shown


class Argument(NamedTuple):
    """A value that was asked for. `kept_as` says where the snapshot must have it now: `name`,
    `description` or `metadata:KEY`; "" where the snapshot does not show it.
    """

    label: Text
    value: str
    kept_as: str = ""


class Fixer(Enum):
    """Who can do something about it."""

    PERSON = _("you")
    CLOUD_ADMIN = _("the people who run the cloud account")
    PORTAL_ADMIN = _("the portal's administrators")
    NOBODY = _("nobody; it passes by itself")


@dataclass(frozen=True, slots=True)
class Message:
    """`text` says what happened, `by_itself` what the portal does about it while it still tries.

    Both may name the outcome's values, `%(names)s`, and `%(nothing)s`: the kind's sentence for
    "nothing was executed".
    """

    text: Text
    by_itself: Text = ""
    fixer: Fixer = Fixer.PERSON


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTexts:
    """The words of one kind of operation, where they are not the same for all kinds."""

    title: Text  # what is asked for: "Create a snapshot"
    button: Text  # what asks for it: "Take the snapshot"
    nothing: Text  # "Nothing was made."
    goal: Text  # the last step, still to come: "Available"
    labels: Mapping[OperationState, Text]  # on a badge
    sentences: Mapping[OperationState, Text]  # what a state means for the person
    steps: Mapping[OperationState, Text]  # in the list of steps
    actions: Mapping[str, Text] = field(default_factory=dict)  # in the audit trail
    messages: Mapping[OutcomeCode, Message] = field(default_factory=dict)  # before the common ones
