"""Lists of /v2 and of the vendor's dialect: paging, filters and links."""

import pytest

from snapshots.sandbox.scenarios import volume_named

LOGS = volume_named("web-01-logs")
CACHE = volume_named("build-cache")


@pytest.fixture
def five(client, clock):
    """Ids of five snapshots, newest first."""
    ids = []
    for number in range(5):
        volume = CACHE if number == 2 else LOGS
        ids.append(client.create(volume, name=f"n{number}").body["snapshot"]["id"])
        clock.move(1)
    return ids[::-1]


def ids_of(reply):
    return [snapshot["id"] for snapshot in reply.body["snapshots"]]


def test_vendor_list_counts_and_pages_by_offset(client, five):
    path = "/cloudsnapshots/detail"
    page = client.ask("GET", f"{path}?limit=2&offset=1")
    assert (page.body["count"], ids_of(page)) == (5, five[1:3])
    assert page.body["snapshots"][0]["service_type"] == "EVS"
    chosen = client.ask("GET", f"{path}?id={five[0]}&id={five[4]}")
    assert (chosen.body["count"], ids_of(chosen)) == (2, [five[0], five[4]])


def test_native_list_pages_by_marker(client, five):
    first = client.ask("GET", "/snapshots/detail?limit=3")
    assert ids_of(first) == five[:3]
    second = client.ask("GET", f"/snapshots/detail?limit=3&marker={five[2]}")
    assert ids_of(second) == five[3:]
    assert "snapshots_links" not in second.body


def test_next_link_names_a_host_that_cannot_be_reached(client, five):
    link = client.ask("GET", "/snapshots?limit=1").body["snapshots_links"][0]
    assert link["rel"] == "next"
    assert link["href"].startswith("http://volume.localdomain.com:8776/v2/")
    assert link["href"].endswith(f"limit=1&marker={five[0]}")


def test_filters(client, five):
    assert ids_of(client.ask("GET", f"/snapshots?volume_id={CACHE.id}")) == [five[2]]
    assert ids_of(client.ask("GET", "/snapshots?name=n4")) == [five[0]]
    assert ids_of(client.ask("GET", "/snapshots?name=n")) == []
    zone = client.ask("GET", f"/snapshots/detail?availability_zone={CACHE.az}")
    assert len(ids_of(zone)) == 5
    assert len(ids_of(client.ask("GET", "/snapshots?colour=red"))) == 5


NINES = "9" * 5000  # Python reads no number of so many digits


@pytest.mark.parametrize("limit", [f"%2B{NINES}", "5000", "0" * 5000 + "1000"])
def test_large_limit_is_cut(limit, client, five):
    reply = client.ask("GET", f"/snapshots?limit={limit}", version="v3")
    assert ids_of(reply) == five


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("limit=0", 400, "EVS.1023"),
        ("limit=1001", 400, "EVS.1023"),
        ("limit=x", 400, "EVS.5400"),
        ("offset=-1", 400, "EVS.5400"),
        pytest.param(f"limit={NINES}", 400, "EVS.1023", id="endless limit"),
        pytest.param(f"limit=-{NINES}", 400, "EVS.5400", id="endless limit below none"),
        pytest.param(f"offset={NINES}", 400, "EVS.5400", id="endless offset"),
        ("marker=nonsense", 400, "EVS.1024"),
        ("marker=00000000-0000-4000-8000-000000000000", 404, "EVS.5404"),
        ("sort_key=nonsense", 400, "EVS.1039"),
        ("sort_dir=up", 400, "EVS.1040"),
    ],
)
def test_bad_parameters(client, query, status, code):
    reply = client.ask("GET", f"/snapshots?{query}")
    assert (reply.status, reply.code) == (status, code)


def test_volumes_have_the_fields_of_the_picker(client):
    volumes = client.ask("GET", "/cloudvolumes/detail").body
    by_name = {volume["name"]: volume for volume in volumes["volumes"]}
    assert volumes["count"] == len(volumes["volumes"])
    database = by_name["db-primary-data"]
    assert database["status"] == "in-use"
    assert database["attachments"][0]["device"] == "/dev/vdb"
    assert database["bootable"] == "false"
    assert by_name["hr-confidential"]["metadata"]["__system__encrypted"] == "1"
    assert by_name["cluster-quorum"]["multiattach"] is True
    assert "" in by_name


def test_thousands_of_snapshots_are_paged(client, start):
    added = client.send("POST", "/_sandbox/volumes", {"count": 300, "name": "load"}).body["ids"]
    for volume in added[:250]:
        assert client.create(volume, version="v3").status == 202
    seen, marker = 0, ""
    while True:
        page = ids_of(client.ask("GET", f"/snapshots?limit=100{marker}"))
        if not page:
            break
        seen, marker = seen + len(page), f"&marker={page[-1]}"
    assert seen == 250
