"""Finding the block storage endpoint in a token's catalog."""

import pytest

from snapshots.evs import errors
from snapshots.evs.catalog import Service, find_root, is_open, read_catalog
from snapshots.evs.connection import connect
from snapshots.evs.dialects import DIALECTS


def root_of(services, dialect="native-v2", region="r", **options):
    return find_root(services, api=DIALECTS[dialect], region=region, **options)


@pytest.mark.parametrize(
    ("services", "dialect", "root"),
    [
        (
            [("volumev2", "https://a/v2/p"), ("volumev3", "https://b/v3/p")],
            "native-v2",
            "https://a",
        ),
        (
            [("volumev2", "https://a/v2/p"), ("volumev3", "https://b/v3/p")],
            "native-v3",
            "https://b",
        ),
        ([("volume", "https://a/v1/p"), ("evs", "https://b/v2/p")], "vendor-v2", "https://b"),
        ([("block-storage", "https://h/volume/v3")], "native-v3", "https://h/volume"),
        ([("volume", "https://h:8776/")], "native-v2", "https://h:8776"),
    ],
)
def test_catalog_entry_that_fits_the_dialect_is_used(services, dialect, root):
    catalog = [Service(type=kind, region="r", url=url) for kind, url in services]
    assert root_of(catalog, dialect) == root
    assert root_of(catalog, dialect, region="") == root


@pytest.mark.parametrize(
    "services",
    [
        [],
        [("block-storage", "https://h/v3/p")],
        [("volumev2", "file:///v2/p")],
        [("volumev2", "https://[::1/v2/p")],
        [("volumev2", "https://h:port/v2/p")],
        [("volumev2", "https:///v2/p")],
        [("compute", "https://a/v2/p")],
    ],
)
def test_catalog_without_block_storage_asks_for_an_endpoint(services):
    catalog = [Service(type=kind, region="r", url=url) for kind, url in services]
    with pytest.raises(errors.NoEndpoint, match=r"evs\.endpoint"):
        root_of(catalog)


TWO_REGIONS = [
    Service(type="volumev2", region="north", url="https://n/v2/p"),
    Service(type="volumev2", region="south", url="https://s/v2/p"),
    Service(type="compute", region="moon", url="https://m/v2/p"),
]


def test_region_is_never_chosen_among_several():
    with pytest.raises(errors.NoEndpoint, match=r"north, south\..*region_name") as caught:
        root_of(TWO_REGIONS, region="")
    assert "moon" not in caught.value.message
    assert caught.value.outcome_known


@pytest.mark.parametrize("region", ["moon", "North", "nort"])
def test_unknown_region_lists_those_of_the_catalog(region):
    with pytest.raises(errors.NoEndpoint, match=rf"no region {region} .*only: north, south\."):
        root_of(TWO_REGIONS, region=region)


def test_only_region_of_the_catalog_needs_no_name():
    assert root_of(TWO_REGIONS[:1], region="") == "https://n"
    assert root_of(TWO_REGIONS, region="south") == "https://s"


@pytest.mark.parametrize("interface", ["public", "internal", "admin"])
def test_interface_of_the_settings_is_used(interface):
    endpoints = [
        {"interface": name, "region": "r", "url": f"https://{name}/v2/p"}
        for name in ("admin", "internal", "public", "other")
    ]
    services = read_catalog([{"type": "volumev2", "endpoints": endpoints}])
    assert root_of(services, interface=interface) == f"https://{interface}"


def test_missing_interface_is_refused_with_the_others():
    services = [Service(type="volumev2", region="r", url="https://h/v2/p", interface="internal")]
    with pytest.raises(errors.NoEndpoint, match=r"no public .* set `interface` to internal"):
        root_of(services)


def test_catalog_does_not_lead_to_plain_http_elsewhere():
    services = [Service(type="volumev2", region="r", url="http://cloud.example/v2/p")]
    with pytest.raises(errors.NoEndpoint, match=r"http://cloud\.example is plain http.*allow_http"):
        root_of(services)
    assert root_of(services, allow_http=True) == "http://cloud.example"


@pytest.mark.parametrize(
    ("url", "is_refused"),
    [
        ("http://127.0.0.1:8776", False),
        ("http://127.9.9.9", False),
        ("http://localhost:1", False),
        ("http://LOCALHOST:1", False),
        ("http://cloud.localhost", False),
        ("http://[::1]:8776/v3", False),
        ("http://[::ffff:127.0.0.1]/", False),
        ("https://cloud.example", False),
        ("http://cloud.example", True),
        ("HTTP://cloud.example", True),
        ("http://10.0.0.5", True),
        ("http://0.0.0.0", True),
        ("http://127.0.0.1.evil.example", True),
        ("http://localhost.evil.example", True),
        ("http://[fe80::1]", True),
    ],
)
def test_plain_http_is_open_beyond_this_machine(cloud, url, is_refused):
    assert is_open(url) is is_refused
    for config in (cloud.config(endpoint=url), cloud.config(credentials={"auth_url": url})):
        if is_refused:
            with pytest.raises(ValueError, match=r"plain http.*evs\.allow_http"):
                connect(config)
        else:
            connect(config)


def test_plain_http_is_taken_where_it_is_allowed(cloud):
    connect(cloud.config(endpoint="http://cloud.example", allow_http=True))


@pytest.mark.parametrize("url", ["https://[::1", "https://h:port", "h:5000", "https://", "x"])
def test_address_that_is_none_is_refused(cloud, url):
    for config in (cloud.config(endpoint=url), cloud.config(credentials={"auth_url": url})):
        with pytest.raises(ValueError, match=r"Cloud fake: .*must start with http"):
            connect(config)


def test_unknown_interface_is_refused(cloud):
    with pytest.raises(ValueError, match="public, internal, admin"):
        connect(cloud.config(interface="publicURL"))


def test_missing_region_is_named_before_any_storage_call(cloud, client):
    with pytest.raises(errors.NoEndpoint, match="here, there"):
        client(region="").ping()
    assert cloud.calls == []
