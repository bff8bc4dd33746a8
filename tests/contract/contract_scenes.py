"""The state each topic was recorded in, made again over the clouds' own API."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from contract_targets import Reply, SandboxTarget, Target

QUOTA_SMALL = {"snapshots": 2, "gigabytes": 20, "volumes": 3}


class Stage:
    """What a scene has made in a cloud, by the names that the fixtures use, so that it can be
    removed again.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.names: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._volumes: list[tuple[str, str]] = []
        self._credentials: list[str] = []
        for who in ("mine", "other", "small", "admin"):
            if who in target.people:
                target.token(who)
                self.names[who] = target.projects[who]
        mine = target.people["mine"]
        nobody = target.people.get("nobody")
        self.names |= {
            "user": target.users["mine"],
            "username": mine.username,
            "password": mine.password,
            "project": mine.project or "",
            "domain": target.domain,
            "domain_id": target.domain_id,
            "unique": f"contract-{uuid.uuid4().hex[:8]}",
            "nobody": nobody.username if nobody else "",
            "nobody_password": nobody.password if nobody else "",
        }

    def token(self, who: str) -> str:
        """The token of a person, or one that a scene has prepared."""
        return self._tokens[who] if who in self._tokens else self.target.token(who)

    def keep_token(self, name: str, token: str) -> None:
        self._tokens[name] = token

    def volume(self, name: str, size: int = 1, who: str = "mine", called: str = "") -> str:
        body = {"volume": {"name": called or f"contract-{name}", "size": size}}
        reply = self.target.ask(who, "POST", "/volumes", body)
        assert reply.status == 202, reply
        ident: str = reply.body["volume"]["id"]
        self._volumes.append((who, ident))
        self.target.wait(who, "volumes", ident, "available")
        self.names[name] = ident
        return ident

    def snapshot(self, key: str, volume: str = "vol", who: str = "mine", **more: Any) -> str:
        body = {"snapshot": {"volume_id": self.names[volume], "name": "rec", **more}}
        reply = self.target.ask(who, "POST", "/snapshots", body)
        assert reply.status == 202, reply
        ident: str = reply.body["snapshot"]["id"]
        self.target.wait(who, "snapshots", ident, "available")
        self.names[key] = ident
        return ident

    def attach(self, name: str) -> None:
        act = {"os-attach": {"instance_uuid": str(uuid.uuid4()), "mountpoint": "/dev/vdb"}}
        ident = self.names[name]
        assert self.target.ask("mine", "POST", f"/volumes/{ident}/action", act).status == 202
        self.target.wait("mine", "volumes", ident, "in-use")

    def reset(self, kind: str, ident: str, status: str) -> None:
        act = {"os-reset_status": {"status": status}}
        reply = self.target.ask("admin", "POST", f"/{kind}/{ident}/action", act)
        assert reply.status == 202, reply

    def set_quota(self, **quotas: int) -> None:
        path = f"/os-quota-sets/{self.names['small']}"
        reply = self.target.ask("admin", "PUT", path, {"quota_set": quotas})
        assert reply.status == 200, reply

    def note(self, method: str, path: str, reply: Reply) -> None:
        """Remembers volumes and credentials that a row has made."""
        if method == "POST" and path.endswith("/volumes") and reply.status == 202:
            self.remember_volume(reply.body["volume"]["id"])
        if path.endswith("/application_credentials") and reply.status == 201:
            self._credentials.append(f"{path}/{reply.body['application_credential']['id']}")

    def remember_volume(self, ident: str) -> None:
        self._volumes.append(("mine", ident))

    def clean_up(self) -> None:
        """Removes from a live cloud what the topic has made; a sandbox is thrown away."""
        if isinstance(self.target, SandboxTarget):
            return
        for path in self._credentials:
            headers = {"X-Auth-Token": self.target.login("mine")}
            self.target.send("identity", "DELETE", path, None, headers)
        for who, volume in reversed(self._volumes):
            self._remove(who, volume)

    def _remove(self, who: str, volume: str) -> None:
        if self.target.ask(who, "GET", f"/volumes/{volume}").status == 404:
            return
        reply = self.target.ask(who, "GET", f"/snapshots?volume_id={volume}")
        for snapshot in reply.body["snapshots"]:
            if snapshot["status"] not in ("available", "error"):
                self.target.wait(who, "snapshots", snapshot["id"], "available")
            self.target.ask(who, "DELETE", f"/snapshots/{snapshot['id']}")
        for snapshot in reply.body["snapshots"]:
            self.target.wait(who, "snapshots", snapshot["id"], None)
        self._detach(who, volume)
        self.target.ask(who, "DELETE", f"/volumes/{volume}")
        self.target.wait(who, "volumes", volume, None)

    def _detach(self, who: str, volume: str) -> None:
        if "admin" in self.target.people:
            act: dict[str, Any] = {"status": "available", "attach_status": "detached"}
            self.target.ask("admin", "POST", f"/volumes/{volume}/action", {"os-reset_status": act})
            return
        shown_volume = self.target.ask(who, "GET", f"/volumes/{volume}").body["volume"]
        for attachment in shown_volume["attachments"]:
            act = {"os-detach": {"attachment_id": attachment["attachment_id"]}}
            self.target.ask(who, "POST", f"/volumes/{volume}/action", act)


