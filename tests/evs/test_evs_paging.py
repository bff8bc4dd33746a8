"""Reading whole lists from clouds whose pages are incomplete, repeated or changing."""

import gc
from urllib.parse import parse_qsl, urlsplit

import pytest
from evs_loopback import Reply, snapshot

from snapshots.evs import errors
from snapshots.evs.client import EvsClient
from snapshots.evs.paging import MOST_PAGES
from snapshots.evs.types import CloudSnapshot


class Shelf:
    """Answers lists as Cinder does: by marker or offset, a next link when a page is full."""

    def __init__(self, rows, *, server_limit=1000, links=True, count=False):
        self.rows = list(rows)
        self.server_limit = server_limit
        self.links = links
        self.count = count

    def __call__(self, request):
        query = dict(parse_qsl(urlsplit(request.path).query))
        start = int(query.get("offset", 0))
        if "marker" in query:
            ids = [row["id"] for row in self.rows]
            if query["marker"] not in ids:
                return Reply(404, {"itemNotFound": {"code": 404, "message": "no such marker"}})
            start = ids.index(query["marker"]) + 1
        limit = min(int(query["limit"]), self.server_limit)
        page = self.rows[start : start + limit]
        answer = {"snapshots": page}
        if self.links and len(page) == limit:
            link = {"rel": "next", "href": "http://172.28.9.185:8776/v2/x"}
            answer["snapshots_links"] = [link]
        if self.count:
            answer["count"] = len(self.rows)
        return Reply(200, answer)


def ids(rows):
    return [row.id for row in rows]


EIGHT = [snapshot(number) for number in range(8)]
EIGHT_IDS = [row["id"] for row in EIGHT]


@pytest.mark.parametrize("limit", [1, 3, 4, 8, 9])
@pytest.mark.parametrize("dialect", ["native-v2", "vendor-v2"])
@pytest.mark.parametrize(
    "shape",
    [{}, {"links": False}, {"links": False, "count": True, "server_limit": 2}, {"server_limit": 2}],
)
def test_all_pages_are_read(cloud, client, limit, dialect, shape):
    cloud.otherwise = Shelf(EIGHT, **shape)
    assert ids(client(dialect=dialect).list_snapshots(limit=limit)) == EIGHT_IDS


class Shaky(Shelf):
    """Fails each page the first time."""

    def __init__(self, rows):
        super().__init__(rows)
        self.failed = set()

    def __call__(self, request):
        if request.path not in self.failed:
            self.failed.add(request.path)
            return Reply(503, {"computeFault": {"code": 503, "message": "busy"}})
        return super().__call__(request)


def test_failing_page_in_the_middle_ends_no_list(cloud, client, recorder):
    cloud.otherwise = shelf = Shaky(EIGHT)
    hasty = EvsClient(client()._connection, recorder, pauses_seconds=())
    with pytest.raises(errors.ServerFault):
        hasty.list_snapshots(limit=3)
    assert len(cloud.calls) == 1  # the caller plans the next try
    assert ids(hasty.list_snapshots(limit=3)) == EIGHT_IDS
    assert len(cloud.calls) == 1 + 1 + 2 * 2
    shelf.failed.clear()
    assert ids(client().list_snapshots(limit=3)) == EIGHT_IDS


def test_reading_ends_when_all_ids_were_read(cloud, client):
    cloud.otherwise = Shelf(EIGHT)
    two_ids = frozenset({EIGHT_IDS[0], EIGHT_IDS[3]})
    assert two_ids <= set(ids(client().list_readable_snapshots(ids=two_ids, limit=2).rows))
    assert len(cloud.calls) == 2


def test_missing_id_is_searched_to_the_last_page(cloud, client):
    cloud.otherwise = Shelf(EIGHT)
    listed = client().list_readable_snapshots(ids=frozenset({"nowhere"}), limit=3)
    assert ids(listed.rows) == EIGHT_IDS
    assert len(cloud.calls) == 3


