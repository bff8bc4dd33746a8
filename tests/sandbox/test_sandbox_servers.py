"""The compute service: servers as Nova lists them."""

import sqlite3

import pytest
from sandbox_client import Client

from snapshots.sandbox import scenarios as cloud

DETAIL = "/servers/detail"
WEB, NODE = cloud.server_id("web-01"), cloud.server_id("node-1")


def ask(client, query=""):
    return client.ask("GET", f"{DETAIL}{query}", version="v2.1")


def test_servers_of_the_project_have_names_and_volumes(client):
    reply = ask(client)
    servers = {server["id"]: server for server in reply.body["servers"]}
    assert reply.status == 200
    assert reply.headers["openstack-api-version"] == "compute 2.1"
    names = {server["name"] for server in servers.values()}
    assert names == {"db-primary", "web-01", None}
    assert servers[NODE]["name"] is None
    attached = servers[WEB]["os-extended-volumes:volumes_attached"]
    assert attached == [{"id": cloud.volume_named("web-01-system").id}]
    assert "servers_links" not in reply.body


def test_pages_go_by_marker_and_link_elsewhere(client):
    client.send("POST", "/_sandbox/servers", {"count": 5, "name": "load"})
    first = ask(client, "?limit=3").body
    link = first["servers_links"][0]
    assert link["rel"] == "next"
    assert link["href"].startswith("http://compute.localdomain.com:8774/v2.1/")
    marker = first["servers"][-1]["id"]
    assert link["href"].endswith(f"limit=3&marker={marker}")
    rest = ask(client, f"?marker={marker}").body["servers"]
    ids = [server["id"] for server in (*first["servers"], *rest)]
    assert len(set(ids)) == len(ids) == 8


def test_endless_limit_is_cut_like_a_large_one(client):
    assert ask(client, f"?limit={'9' * 5000}").body == ask(client, "?limit=5000").body


@pytest.mark.parametrize("query", ["?limit=x", "?limit=-1", "?marker=nowhere"])
def test_bad_parameters_are_bad_requests(client, query):
    reply = ask(client, query)
    assert reply.status == 400
    assert "badRequest" in reply.body


def test_account_that_may_not_is_refused(start):
    reply = ask(Client(start(may_list_servers=False)))
    assert reply.status == 403
    assert "os_compute_api:servers:detail" in reply.body["forbidden"]["message"]


def test_other_calls_and_other_projects_are_refused(client):
    assert client.ask("GET", f"/servers/{WEB}", version="v2.1").status == 404
    assert client.ask("POST", DETAIL, {}, version="v2.1").status == 404
    client.project_id = cloud.OTHER_PROJECT_ID
    client._token = Client(client.server).token
    assert ask(client).status == 400
    assert client.send("GET", f"/v2.1/{cloud.PROJECT_ID}{DETAIL}").status == 401


def test_catalog_leads_to_the_servers(client, server):
    headers = {"X-Auth-Token": client.token}
    catalog = client.send("GET", "/v3/auth/catalog", None, headers).body["catalog"]
    (compute,) = [entry for entry in catalog if entry["type"] == "compute"]
    assert compute["endpoints"][0]["url"] == f"{server.url}/v2.1/{cloud.PROJECT_ID}"


def test_server_is_renamed_added_and_removed_by_hand(client):
    client.send("POST", f"/_sandbox/servers/{WEB}", {"name": "web-02"})
    client.send("POST", "/_sandbox/servers/by-hand", {"name": None})
    client.send("DELETE", f"/_sandbox/servers/{NODE}")
    names = {server["id"]: server["name"] for server in ask(client).body["servers"]}
    assert names[WEB] == "web-02"
    assert names["by-hand"] is None
    assert NODE not in names


def test_state_of_an_older_release_gets_the_servers(start, tmp_path):
    path = tmp_path / "state.sqlite3"
    server = start(state_file=path)
    server.stop()
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE servers")
        database.execute("PRAGMA user_version = 1")
    database.close()
    assert len(ask(Client(start(state_file=path))).body["servers"]) == 3
