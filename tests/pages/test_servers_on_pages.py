"""Servers by name: shown, searched, grouped, named in links and grants."""

import re
from urllib.parse import urlencode

import pytest

from snapshots.models import Server, VolumeGrant
from tests import factories as scene
from tests.factories import errors_at

NEW, OFFERS, VOLUMES = "/snapshots/new/", "/snapshots/new/volumes/", "/volumes/"
FIRST, SECOND = "1a2b3c4d-0000-4000-8000-000000000001", "9f8e7d6c-0000-4000-8000-000000000002"


def attached(server_id, name="", device="/dev/vda"):
    return {
        "status": "in-use",
        "server_ids": [server_id],
        "server_names": {server_id: name} if name else None,
        "attached_to": f"{server_id} ({device})",
    }


@pytest.fixture
def on_web(alice):
    return scene.volume("root-disk", granted_to=alice.user, **attached(FIRST, "web-01"))


def addresses_of(volume):
    return [
        VOLUMES,
        f"/volumes/sandbox/{volume.volume_id}/",
        f"/snapshots/new/volume/?volume_id={volume.volume_id}",
        OFFERS,
    ]


def test_name_stands_with_the_beginning_of_its_id(alice, on_web):
    for address in addresses_of(on_web):
        page = alice.get(address).text
        assert "<bdi>web-01</bdi>" in page
        assert f'title="web-01 {FIRST} (/dev/vda)"' in page
        assert "1a2b3c4d" in page


@pytest.mark.parametrize("name", ["<b>x</b>", "خادم الويب", "ş" * 127, '"><script>alert(1)'])
def test_any_name_is_text(alice, name):
    volume = scene.volume("disk", granted_to=alice.user, **attached(FIRST, name))
    for address in [*addresses_of(volume), NEW]:
        page = alice.get(address).text
        assert "<b>x" not in page
        assert "<script>alert" not in page


def test_server_without_a_name_is_shown_by_its_id(alice):
    volume = scene.volume("disk", granted_to=alice.user, **attached(FIRST))
    for address in addresses_of(volume):
        assert f'<code class="id" title="{FIRST}">1a2b3c4d' in alice.get(address).text


def test_several_servers_are_named_and_counted(alice):
    facts = attached(FIRST, "web-01")
    third = "5c5c5c5c-0000-4000-8000-000000000003"
    facts["server_ids"] += [SECOND, third]
    facts["server_names"] |= {third: "third"}
    facts["attached_to"] += f", {SECOND}, {third}"
    scene.volume("shared", granted_to=alice.user, **facts)
    page = alice.get(VOLUMES).text
    assert "and 1 more" in page
    assert f'title="web-01 {FIRST} (/dev/vda), {SECOND}, third {third}"' in page


# --- search and groups -------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["web-01", "WEB", "web 01", FIRST, "1a2b3c4d"])
def test_volumes_are_found_by_their_server(alice, on_web, volume, text):
    page = alice.get(VOLUMES, {"q": text}).text
    assert "root-disk" in page
    offers = alice.get(OFFERS, {"find": text}).text
    assert "root-disk" in offers


def test_volumes_of_other_servers_are_not_found(alice, on_web, volume):
    assert "root-disk" not in alice.get(VOLUMES, {"q": "web-02"}).text


