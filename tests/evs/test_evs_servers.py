"""Reading servers: another service of the catalog, other pages, and only ids and names."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from evs_loopback import PROJECT, Reply

from snapshots.evs import errors
from snapshots.evs.catalog import Service, find_root
from snapshots.evs.dialects import COMPUTE

FORBIDDEN = {"forbidden": {"code": 403, "message": "Policy doesn't allow it."}}


@pytest.fixture
def with_compute(cloud):
    """The catalog of a cloud that also has a compute service."""
    endpoint = {"interface": "public", "region": "here", "url": f"{cloud.url}/v2.1/{PROJECT}"}
    services = [*cloud.catalog(), {"type": "compute", "endpoints": [endpoint]}]
    cloud.catalog = lambda: services
    return cloud


class Nova:
    """Pages by marker; a marker that was deleted is a bad request."""

    def __init__(self, rows):
        self.rows = list(rows)
        self.deleted = set()  # as soon as they were listed

    def __call__(self, request):
        query = dict(parse_qsl(urlsplit(request.path).query))
        ids = [row["id"] for row in self.rows]
        start = ids.index(query["marker"]) + 1 if query.get("marker") in ids else 0
        if "marker" in query and not start:
            message = f"marker [{query['marker']}] not found"
            return Reply(400, {"badRequest": {"code": 400, "message": message}})
        limit = int(query["limit"])
        page = self.rows[start : start + limit]
        self.rows = [row for row in self.rows if row["id"] not in self.deleted]
        answer = {"servers": page}
        if len(page) == limit:
            link = {"rel": "next", "href": "http://nova.internal/v2.1/servers/detail"}
            answer["servers_links"] = [link]
        return Reply(200, answer)


def server(number, **changes):
    return {"id": f"server-{number}", "name": f"web-{number}", "status": "ACTIVE"} | changes


def test_servers_are_read_from_their_own_service(with_compute, client):
    with_compute.otherwise = Nova([server(1), server(2, name="خادم")])
    listed = client().list_servers()
    assert [(row.id, row.name) for row in listed.rows] == [
        ("server-1", "web-1"),
        ("server-2", "خادم"),
    ]
    assert with_compute.calls == ["GET /v2.1/{p}/servers/detail?limit=100"]


@pytest.mark.parametrize("dialect", ["native-v2", "vendor-v2"])
def test_servers_page_by_marker_in_every_dialect(with_compute, client, dialect):
    with_compute.otherwise = Nova([server(number) for number in range(7)])
    listed = client(dialect=dialect).list_servers(limit=3)
    assert len(listed.rows) == 7
    assert with_compute.calls[1:] == [
        "GET /v2.1/{p}/servers/detail?limit=3&marker=server-2",
        "GET /v2.1/{p}/servers/detail?limit=3&marker=server-5",
    ]


def test_marker_that_was_deleted_costs_no_reading(with_compute, client):
    with_compute.otherwise = nova = Nova([server(number) for number in range(5)])
    nova.deleted = {"server-2"}
    names = [row.name for row in client().list_servers(limit=3).rows]
    assert names == ["web-0", "web-1", "web-2", "web-3", "web-4"]


def test_bad_request_without_a_marker_is_told_as_such(with_compute, client):
    with_compute.otherwise = Reply(400, {"badRequest": {"code": 400, "message": "no"}})
    with pytest.raises(errors.BadRequest):
        client().list_servers()


def test_names_may_be_missing_and_ids_not(with_compute, client):
    rows = [server(1, name=None), server(2, name=7), {"name": "lost"}, server(3, id="x" * 65), 4]
    with_compute.otherwise = Reply(200, {"servers": [*rows, server(4, name="n" * 300)]})
    listed = client().list_servers()
    assert [(row.id, len(row.name)) for row in listed.rows] == [
        ("server-1", 0),
        ("server-2", 0),
        ("server-4", 255),
    ]
    assert not listed.is_whole
    assert listed.trouble.startswith("3 of the list's rows cannot be read.")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(403, FORBIDDEN), errors.Forbidden),
        (Reply(404, b"<html>"), errors.NoSuchApi),
        (Reply(503, b""), errors.ServerFault),
        (Reply(200, {"volumes": []}), errors.UnreadableAnswer),
    ],
)
def test_refusals_are_told_apart(with_compute, client, reply, error):
    with_compute.otherwise = reply
    with pytest.raises(error):
        client().list_servers()


def test_catalog_without_compute_service_says_what_to_write(cloud, client):
    with pytest.raises(errors.NoEndpoint, match=r"compute endpoint .*evs\.compute_endpoint"):
        client().list_servers()
    assert cloud.calls == []


def test_endpoint_of_the_settings_needs_no_catalog(cloud, client):
    cloud.otherwise = Nova([server(1)])
    listed = client(compute_endpoint=f"{cloud.url}/nova/v2.1").list_servers()
    assert len(listed.rows) == 1
    assert cloud.calls == ["GET /nova/v2.1/{p}/servers/detail?limit=100"]


@pytest.mark.parametrize(
    ("services", "root"),
    [
        ([("compute", "https://h:8774/v2.1")], "https://h:8774"),
        ([("compute", "https://h/compute/v2.1/p")], "https://h/compute"),
        ([("ecs", "https://ecs/v1/p")], "https://ecs"),
        ([("ecs", "https://ecs/v1.1/p"), ("compute", "https://nova/v2/p")], "https://nova"),
    ],
)
def test_catalog_leads_to_the_compute_service(services, root):
    catalog = [Service(type=kind, region="r", url=url) for kind, url in services]
    assert find_root(catalog, api=COMPUTE, region="r") == root
