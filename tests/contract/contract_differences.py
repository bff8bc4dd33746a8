"""Rows that a cloud cannot be asked, or answers otherwise, each with its reason.

The suite prints them and fails when one of them is no longer true; nothing is skipped in silence.
"""

from typing import Any

from contract_targets import Target

_NO_ATTACHMENTS = "the attachments API (3.27) is not simulated; 07 covers the reserved state"
_SLOW = "needs a volume driver that is slow on command"
_FAILS = "needs a volume driver that fails on command"
_SHORT = "needs an identity service with tokens of some seconds"

NOT_ASKED: dict[str, dict[tuple[str, str], str]] = {
    "sandbox": {
        ("13-life", "failed: user messages"): "user messages (3.3) are not simulated",
        ("15-volumes", "extensions"): "the list of extensions is not simulated",
        **{
            ("14-attach", name): _NO_ATTACHMENTS
            for name in (
                "attachment: create (3.27)",
                "the volume, reserved",
                "snapshot of a reserved volume",
                "attachment: update",
                "attachment: complete",
                "the volume, in use",
                "attachment: delete",
            )
        },
    },
    "live": {
        **{
            ("07-states-and-force", name): _SLOW
            for name in (
                "volume that takes 3 s",
                "snapshot of a volume that is being created",
                "the same with force",
                "snapshot of a deleted volume",
            )
        },
        **{
            ("09-tokens-at-cinder", name): _SHORT
            for name in (
                "short-lived token, expired, known to Cinder before",
                "expired token at Keystone",
                "expired token, POST",
            )
        },
        **{
            ("13-life", name): _SLOW
            for name in (
                "while creating",
                "second snapshot of the same volume meanwhile",
                "delete while creating",
                "rename while creating",
                "metadata while creating",
                "list status=creating",
                "volume from a snapshot that is being created",
                "when it is available",
                "a deletion that takes 3 s",
                "while deleting",
                "delete again while deleting",
                "rename while deleting",
            )
        },
        **{
            ("13-life", name): _FAILS
            for name in (
                "a snapshot whose backend fails",
                "failed: get",
                "failed: in the list",
                "failed: the volume",
                "failed: user messages",
                "failed: delete, which fails too",
                "error_deleting",
                "error_deleting: delete again",
                "error_deleting: os-force_delete as member",
                "error_deleting: os-force_delete as administrator",
            )
        },
    },
}

ANSWERS_OTHERWISE: dict[str, dict[tuple[str, str], str]] = {
    "sandbox": {
        (
            "09-tokens-at-cinder",
            "revoked, known to Cinder before",
        ): "a real Cinder believes in a revoked token for up to 300 s (keystonemiddleware's cache)",
    },
    "live": {},
}

# People without whom a whole topic cannot be set up.
NEEDS_PERSON = {
    "06-create-refused": ("other",),
    "07-states-and-force": ("admin",),
    "08-quota": ("small", "admin"),
    "10-lists": ("other", "admin"),
    "16-life-more": ("admin",),
}


def reason_not_to_ask(target: Target, topic: str, row: dict[str, Any]) -> str:
    """Empty when it can be asked."""
    for who in (row.get("as", ""), *NEEDS_PERSON.get(topic, ())):
        if who in ("admin", "reader", "other", "small") and who not in target.people:
            return f"needs {who}, who is not named in the environment"
    if "§nobody§" in str(row["body"]) and "nobody" not in target.people:
        return "needs nobody, who is not named in the environment"
    return NOT_ASKED[target.name].get((topic, row["name"]), "")


def expected_difference(target: Target, topic: str, name: str) -> str:
    """Why this cloud is known to answer otherwise; empty when it is not."""
    return ANSWERS_OTHERWISE[target.name].get((topic, name), "")
