"""A cloud that tells every secret it knows wherever it can, and the secrets to look for."""

import json
from datetime import UTC, datetime, timedelta

from tests.evs.evs_loopback import PROJECT, FakeCloud, Reply

# No two alike in six characters, so that a leak names its place. Shapes as in real life.
PASSWORD = "Pw-Canary\"Ümit'1-clouds"
ACCESS_KEY = "AKCANARY7X2LMZ4T9WB3"
SECRET_KEY = "SKcanary/vZk2QmN9xLw4TbY6sHd8fGjC3aE5uWo"
SECURITY_TOKEN = "STcanary-0123456789-security"
TOKEN = "gAAAAABcanaryTOKEN" + "aB3-xY7_" * 12
COOKIE = "cloudcookie-Canary-8841"
JWT = "eyJhbGciOiJDYW5hcnki.eyJzdWIiOiJDYW5hcnkiLCJhIjoxfQ.Q2FuYXJ5U2lnbmF0dXJl"
OTHER_TOKEN = "gAAAAABcanaryOTHER" + "pQ9-zZ1_" * 12
ADMIN_PASS = "adminpass-Canary-5520"
LISTED = ["listed-Canary-1", "listed-Canary-2"]
OF_CLOUD = [
    PASSWORD,
    json.dumps(PASSWORD)[1:-1],
    ACCESS_KEY,
    SECRET_KEY,
    SECURITY_TOKEN,
    TOKEN,
    COOKIE,
    JWT,
    OTHER_TOKEN,
    ADMIN_PASS,
    *LISTED,
]

GOOD, BAD, BROKEN = "11111111", "22222222", "33333333"


def volume_id(kind):
    return f"{kind}-0000-4000-8000-000000000000"


class LeakyCloud(FakeCloud):
    password = PASSWORD

    def sign_in(self, request):
        now = datetime.now(tz=UTC)
        token = {
            "id": OTHER_TOKEN,
            "issued_at": now.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "expires_at": (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "project": {"id": PROJECT},
            "catalog": self.catalog(),
            "echo": json.loads(request.body),
        }
        return Reply(201, {"token": token, "said": self.everything(request)}, self.headers())

    def headers(self):
        return {
            "X-Subject-Token": TOKEN,
            "Set-Cookie": f"session={COOKIE}; HttpOnly",
            "Content-Type": "application/json",
            "Location": f"http://cloud/?token={TOKEN}",
            "X-Request-Id": f"req-{TOKEN}"[:100],
            "X-Strange": COOKIE,
        }

    def everything(self, request):
        """What a cloud can know of who asks, and tokens of somebody else."""
        by_key = "authorization" in request.headers
        secrets = f"{SECRET_KEY} {ACCESS_KEY} {SECURITY_TOKEN}" if by_key else f"{PASSWORD} {TOKEN}"
        start = f"token {OTHER_TOKEN}, {secrets}"
        return f"{start}, X-Auth-Token: {ADMIN_PASS}, Authorization: Bearer {JWT}"

    def reply_to(self, request):
        if request.path.endswith("/auth/tokens"):
            return super().reply_to(request)
        if request.method == "POST":
            return self._create(request)
        fault = {"forbidden": {"code": 403, "message": self.everything(request)}}
        if "quota" in request.path:
            return Reply(403, fault, self.headers())
        if "volumes" in request.path:
            page = f'<html>token="{TOKEN}" password={ADMIN_PASS} {self.everything(request)}</html>'
            return Reply(500, page.encode(), self.headers())
        return Reply(200, {"snapshots": [], "said": self.everything(request)}, self.headers())

    def _create(self, request):
        asked = request.json["snapshot"]
        own = SECRET_KEY if "authorization" in request.headers else PASSWORD
        if asked["volume_id"] == volume_id(BROKEN):
            return Reply(202, f'{{"token": "{OTHER_TOKEN}", {self.everything(request)}'.encode())
        if asked["volume_id"] == volume_id(BAD):
            # The second ends where the portal cuts the message: within a secret.
            message = self.everything(request) + " " + "x" * 200 + own * 20
            fault = {"code": f"EVS.{own}", "message": message, "request_id": TOKEN}
            return Reply(400, {"badRequest": fault}, self.headers())
        made = asked | {"id": "5f6e", "status": "available", "created_at": "2026-03-01T09:00:00"}
        facts = {
            "snapshot": made,
            "adminPass": ADMIN_PASS,
            "tokens": LISTED,
            "access": {"token": {"id": OTHER_TOKEN}},
            "echo": dict(request.headers),
            "said": self.everything(request),
        }
        return Reply(202, facts, self.headers())
