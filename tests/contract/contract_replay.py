"""Replays one topic's rows in the order and state they were recorded in."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_compare import Comparison, header_differences
from contract_differences import reason_not_to_ask
from contract_scenes import SCENES, Stage
from contract_targets import Target

RECORDINGS = Path(__file__).parent / "recordings"
USUAL_HEADERS = {
    "OpenStack-API-Version": "volume 3.0",
    "Vary": "OpenStack-API-Version",
    "Content-Type": "application/json",
    "x-compute-request-id": "req-…",
    "x-openstack-request-id": "req-…",
}
STRANGE_TOKENS = {
    "empty": "",
    "nonsense": "nonsense",
    "fernet": "gAAAAA" + "x" * 200,
    "long": "x" * 7000,
}
TOPICS = sorted(path.stem for path in RECORDINGS.glob("*.json"))


@dataclass(frozen=True)
class Outcome:
    """What became of a row: differences found, or why it was not asked."""

    differences: tuple[str, ...] = ()
    not_asked: str = ""


def rows_of(topic: str) -> list[dict[str, Any]]:
    text = (RECORDINGS / f"{topic}.json").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(text)["rows"]
    return [row for row in rows if "status" in row]


def replay(topic: str, target: Target) -> dict[str, Outcome]:
    """Outcomes by the rows' names."""
    stage = Stage(target)
    comparison = Comparison()
    outcomes: dict[str, Outcome] = {}
    scene = SCENES[topic]
    try:
        scene.set_up(stage)
        for row in rows_of(topic):
            if reason := reason_not_to_ask(target, topic, row):
                outcomes[row["name"]] = Outcome(not_asked=reason)
                continue
            scene.before(stage, row["name"], comparison.ids)
            outcomes[row["name"]] = _asked(row, target, stage, comparison)
    finally:
        stage.clean_up()
    return outcomes


def _asked(row: dict[str, Any], target: Target, stage: Stage, comparison: Comparison) -> Outcome:
    row = _rendered(row, stage.names)
    usual = {"Accept": "application/json"} if row["service"] == "volume" else {}
    headers = {**usual, **row["headers"]}
    if "as" in row:
        headers["X-Auth-Token"] = _token(row["as"], stage)
    if "X-Subject-Token" in headers:
        invalid = row["name"] == "validate an invalid token"
        headers["X-Subject-Token"] = "nonsense" if invalid else stage.token("temporary")
    path = comparison.here(row["path"])
    body = _body(row, stage, comparison)
    reply = target.send(row["service"], row["method"], path, body, headers)
    stage.note(row["method"], path, reply)
    differences = (
        [] if reply.status == row["status"] else [f"{row['status']} became {reply.status}"]
    )
    differences += comparison.bodies(row["answer"], reply.body, loose=row.get("loose", False))
    recorded_headers = row["answer_headers"]
    if recorded_headers == "usual":
        recorded_headers = USUAL_HEADERS
    if recorded_headers or "13-" not in row.get("topic", ""):
        differences += header_differences(recorded_headers, reply.headers)
    return Outcome(tuple(differences))


def _token(who: str, stage: Stage) -> str:
    return STRANGE_TOKENS[who] if who in STRANGE_TOKENS else stage.token(who)


def _rendered(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The row with § names replaced by what they stand for here."""

    def value(match: re.Match[str]) -> str:
        form = {
            "upper": str.upper,
            "lower": str.lower,
            "hex": lambda text: text.replace("-", ""),
            "uuid": _hyphenated,
        }
        plain = names.get(match[1], match[0])
        return form[match[2]](plain) if match[2] else plain

    text = re.sub(r"§(\w+)(?::(\w+))?§", value, json.dumps(row, ensure_ascii=False))
    rendered: dict[str, Any] = json.loads(text)
    return rendered


def _hyphenated(text: str) -> str:
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _body(row: dict[str, Any], stage: Stage, comparison: Comparison) -> bytes | None:
    body = row["body"]
    if isinstance(body, dict) and "recipe" in body:
        return _recipe(body["recipe"], stage)
    if isinstance(body, dict | list):
        return comparison.here(json.dumps(body)).encode()
    return None if body is None else comparison.here(body).encode("utf-8", "surrogatepass")


def _recipe(name: str, stage: Stage) -> bytes:
    """Bodies too long, or too broken, to keep."""
    volume = stage.names.get("vol", "")
    short = json.dumps({"snapshot": {"volume_id": volume}})
    if match := re.fullmatch(r"body of (\d+) bytes", name):
        return (short[:-1] + " " * (int(match[1]) - len(short)) + "}").encode()
    return {
        "body over the limit": b'{"auth": {}, "padding": "' + b"x" * 200_000 + b'"}',
        "body of 2 MB": b'{"snapshot": {"name": "' + b"x" * 2_000_000 + b'"}}',
        "deeply nested JSON": b'{"snapshot": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        "name: invalid UTF-8 in the body": b'{"snapshot": {"volume_id": "%s", "name": "a\xff"}}'
        % volume.encode(),
    }[name]