SetUp = Callable[[Stage], None]
Before = Callable[[Stage, str, dict[str, str]], None]


@dataclass(frozen=True)
class Scene:
    set_up: SetUp
    # What happens before a row, by a regular expression of its name.
    hooks: dict[str, Before] = field(default_factory=dict)

    def before(self, stage: Stage, name: str, ids: dict[str, str]) -> None:
        for pattern, hook in self.hooks.items():
            if re.fullmatch(pattern, name):
                hook(stage, name, ids)


def _nothing(stage: Stage) -> None:
    """Nothing is needed."""


def _volume(stage: Stage) -> None:
    stage.volume("vol", called="rec-available")


def _wait_for(recorded: str, status: str | None, kind: str = "snapshots") -> Before:
    def hook(stage: Stage, _: str, ids: dict[str, str]) -> None:
        stage.target.wait("mine", kind, ids.get(recorded) or stage.names[recorded], status)

    return hook


# --- 01, 09: tokens ---


def _temporary_token(stage: Stage, *_: Any) -> None:
    stage.keep_token("temporary", stage.target.login("mine"))


def _token_scene(stage: Stage) -> None:
    stage.volume("vol")
    stage.snapshot("any")
    stage.keep_token("unscoped", stage.target.login("mine", scoped=False))
    for name in ("revoked", "unseen", "expired"):
        stage.keep_token(name, stage.target.login("mine"))


def _revoke(stage: Stage, *_: Any) -> None:
    for name in ("revoked", "unseen"):
        token = stage.token(name)
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        reply = stage.target.send("identity", "DELETE", "/v3/auth/tokens", None, headers)
        assert reply.status == 204, reply


def _expire(stage: Stage, *_: Any) -> None:
    if isinstance(stage.target, SandboxTarget):
        stage.target.expire_tokens()


# --- 06, 07 ---


def _refused(stage: Stage) -> None:
    stage.volume("vol")
    stage.volume("foreign", who="other")


def _states(stage: Stage) -> None:
    stage.volume("vol")
    stage.volume("used", 2)
    stage.attach("used")
    stage.volume("states")


def _reset_states(stage: Stage, name: str, _: dict[str, str]) -> None:
    stage.reset("volumes", stage.names["states"], name.split()[1].rstrip(","))


_SLOW_VOLUME = "0054f55d-941c-402f-a4e1-50368dc7684b"


def _delete_slow_volume(stage: Stage, _: str, ids: dict[str, str]) -> None:
    ident = ids[_SLOW_VOLUME]
    stage.target.wait("mine", "volumes", ident, "available")
    stage.target.ask("mine", "DELETE", f"/volumes/{ident}")
    stage.target.wait("mine", "volumes", ident, None)