def test_markers_are_ours_and_links_are_not_followed(cloud, client):
    cloud.otherwise = Shelf(EIGHT)
    client().list_snapshots(limit=4, volume_id="volume-1")
    assert cloud.calls == [
        "GET /v2/{p}/snapshots/detail?limit=4&volume_id=volume-1",
        "GET /v2/{p}/snapshots/detail?limit=4&marker=snapshot-3&volume_id=volume-1",
        "GET /v2/{p}/snapshots/detail?limit=4&marker=snapshot-7&volume_id=volume-1",
    ]


def test_vendor_dialect_pages_by_offset(cloud, client):
    cloud.otherwise = Shelf(EIGHT, links=False, count=True)
    client(dialect="vendor-v2").list_snapshots(limit=5)
    assert cloud.calls == [
        "GET /v2/{p}/cloudsnapshots/detail?limit=5",
        "GET /v2/{p}/cloudsnapshots/detail?limit=5&offset=5",
    ]


def test_filters_the_cloud_ignores_are_applied_here(cloud, client):
    rows = [
        snapshot(1, name="same", volume_id="a"),
        snapshot(2, name="SAME", volume_id="a"),
        snapshot(3, name="same", volume_id="b"),
        snapshot(4, name="same", volume_id="a", status="error"),
    ]
    cloud.otherwise = Shelf(rows)
    listed = client().list_snapshots(volume_id="a", name="same", status="available")
    assert ids(listed) == ["snapshot-1"]
    assert "name=same&status=available&volume_id=a" in cloud.calls[0]


def removing(cloud, shelf, numbers, *, after):
    """Answers from the shelf, and removes these snapshots right after so many calls."""
    names = {f"snapshot-{number}" for number in numbers}

    def answer(request):
        reply = shelf(request)
        if len(cloud.calls) == after:
            shelf.rows = [row for row in shelf.rows if row["id"] not in names]
        return reply

    return answer


@pytest.mark.parametrize(
    ("deleted", "markers"),
    [
        ({5}, ["2", "5", "4"]),
        ({4, 5}, ["2", "5", "4", "3"]),
        ({3, 5}, ["2", "5", "4"]),
        ({0, 5}, ["2", "5", "4"]),
    ],
)
def test_reading_continues_before_a_deleted_marker(cloud, client, deleted, markers):
    cloud.otherwise = removing(cloud, Shelf(EIGHT), deleted, after=2)
    assert ids(client().list_snapshots(limit=3)) == EIGHT_IDS
    assert [call.split("snapshot-")[1] for call in cloud.calls[1:]] == markers


def test_rows_after_an_earlier_marker_are_no_repetition(cloud, client):
    cloud.otherwise = removing(cloud, Shelf(EIGHT), {2, 3, 4}, after=1)
    assert ids(client().list_snapshots(limit=5)) == EIGHT_IDS


def test_list_begins_again_when_a_whole_page_vanished(cloud, client):
    cloud.otherwise = removing(cloud, Shelf(EIGHT), {3, 4, 5}, after=2)
    expected = [row for row in EIGHT_IDS if row not in {"snapshot-3", "snapshot-4", "snapshot-5"}]
    assert ids(client().list_snapshots(limit=3)) == expected


def test_list_with_vanishing_markers_is_not_empty(cloud, client):
    shelf = Shelf(EIGHT)
    gone = Reply(404, {"itemNotFound": {"code": 404, "message": "no such marker"}})
    cloud.otherwise = lambda request: gone if "marker" in request.path else shelf(request)
    with pytest.raises(errors.UnreadableAnswer, match="changed faster"):
        client().list_snapshots(limit=3)
    assert len(cloud.calls) == 16


def test_long_page_of_vanished_rows_costs_few_calls(cloud, client):
    shelf = Shelf(snapshot(number) for number in range(2000))
    cloud.otherwise = removing(cloud, shelf, range(500, 1000), after=1)
    assert len(client().list_snapshots(limit=1000)) == 2000
    assert len(cloud.calls) == 13


def test_missing_api_is_no_deleted_marker(cloud, client):
    cloud.otherwise = Reply(404, {"error_code": "APIGW.0101", "error_msg": "no such API"})
    with pytest.raises(errors.NoSuchApi):
        client().list_snapshots()
    assert len(cloud.calls) == 1


