"""Makes the fixtures in `recordings/` from full recordings of a real Keystone and Cinder.

    python tests/contract/trim_recordings.py FOLDER_WITH_FULL_RECORDINGS

Each row keeps what was asked (by whom, method, path, headers, body) and what was answered
(status, body, the headers that say something). Ids that a scene sets up become names between §,
so that they can be replaced by the ids of another cloud; bodies too long to keep become the name
of a recipe in `contract_replay.BODIES`.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

SOURCES = {"16-life-more": "2026-11-28"}
SOURCE = "real Cinder 29.0 / Keystone 30.0, recorded {}"
KEPT_HEADERS = (
    "OpenStack-API-Version",
    "Vary",
    "Content-Type",
    "Retry-After",
    "Allow",
    "WWW-Authenticate",
    "X-Subject-Token",
    "x-compute-request-id",
    "x-openstack-request-id",
)
USUAL_HEADERS = {
    "OpenStack-API-Version": "volume 3.0",
    "Vary": "OpenStack-API-Version",
    "Content-Type": "application/json",
    "x-compute-request-id": "req-…",
    "x-openstack-request-id": "req-…",
}
EVERYWHERE = {
    "f55c3946d7644305a51de1a01022eb4d": "mine",
    "50d5b8dad2d14660b843ad24fa8d6436": "mine",
    "3032672c9f07483db459edd48dc94f10": "mine",
    "f501089456fb4feb82c70116c659110a": "other",
    "c78a9717401048b0b37f7b09920658c9": "small",
    "56e22d2d43da4941bc1d7632c258268f": "admin",
    "1b6fcf4c307241c5a87936396154307d": "user",
    "3aa0890c-b0e5-42c7-9c8d-8746a7f7fec1": "vol",
    "56278d27-7874-4c34-8699-f8cd81cfeaff": "used",
}
BY_TOPIC = {
    "06-create-refused": {"7ff43df9-ab55-4d61-913a-533a225f1019": "foreign"},
    "07-states-and-force": {"80c826ca-3269-4e83-87a2-d2337a1d71b3": "states"},
    "08-quota": {
        "412f684c-d67a-4b18-96d2-5ac353ca66bc": "first",
        "09c0a86a-8108-4f41-a56b-803b039dc7b3": "second",
    },
    "10-lists": {
        "330efabb-6133-4f47-8ee1-a5236b9586ab": "list",
        "56053301-e0a7-49a4-b05f-a7be790bfd71": "a",
        "319dbe1b-957f-4cdc-8874-a96faa6925cc": "b1",
        "474cbc71-588e-40f8-a903-024506ce469b": "b2",
        "eb355f24-88a4-4379-b25c-82b85fa83aa6": "c",
        "126d94c6-e233-4b65-81aa-34072682cd0b": "u",
        "9a5eca4a-4a01-447f-8fd6-814185197871": "foreign",
        "9699eba7-d1bf-4b2f-b9c9-be76ce030326": "gone",
    },
    "11-get-update-delete": {"f5fa82ec-b13c-4ac1-b9f1-0fdb6d0fd02a": "one"},
    "12-metadata": {"74d19d1d-e1a4-4915-ab57-6128fc479a5b": "one"},
    "13-life": {
        "10295860-c9ab-4b06-962a-6de3f8821a1c": "source",
        "a7b39a37-99d6-4155-b775-8f925ca3ff4a": "reset",
        "791f88ae-375a-42b4-949a-5bcced9f3098": "unknown",
    },
    "14-attach": {"c194d3e4-6a75-425b-aa4f-a013f012abd8": "attach"},
    "15-volumes": {
        "c194d3e4-6a75-425b-aa4f-a013f012abd8": "attach",
        "c391815d-5f67-4d52-88fc-61c2e4c47332": "same1",
        "b2e668e1-0e83-486e-a055-2d05a953afa3": "same2",
    },
    "16-life-more": {
        "f9271844-a099-4862-86d5-a9294c05cb4c": "vol",
        "178c7d07-d109-4cdc-ac1d-9e8e94209720": "with_snapshots",
        "11e4290a-78d8-4bb1-9108-974f63dfeb9b": "with_new_snapshot",
        "5bac92d7-2aa3-4bf6-9890-64e65ef175ea": "source",
    },
}
# Of these topics only what is about volumes; the rest is about calls that the sandbox has not.
SELECTED = {
    "16-life-more": {
        "delete the volume that has an error_deleting snapshot, cascade",
        "delete a volume with snapshots",
        "delete a volume with snapshots, cascade=true",
        "delete a volume with a snapshot in creating, cascade=true",
        "with_count=nonsense",
        *(f"restore: {case}" for case in ("equal size", "larger", "smaller", "unknown field")),
        *(f"restore: {case}" for case in ("unknown type", "other zone", "malformed snapshot")),
        *(f"restore: {case}" for case in ("snapshot and source volume", "as reader")),
    },
}
TOKENS = {
    "no token": "",
    "empty token": "empty",
    "nonsense token": "nonsense",
    "token of another shape": "fernet",
    "very long token": "long",
    "unscoped token": "unscoped",
    "another project in the path": "mine",
    "another project in the path, POST": "mine",
    "administrator, path of another project": "admin",
    "reader lists": "reader",
    "token before it is revoked": "revoked",
    "revoked, known to Cinder before": "revoked",
    "revoked, never seen by Cinder": "unseen",
    "short-lived token, fresh": "expired",
    "short-lived token, expired, known to Cinder before": "expired",
    "expired token at Keystone": "expired",
    "expired token, POST": "expired",
    "reader role": "reader",
    "as reader": "reader",
    "restore: as reader": "reader",
    "update as reader": "reader",
    "delete as reader": "reader",
    "validate own token": "temporary",
    "validate an invalid token": "temporary",
    "projects of the user": "temporary",
    "catalog": "temporary",
    "revoke": "temporary",
    "validate the revoked token with itself": "temporary",
}
BODIES = {
    "body over the limit",
    "body of 114688 bytes",
    "body of 114689 bytes",
    "body of 2 MB",
    "deeply nested JSON",
    "name: invalid UTF-8 in the body",
}
LOOSE = {  # project-wide lists: how many there are depends on the cloud
    *("no project in the path", "no project in the path, newest version", "reader lists"),
    *("token before it is revoked", "revoked, known to Cinder before", "short-lived token, fresh"),
    *("display_name=", "id=", "project_id= (member)", "list status=creating"),
    *("failed: in the list", "limit=1001 is cut to osapi_max_limit", "status=in-use"),
    "sort=id:asc",  # the ids are each cloud's own
    *("name=", "name= in other case", "name= non-ASCII"),
}


def trimmed(topic: str, row: dict[str, Any]) -> dict[str, Any]:
    """One row as it is kept."""
    if "response" not in row:
        return row
    request, response, name = row["request"], row["response"], row["name"]
    trimmed_row = {
        "name": name,
        "service": "identity" if request["port"] in (15000, 15001) else "volume",
        "as": _who(request, name),
        "method": request["method"],
        "path": request["path"],
        "headers": _request_headers(request),
        "body": _invented_names(request["body"]) if topic == "01-tokens" else request["body"],
        "status": response["status"],
        "answer_headers": _headers(response),
        "answer": _invented_names(_answer(response["body"]), answer=True)
        if topic == "01-tokens"
        else _answer(response["body"]),
    }
    if name in BODIES:
        trimmed_row["body"] = {"recipe": name}
    if name in LOOSE:
        trimmed_row["loose"] = True
    if not trimmed_row["as"]:
        del trimmed_row["as"]
    return trimmed_row


def _who(request: dict[str, Any], name: str) -> str:
    if "X-Auth-Token" not in request["headers"]:
        return ""
    if name in TOKENS:
        return TOKENS[name]
    projects = {ident: who for ident, who in EVERYWHERE.items() if len(who) > 3 and who != "used"}
    for ident, who in projects.items():
        if f"/{ident}/" in request["path"] and who in ("other", "small", "admin"):
            return who
    return "mine"


def _request_headers(request: dict[str, Any]) -> dict[str, str]:
    usual = (("X-Auth-Token", "***"), ("Accept", "application/json"))
    return {k: v for k, v in request["headers"].items() if (k, v) not in usual}


def _headers(response: dict[str, Any]) -> dict[str, str] | str:
    """The headers that say something; in one word where they are the usual ones."""
    given = {name.lower(): value for name, value in response.get("headers", [])}
    headers = {name: given[name.lower()] for name in KEPT_HEADERS if name.lower() in given}
    headers = {
        name: re.sub(r"req-[0-9a-f-]{36}", "req-…", value) for name, value in headers.items()
    }
    return "usual" if headers == USUAL_HEADERS else headers


def _answer(body: Any) -> Any:
    """The body; of Keystone's schema message only the first line, of an undescribable list the
    shape.
    """
    if isinstance(body, str) and body.startswith("«"):
        noun = "snapshots" if '"snapshots"' in body else "other"
        return {"described": noun}
    if isinstance(body, dict) and isinstance(body.get("extensions"), list):
        return {"extensions": body["extensions"][:2]}
    text = json.dumps(body)
    if "Failed validating" in text:
        body["error"]["message"] = body["error"]["message"].split("\n")[0]
    return body


def _invented_names(body: Any, *, answer: bool = False) -> Any:
    """User, password, project and domain become names between §."""
    text = json.dumps(body)
    if answer:
        text = re.sub(r'("(?:domain_|parent_)?id": )"default"', r'\1"§domain_id§"', text)
        ident = next(ident for ident, who in EVERYWHERE.items() if who == "mine")
        text = text.replace(
            f'"id": "{ident}", "name": "record"', f'"id": "{ident}", "name": "§project§"'
        )
    text = text.replace('"portal-699d54ce"', '"§unique§"')
    text = text.replace('"realcloud-record"', '"§password§"')
    text = text.replace('"project": {"name": "record"', '"project": {"name": "§project§"')
    text = text.replace('"name": "record"', '"name": "§username§"')
    text = text.replace('"RECORD"', '"§username:upper§"')
    text = text.replace('"Default"', '"§domain§"').replace('"default"', '"§domain:lower§"')
    text = text.replace('"nobody"', '"§nobody§"').replace(
        '"realcloud-nobody"', '"§nobody_password§"'
    )
    return json.loads(text)


def named(topic: str, text: str) -> str:
    """Ids of the scene by their names."""
    for ident, name in {**EVERYWHERE, **BY_TOPIC.get(topic, {})}.items():
        text = text.replace(ident, f"§{name}§").replace(ident.upper(), f"§{name}:upper§")
        if "-" in ident:
            text = text.replace(ident.replace("-", ""), f"§{name}:hex§")
        else:
            parts = (ident[:8], ident[8:12], ident[12:16], ident[16:20], ident[20:])
            text = text.replace("-".join(parts), f"§{name}:uuid§")
    return text


def main() -> None:
    source, target = Path(sys.argv[1]), Path(__file__).parent / "recordings"
    for path in sorted(source.glob("*.json")):
        topic = path.stem
        full = json.loads(path.read_text(encoding="utf-8"))
        names = SELECTED.get(topic, {row["name"] for row in full})
        rows = [trimmed(topic, row) for row in full if row["name"] in names]
        lines = [named(topic, json.dumps(row, ensure_ascii=False)) for row in rows]
        source_text = SOURCE.format(SOURCES.get(topic, "2026-11-23"))
        head = json.dumps({"source": source_text, "made by": "tests/contract/trim_recordings.py"})
        text = f'{head[:-1]},\n "rows": [\n' + ",\n".join(lines) + "\n]}\n"
        json.loads(text)
        (target / path.name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{topic}: {len(rows)} rows, {len(text.encode())} bytes\n")


if __name__ == "__main__":
    main()
