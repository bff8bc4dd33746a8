"""Passkeys: WebAuthn credentials that the device opens by a PIN, a finger or a face.

So a passkey is two factors in one, and opens alone. Each belongs to the host name under which it
was made, the RP id: another site cannot ask for it, and neither can the portal under another name.

A challenge stands in the session, opens once, and no longer than some minutes.
"""

import json
import struct
import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils import timezone
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from snapshots.audit.record.actions import record
from snapshots.database.transactions import in_transaction
from snapshots.mfa.factors import FactorNeededError, has_factor, may_remove_factor, remove_rows
from snapshots.models import ActionCode

MOST_PASSKEYS = 10
LONGEST_NAME = 40
CHALLENGE_SECONDS = 300
_LONGEST_ANSWER = 20_000
_RP_NAME = "EVS snapshots"
_TO_ADD, _TO_SIGN_IN = "passkey_to_add", "passkey_challenge"
_VERIFIED = UserVerificationRequirement.REQUIRED
# What the library raises on an answer of an odd shape, beside its own ValueErrors.
_ODD = (
    *(ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError),
    *(struct.error, RecursionError, NotImplementedError),
)


class PasskeyRefused(Exception):
    """`str(error)` is the reason for the trail; `owner` the person whose passkey it is."""

    def __init__(self, why: str, owner: User | None = None) -> None:
        super().__init__(why)
        self.owner = owner


def passkeys_of(person: User) -> QuerySet[Authenticator]:
    rows: QuerySet[Authenticator] = Authenticator.objects.order_by("pk")
    return rows.filter(user=person, type=Authenticator.Type.WEBAUTHN)


# --- signing in ------------------------------------------------------------------------------


def challenge(request: HttpRequest) -> dict[str, Any]:
    """What the browser asks a device for: any passkey of this portal."""
    options, state = _server(request).authenticate_begin(user_verification=_VERIFIED)
    _remember(request, _TO_SIGN_IN, state)
    return dict(options)


def verify(request: HttpRequest, text: str) -> User:
    """Whose passkey answered the challenge of this session. Raises `PasskeyRefused`."""
    state = _state_of(request, _TO_SIGN_IN)
    answer = _read(text)
    try:
        answered = AuthenticationResponse.from_dict(answer)
        credential_id = websafe_encode(answered.raw_id)
    except _ODD as error:
        raise PasskeyRefused("malformed") from error
    return in_transaction(lambda: _verify(request, state, answered, credential_id))


def _verify(request: HttpRequest, state: dict[str, Any], answered: Any, credential_id: str) -> User:
    rows = Authenticator.objects.select_for_update(of=("self",)).select_related("user")
    row = rows.filter(type=Authenticator.Type.WEBAUTHN, data__id=credential_id).first()
    if row is None:
        raise PasskeyRefused("nobody has this passkey")
    owner: User = row.user
    try:
        _server(request).authenticate_complete(state, [_credential_of(row)], answered)
        handle, count = answered.response.user_handle, answered.response.authenticator_data.counter
    except _ODD as error:
        raise PasskeyRefused(_reason(error), owner) from error
    if handle is not None and handle != _handle_of(owner):
        raise PasskeyRefused("made for another person", owner)
    # A copy of a passkey falls behind. Those that are kept in a cloud do not count at all.
    if (count or row.data["count"]) and count <= row.data["count"]:
        raise PasskeyRefused("used elsewhere: its counter is behind", owner)
    row.data["count"] = count
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return owner


# --- adding, renaming, removing --------------------------------------------------------------


def options_to_add(request: HttpRequest, person: User) -> dict[str, Any]:
    """What the browser asks a device to make."""
    options, state = _server(request).register_begin(
        PublicKeyCredentialUserEntity(
            id=_handle_of(person),
            name=person.get_username(),
            display_name=person.get_full_name() or person.get_username(),
        ),
        credentials=[_credential_of(row) for row in passkeys_of(person)],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=_VERIFIED,
    )
    _remember(request, _TO_ADD, state)
    return dict(options)


def add(request: HttpRequest, person: User, name: str, text: str) -> list[str]:
    """Store the passkey that the device made; the spare codes that come with a first factor.
    Raises `PasskeyRefused`.
    """
    state = _state_of(request, _TO_ADD)
    server = _server(request)
    try:
        made = RegistrationResponse.from_dict(_read(text))
        data = server.register_complete(state, made)
        credential = AttestedCredentialData(bytes(data.credential_data))  # type: ignore[arg-type]
        algorithm = credential.public_key[3]
    except _ODD as error:
        raise PasskeyRefused(_reason(error)) from error
    if algorithm not in {parameters.alg for parameters in server.allowed_algorithms}:
        raise PasskeyRefused("algorithm")
    stored = {
        "name": name,
        "id": websafe_encode(credential.credential_id),
        "credential": websafe_encode(bytes(credential)),
        "count": data.counter,
        "host": server.rp.id,
    }
    return in_transaction(lambda: _store(person, stored))