@pytest.mark.parametrize("dialect", ["native-v2", "vendor-v2"])
def test_cloud_that_ignores_the_position_ends_unreadable(cloud, client, dialect):
    cloud.otherwise = Reply(200, {"snapshots": EIGHT[:3]})
    with pytest.raises(errors.UnreadableAnswer, match="repeats"):
        client(dialect=dialect).list_snapshots(limit=3)
    assert len(cloud.calls) == 2


def test_offset_pages_that_shift_are_no_repetition(cloud, client):
    shelf = Shelf(EIGHT, links=False)

    def answer(request):
        reply = shelf(request)
        if len(cloud.calls) == 1:
            shelf.rows = [snapshot(99), *shelf.rows]
        return reply

    cloud.otherwise = answer
    listed = ids(client(dialect="vendor-v2").list_snapshots(limit=3))
    assert listed == EIGHT_IDS


def test_endless_list_is_given_up(cloud, client, monkeypatch):
    monkeypatch.setattr("snapshots.evs.paging.MOST_PAGES", 5)
    assert MOST_PAGES == 1000
    cloud.otherwise = lambda _request: Reply(200, {"snapshots": [snapshot(len(cloud.calls))]})
    with pytest.raises(errors.UnreadableAnswer, match="does not end"):
        client().list_snapshots(limit=1)
    assert len(cloud.calls) == 5


def test_too_long_page_is_read_in_smaller_pages(cloud, client):
    heavy = [snapshot(n, metadata={"k": "v" * 250_000}) for n in range(8)]
    cloud.otherwise = Shelf(heavy)
    assert ids(client().list_snapshots(limit=8)) == EIGHT_IDS
    assert "limit=8" in cloud.calls[0]
    assert "limit=2" in cloud.calls[1]


@pytest.mark.parametrize(
    "answer",
    [{}, {"snapshots": None}, {"snapshots": [5]}, {"snapshots": [{"id": "x"}]}, [], "x"],
)
def test_malformed_list_is_unreadable(cloud, client, answer):
    cloud.otherwise = Reply(200, answer, {"X-Request-Id": "req-3"})
    with pytest.raises(errors.UnreadableAnswer) as caught:
        client().list_snapshots()
    assert caught.value.request_id == "req-3"


def test_volumes_are_listed(cloud, client):
    rows = [{"id": f"v{n}", "status": "available", "size": n} for n in range(3)]
    cloud.otherwise = Reply(200, {"volumes": rows})
    assert [volume.size_gb for volume in client().list_volumes().rows] == [0, 1, 2]
    assert cloud.calls == ["GET /v2/{p}/volumes/detail?limit=200"]


def without(row, key):
    return {name: value for name, value in row.items() if name != key}


WITHOUT_STATUS = [*EIGHT[:3], without(EIGHT[3], "status"), *EIGHT[4:]]


@pytest.mark.parametrize("dialect", ["native-v2", "vendor-v2"])
@pytest.mark.parametrize("limit", [1, 2, 4, 9])
def test_a_row_that_cannot_be_read_hides_no_other(cloud, client, limit, dialect):
    cloud.otherwise = Shelf(WITHOUT_STATUS)
    listed = client(dialect=dialect).list_readable_snapshots(limit=limit)
    assert ids(listed.rows) == [*EIGHT_IDS[:3], *EIGHT_IDS[4:]]
    assert [row.id for row in listed.unreadable] == ["snapshot-3"]
    assert not listed.is_whole
    assert "without status" in listed.trouble


def test_strict_reader_gets_no_part_of_a_list(cloud, client):
    cloud.otherwise = Shelf(WITHOUT_STATUS)
    with pytest.raises(errors.UnreadableAnswer, match="without status"):
        client().list_snapshots(limit=2)