ODD_NAMES = ["خادم", "Şirket-1", "ﬁle<1>", "DOMAIN\\web", 'rack"2', "web (old)", "[prod]", "#1"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_are_found_in_any_spelling(alice, name):
    scene.volume("disk-of-it", granted_to=alice.user, **attached(FIRST, name))
    assert "disk-of-it" in alice.get(VOLUMES, {"q": name}).text


@pytest.mark.parametrize("name", ["db & web", "rack1 | rack2", "web - (old)"])
def test_signs_between_words_hide_no_server(alice, volume, name):
    scene.volume("disk-of-it", granted_to=alice.user, **attached(FIRST, name))
    page = alice.get(VOLUMES, {"q": name}).text
    assert "disk-of-it" in page
    assert volume.name not in page


@pytest.mark.parametrize("text", ["(ol)", "&", "old)er", "\\"])
def test_signs_around_a_word_find_no_other_word(alice, text):
    scene.volume("disk-of-it", granted_to=alice.user, **attached(FIRST, "web (old)"))
    assert "disk-of-it" not in alice.get(VOLUMES, {"q": text}).text


def titles(alice, **query):
    return re.findall(r'role="group" aria-label="([^"]*)"', alice.get(OFFERS, query).text)


def test_volumes_are_grouped_by_the_name_of_their_server(alice, on_web):
    scene.volume("log-disk", granted_to=alice.user, **attached(FIRST, "web-01", "/dev/vdb"))
    scene.volume("other-disk", granted_to=alice.user, **attached(SECOND))
    assert titles(alice) == ["Server web-01 (1a2b3c4d)", f"Server {SECOND}"]


def test_two_servers_of_one_name_are_two_groups(alice, on_web):
    scene.volume("other-disk", granted_to=alice.user, **attached(SECOND, "web-01"))
    assert titles(alice) == ["Server web-01 (9f8e7d6c)", "Server web-01 (1a2b3c4d)"]


@pytest.mark.parametrize("server", ["web-02", SECOND])
def test_shared_volume_stands_below_the_server_that_is_asked_for(alice, server):
    facts = attached(FIRST, "web-01")
    facts["server_ids"] += [SECOND]
    facts["server_names"] |= {SECOND: "web-02"}
    facts["attached_to"] += f", {SECOND}"
    scene.volume("shared", granted_to=alice.user, **facts)
    assert titles(alice, server=server) == ["Server web-02 (9f8e7d6c)"]
    assert "Of the server web-02: type" in alice.get(OFFERS, {"server": server}).text
    assert titles(alice) == ["Server web-01 (1a2b3c4d)"]


# --- links -------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["web-01", FIRST])
def test_link_names_a_server_by_id_or_name(alice, on_web, volume, server):
    page = alice.get(NEW, {"server": server})
    assert page.context["form"]["volume_id"].value() == on_web.volume_id
    assert errors_at(page, "volume_id") == []


@pytest.mark.parametrize("name", ["خادم", '"<b>&', "---", "a\\u0041", "tab\tline\n"])
def test_link_takes_any_name(alice, volume, name):
    made = scene.volume("disk", granted_to=alice.user, **attached(FIRST, name.strip()))
    page = alice.get(f"{NEW}?{urlencode({'server': name})}", follow=True)
    assert page.context["form"]["volume_id"].value() == made.volume_id


@pytest.mark.parametrize("server", ["web-0", "WEB-01", "web", "01"])
def test_name_in_a_link_is_compared_whole(alice, on_web, server):
    page = alice.get(NEW, {"server": server})
    assert "None of your volumes is attached" in errors_at(page, "volume_id")[0]


def test_link_by_a_name_that_two_servers_have_offers_both(alice, on_web, volume):
    scene.volume("other-disk", granted_to=alice.user, **attached(SECOND, "web-01"))
    page = alice.get(NEW, {"server": "web-01"}).text
    assert "root-disk" in page
    assert "other-disk" in page
    assert "web-01-data" not in page
    assert "Of the server web-01: type to search" in alice.get(OFFERS, {"server": "web-01"}).text


def test_list_of_a_server_by_id_says_its_name(alice, on_web):
    assert "Of the server web-01: type to search" in alice.get(OFFERS, {"server": FIRST}).text


def test_volumes_of_others_are_not_told_by_their_server(alice, bob, on_web):
    answers = [errors_at(bob.get(NEW, {"server": s}), "volume_id") for s in ("web-01", "nosuch")]
    assert answers[0] == [text.replace("nosuch", "web-01") for text in answers[1]]


# --- grants ------------------------------------------------------------------------------------


@pytest.fixture
def rule(alice):
    Server.objects.create(cloud="sandbox", server_id=FIRST, name="<i>web-01")
    return VolumeGrant.objects.create(
        cloud="sandbox", scope="rule", volume_id=None, server_id=FIRST, user=alice.user
    )


def test_rule_by_server_says_its_name_and_id(root, alice, on_web, rule):
    end = f"/grants/{rule.pk}/end/"
    for address in ("/grants/", f"/people/{alice.user.pk}/", end):
        page = root.get(address).text
        assert f"attached to <bdi>&lt;i&gt;web-01</bdi> <bdi><code>{FIRST}</code></bdi>" in page


def test_preview_of_a_rule_shows_servers(root, alice, on_web):
    sent = {
        "person": "alice",
        "cloud": "sandbox",
        "server_id": FIRST,
        "do": "preview",
    }
    page = root.post("/grants/new/rule/", sent).text
    assert "Matches 1 volume today" in page
    assert "<bdi>web-01</bdi>" in page


# --- queries -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 60])
def test_names_cost_no_query(alice, count, django_assert_max_num_queries):
    for number in range(count):
        facts = attached(f"{number:08}-0000", f"web-{number}")
        scene.volume(f"v{number}", granted_to=alice.user, **facts)
    with django_assert_max_num_queries(12):
        alice.get(VOLUMES)
    with django_assert_max_num_queries(12):
        alice.get(OFFERS)


def test_names_of_grants_cost_two_queries(root, rule, django_assert_max_num_queries):
    for number in range(20):
        server_id = f"{number:08}-0000"
        Server.objects.create(cloud="sandbox", server_id=server_id, name=f"web-{number}")
        VolumeGrant.objects.create(
            cloud="sandbox", scope="rule", volume_id=None, server_id=server_id, user=rule.user
        )
    with django_assert_max_num_queries(14):
        root.get("/grants/")