# --- 08 ---


def _quota(stage: Stage) -> None:
    stage.set_quota(**QUOTA_SMALL)
    stage.volume("first", 1, "small")
    stage.volume("second", 9, "small")


def _drop_second(stage: Stage, *_: Any) -> None:
    snapshots = stage.target.ask("small", "GET", "/snapshots").body["snapshots"]
    for snapshot in snapshots:
        stage.target.wait("small", "snapshots", snapshot["id"], "available")
    gone = next(s["id"] for s in snapshots if s["volume_id"] == stage.names["second"])
    stage.target.ask("small", "DELETE", f"/snapshots/{gone}")
    stage.target.wait("small", "snapshots", gone, None)
    stage.set_quota(gigabytes=19)


def _one_snapshot_allowed(stage: Stage, *_: Any) -> None:
    stage.set_quota(gigabytes=20, snapshots=1)


def _first_in_error(stage: Stage, *_: Any) -> None:
    stage.reset("volumes", stage.names["first"], "error")


def _first_again(stage: Stage, *_: Any) -> None:
    stage.reset("volumes", stage.names["first"], "available")


def _small_again(stage: Stage, *_: Any) -> None:
    stage.set_quota(**QUOTA_SMALL)


# --- 10 ---


def _lists(stage: Stage) -> None:
    stage.volume("vol")
    stage.volume("list")
    names = {"a": "list-a", "b1": "list-b", "b2": "list-b", "c": "list-c", "u": "list-ü"}
    for number, (key, name) in enumerate(names.items()):
        metadata = {"colour": "red" if number % 2 else "blue", "n": str(number)}
        description = None if number else "first"
        stage.snapshot(key, "list", name=name, metadata=metadata, description=description)
        stage.target.pause(1.1)  # created_at has seconds only
    stage.volume("foreign_volume", who="other")
    stage.snapshot("foreign", "foreign_volume", who="other")


def _gone(stage: Stage, *_: Any) -> None:
    ident = stage.snapshot("gone", "list")
    stage.target.ask("mine", "DELETE", f"/snapshots/{ident}")
    stage.target.wait("mine", "snapshots", ident, None)


# --- 11, 12, 13, 14, 15 ---


def _one_snapshot(stage: Stage) -> None:
    stage.volume("vol")
    stage.snapshot("one", name="rec-update", description="before", metadata={"k": "v"})


_WITH_BODY = "delete with a body"


def _two(stage: Stage, _: str, ids: dict[str, str]) -> None:
    from contract_replay import rows_of

    row = next(row for row in rows_of("11-get-update-delete") if row["name"] == _WITH_BODY)
    ids[row["path"].rpartition("/")[2]] = stage.snapshot("two")


def _metadata(stage: Stage) -> None:
    stage.volume("vol")
    stage.snapshot("one", metadata={"k": "v", "l": "w"})


def _life(stage: Stage) -> None:
    _volume(stage)
    for name in ("source", "reset", "unknown"):
        stage.snapshot(name)


_SLOW, _FAILED = "5899f738-eb0d-4bd4-9b40-217bad6ca9af", "f5169c61-3797-4820-b533-c8a7c4c5c595"
_FROM_SNAPSHOT = "79083bae-dd42-4a4c-902f-e8bca3ae864d"


def _fail_create(stage: Stage, _: str, ids: dict[str, str]) -> None:
    stage.target.wait("mine", "snapshots", ids[_SLOW], None)
    if isinstance(stage.target, SandboxTarget):
        stage.target.fail_next("POST", "/snapshots")


def _fail_delete(stage: Stage, *_: Any) -> None:
    if isinstance(stage.target, SandboxTarget):
        stage.target.fail_next("DELETE", "/snapshots/[^/]+")


_OF_ATTACHED = "ca78a080-05bb-496b-8769-a6044ee7cfb8"
_ATTACHMENT = "f5cb26fe-7a17-4da1-a029-a64737f14bf0"