def _store(person: User, data: dict[str, Any]) -> list[str]:
    User.objects.select_for_update().get(pk=person.pk)
    everybody = Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN)
    if everybody.filter(data__id=data["id"]).exists():
        raise PasskeyRefused("it is stored already")
    if everybody.filter(user=person).count() >= MOST_PASSKEYS:
        raise PasskeyRefused("too many")
    is_first = not has_factor(person)
    if is_first:
        Authenticator.objects.filter(user=person).delete()
    Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data=data)
    details = {"passkey": data["name"]}
    record(ActionCode.FACTOR_ADDED, subject=person.get_username(), details=details)
    codes: list[str] = RecoveryCodes.activate(person).generate_codes()
    return codes if is_first else []


def rename(person: User, passkey_id: int, name: str) -> bool:
    """Whether there is such a passkey."""

    def change() -> bool:
        row = passkeys_of(person).select_for_update().filter(pk=passkey_id).first()
        if row is None:
            return False
        if row.data["name"] != name:
            details = {"passkey": f"{row.data['name']} → {name}"}
            row.data["name"] = name
            row.save(update_fields=["data"])
            record(ActionCode.FACTOR_RENAMED, subject=person.get_username(), details=details)
        return True

    return in_transaction(change)


def remove_passkey(person: User, passkey_id: int) -> bool:
    """Whether there was such a passkey. Raises `FactorNeededError` for the last factor of a role
    that needs one.
    """

    def delete() -> bool:
        User.objects.select_for_update().get(pk=person.pk)
        row = passkeys_of(person).filter(pk=passkey_id).first()
        if row is None:
            return False
        if not may_remove_factor(person):
            raise FactorNeededError
        rows = Authenticator.objects.filter(pk=row.pk)
        remove_rows(person, rows, details={"passkey": row.data["name"]})
        return True

    return in_transaction(delete)


# --- pieces ----------------------------------------------------------------------------------


def _server(request: HttpRequest) -> Fido2Server:
    """For this host name, and for answers from this very origin alone: the library would take one
    from any host below it.
    """
    rp = PublicKeyCredentialRpEntity(id=_host_name(request), name=_RP_NAME)
    is_https = settings.SESSION_COOKIE_SECURE or request.is_secure()  # a proxy may end TLS
    origin = f"{'https' if is_https else 'http'}://{request.get_host()}"
    return Fido2Server(rp, verify_origin=lambda answered: answered == origin)


def _host_name(request: HttpRequest) -> str:
    """One of EVSPORTAL_HOSTS: Django refuses others."""
    return split_domain_port(request.get_host())[0]


def _handle_of(person: User) -> bytes:
    """What a device knows a person by: no name, since anybody who holds the device may read it."""
    return f"evsportal-{person.pk}".encode()


def _credential_of(row: Authenticator) -> AttestedCredentialData:
    return AttestedCredentialData(websafe_decode(row.data["credential"]))


def _remember(request: HttpRequest, key: str, state: dict[str, Any]) -> None:
    request.session[key] = {"state": state, "at": time.time()}


def _state_of(request: HttpRequest, key: str) -> dict[str, Any]:
    """Taken out of the session, so that no answer is looked at twice."""
    remembered = request.session.pop(key, None)
    if remembered is None:
        raise PasskeyRefused("no challenge")
    if not 0 <= time.time() - remembered["at"] <= CHALLENGE_SECONDS:
        raise PasskeyRefused("old challenge")
    state: dict[str, Any] = remembered["state"]
    return state


def _read(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text) if len(text) <= _LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise PasskeyRefused("malformed")
    return answer


def _reason(error: BaseException) -> str:
    """The library's own sentences hold nothing that was sent; those of Python might."""
    sentence = str(error)
    return sentence if sentence in _SENTENCES else "malformed"


_SENTENCES = frozenset(
    {
        "Incorrect type in CollectedClientData.",
        "Invalid origin in CollectedClientData.",
        "Wrong challenge in response.",
        "Wrong RP ID hash in response.",
        "User Present flag not set.",
        "User verification required, but User Verified flag not set.",
        "User verification required, but user verified flag not set.",
        "Invalid signature.",
    }
)