@pytest.mark.parametrize("nameless", [{}, {"id": None}, 5, {"id": "x" * 65}, {"id": ""}])
def test_row_without_id_is_counted_and_paging_continues(cloud, client, nameless):
    pages = ([EIGHT[0], nameless], [nameless, *EIGHT[1:]], [])
    cloud.script.extend(Reply(200, {"snapshots": page}) for page in pages)
    listed = client().list_readable_snapshots(limit=2)
    assert "marker=snapshot-0" in cloud.calls[1]
    assert ids(listed.rows) == EIGHT_IDS
    assert listed.unreadable


def test_page_without_any_id_ends_the_reading(cloud, client):
    cloud.otherwise = Reply(200, {"snapshots": [{}, {}]})
    with pytest.raises(errors.UnreadableAnswer, match="read on"):
        client().list_readable_snapshots(limit=2)


def test_a_volume_that_cannot_be_read_hides_no_other(cloud, client):
    rows = [{"id": "v0", "status": "available"}, {"id": "v1"}, {"id": "v2", "status": "in-use"}]
    cloud.otherwise = Reply(200, {"volumes": rows})
    listed = client().list_volumes()
    assert ids(listed.rows) == ["v0", "v2"]
    assert listed.trouble.startswith("1 of the list's rows cannot be read.")
    assert listed.trouble.endswith("holds a volume without status. (v1)")


@pytest.mark.parametrize("dialect", ["native-v2", "vendor-v2"])
def test_pages_come_as_they_are_read(cloud, client, dialect):
    cloud.otherwise = Shelf(WITHOUT_STATUS)
    pages = client(dialect=dialect).snapshot_pages(limit=3)
    first = next(pages)
    assert (ids(first.rows), len(cloud.calls)) == (EIGHT_IDS[:3], 1)
    second, third = pages
    assert (ids(second.rows), [row.id for row in second.unreadable]) == (
        EIGHT_IDS[4:6],
        ["snapshot-3"],
    )
    assert ids(third.rows) == EIGHT_IDS[6:]


def test_pages_ask_for_a_thousand_rows_and_shrink(cloud, client):
    heavy = [snapshot(n, metadata={"k": "v" * 250_000}) for n in range(6)]
    cloud.otherwise = Shelf(heavy, server_limit=5)
    pages = [ids(page.rows) for page in client().snapshot_pages()]
    assert [row for page in pages for row in page] == EIGHT_IDS[:6]
    assert cloud.calls[0].endswith("limit=1000")


def test_rows_come_again_when_the_pages_begin_again(cloud, client):
    cloud.otherwise = removing(cloud, Shelf(EIGHT), {3, 4, 5}, after=2)
    pages = [ids(page.rows) for page in client().snapshot_pages(limit=3)]
    assert pages == [EIGHT_IDS[:3], EIGHT_IDS[3:6], EIGHT_IDS[:3], EIGHT_IDS[6:]]


def test_repeated_pages_are_refused_after_good_ones(cloud, client):
    cloud.otherwise = Reply(200, {"snapshots": EIGHT[:3]})
    pages = client().snapshot_pages(limit=3)
    assert ids(next(pages).rows) == EIGHT_IDS[:3]
    with pytest.raises(errors.UnreadableAnswer, match="repeats"):
        next(pages)


def test_read_pages_are_not_held_in_memory(cloud, client):
    cloud.otherwise = Shelf(snapshot(number, id=f"held-{number}") for number in range(40))
    counts = [snapshots_in_memory("held-") for _page in client().snapshot_pages(limit=4)]
    assert len(counts) == 11
    assert max(counts) <= 8


def snapshots_in_memory(prefix):
    objects = (thing for thing in gc.get_objects() if isinstance(thing, CloudSnapshot))
    return sum(thing.id.startswith(prefix) for thing in objects)


def test_fault_in_the_middle_ends_the_pages(cloud, client):
    shelf = Shelf(EIGHT)
    denied = Reply(403, {"forbidden": {"code": 403, "message": "m"}})
    cloud.otherwise = lambda request: denied if "marker" in request.path else shelf(request)
    pages = client().snapshot_pages(limit=3)
    next(pages)
    with pytest.raises(errors.Forbidden):
        next(pages)