def _attach(stage: Stage) -> None:
    stage.volume("attach", called="rec-attach")


def _one_second(stage: Stage, *_: Any) -> None:
    stage.target.pause(1.0)


def _detach_id(stage: Stage, _: str, ids: dict[str, str]) -> None:
    shown_volume = stage.target.ask("mine", "GET", f"/volumes/{stage.names['attach']}").body[
        "volume"
    ]
    ids[_ATTACHMENT] = shown_volume["attachments"][0]["attachment_id"]


def _volumes(stage: Stage) -> None:
    stage.volume("vol", called="rec-available")
    stage.volume("attach", called="rec-attach")
    stage.attach("attach")
    for name in ("same1", "same2"):
        stage.target.pause(1.1)
        stage.volume(name, called="same-name")


# --- 16 ---


def _life_of_volumes(stage: Stage) -> None:
    for name in ("vol", "with_snapshots", "with_new_snapshot"):
        stage.volume(name, 2)
    stage.snapshot("source")
    stage.snapshot("failing")
    for key in ("first", "second"):
        stage.snapshot(key, "with_snapshots")
    stage.reset("snapshots", stage.names["failing"], "error_deleting")


def _new_snapshot(stage: Stage, *_: Any) -> None:
    body = {"snapshot": {"volume_id": stage.names["with_new_snapshot"]}}
    ident = stage.target.ask("mine", "POST", "/snapshots", body).body["snapshot"]["id"]
    stage.reset("snapshots", ident, "creating")


SCENES: dict[str, Scene] = {
    "01-tokens": Scene(_nothing, {"validate own token": _temporary_token}),
    "02-versions": Scene(_nothing),
    "03-create": Scene(
        _volume,
        {"when it is available": _wait_for("da5de533-211c-406c-9128-a2d2bc27d804", "available")},
    ),
    "04-names": Scene(_volume),
    "05-create-metadata": Scene(_volume),
    "06-create-refused": Scene(_refused),
    "07-states-and-force": Scene(
        _states,
        {
            r"volume \S+, 3.0, force .missing.": _reset_states,
            "snapshot of a deleted volume": _delete_slow_volume,
        },
    ),
    "08-quota": Scene(
        _quota,
        {
            "gigabytes used up, snapshots left": _drop_second,
            "snapshots used up, gigabytes left": _one_snapshot_allowed,
            "volume in error while over quota": _first_in_error,
            "volumes: gigabytes used up": _first_again,
            "quota set by a member": _small_again,
        },
    ),
    "09-tokens-at-cinder": Scene(
        _token_scene,
        {
            "revoked, known to Cinder before": _revoke,
            "short-lived token, expired, known to Cinder before": _expire,
        },
    ),
    "10-lists": Scene(_lists, {"marker deleted meanwhile": _gone}),
    "11-get-update-delete": Scene(
        _one_snapshot, {"delete again": _wait_for("one", None), _WITH_BODY: _two}
    ),
    "12-metadata": Scene(_metadata),
    "13-life": Scene(
        _life,
        {
            "second snapshot of the same volume meanwhile": _one_second,
            "when it is available": _wait_for(_SLOW, "available"),
            "a snapshot whose backend fails": _fail_create,
            "failed: get": _wait_for(_FAILED, "error"),
            "failed: delete, which fails too": _fail_delete,
            "error_deleting": _wait_for(_FAILED, "error_deleting"),
            "delete the snapshot that has a volume": _wait_for(
                _FROM_SNAPSHOT, "available", "volumes"
            ),
        },
    ),
    "14-attach": Scene(
        _attach,
        {
            "the volume in use": _wait_for("attach", "in-use", "volumes"),
            "that snapshot": _wait_for(_OF_ATTACHED, "available"),
            "os-detach": _detach_id,
        },
    ),
    "15-volumes": Scene(_volumes),
    "16-life-more": Scene(
        _life_of_volumes,
        {"delete a volume with a snapshot in creating, cascade=true": _new_snapshot},
    ),
}
