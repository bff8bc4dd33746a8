"""Links that fill in the form (docs/links.md): nothing is asked, and what does not fit is told."""

import uuid
from urllib.parse import urlencode

import pytest

from snapshots.models import Operation
from tests import factories as scene
from tests.factories import ask, errors_at

NEW = "/snapshots/new/"
TICKET = {"ticket": "CHG-1042", "on_behalf_of": "Deniz Öztürk", "reason": "Patch day"}


def _values(answer, *names):
    return {name: answer.context["form"][name].value() for name in names}


# --- what fits -------------------------------------------------------------------------------


def test_link_fills_in_every_field(helen, volume):
    answer = helen.get(NEW, {"volume": volume.volume_id, "name": "before-patch", **TICKET})
    expected = {"volume_id": volume.volume_id, "name": "before-patch", **TICKET}
    assert _values(answer, *expected) == expected
    assert answer.context["form"].problems == []
    assert not Operation.objects.exists()


def test_what_a_link_filled_in_is_asked_by_one_more_click(helen, volume):
    page = helen.get(NEW, {"volume": volume.volume_id, **TICKET})
    names = ("volume_id", "name", *TICKET)
    helen.post(NEW, _values(page, *names) | {"key": page.context["key"]})
    made = Operation.objects.get()
    assert (made.volume_id, made.ticket) == (volume.volume_id, "CHG-1042")
    assert made.name.startswith("web-01-data-")


def test_link_survives_the_sign_in(client, alice, volume):
    query = urlencode({"volume": volume.volume_id, "name": "before-patch"})
    asked = client.get(f"{NEW}?{query}")
    assert asked.status_code == 302
    assert "before-patch" in asked.url


def test_key_in_a_link_is_no_form_that_was_sent(alice, volume):
    answer = alice.get(NEW, {"volume": volume.volume_id, "key": "not a number"})
    assert uuid.UUID(str(answer.context["key"]))


@pytest.fixture
def on_web(alice):
    facts = {"status": "in-use", "server_ids": ["web-01"], "attached_to": "web-01 (/dev/vda)"}
    return scene.volume("web-01-system", granted_to=alice.user, **facts)


def test_only_volume_of_a_server_is_chosen(alice, volume, on_web):
    assert _values(alice.get(NEW, {"server": "web-01"}), "volume_id") == {
        "volume_id": on_web.volume_id
    }


def test_several_volumes_of_a_server_are_offered(alice, volume, on_web):
    scene.volume("web-01-log", granted_to=alice.user, server_ids=["web-01"], attached_to="web-01")
    page = alice.get(NEW, {"server": "web-01"})
    assert _values(page, "volume_id") == {"volume_id": None}
    assert "web-01-system" in page.text
    assert "web-01-data" not in page.text


def test_name_of_a_server_is_compared_whole(alice, on_web):
    answer = alice.get(NEW, {"server": "web-0"})
    assert "None of your volumes is attached" in errors_at(answer, "volume_id")[0]


def test_volume_of_another_server_is_told(alice, volume, on_web):
    answer = alice.get(NEW, {"server": "web-01", "volume": volume.volume_id})
    assert "not attached to the server “web-01”" in errors_at(answer, "volume_id")[0]
    assert _values(answer, "volume_id") == {"volume_id": volume.volume_id}


# --- what does not ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"ticket": "x" * 81}, "ticket", "81 characters long; at most 80"),
        ({"ticket": "CHG\x01"}, "ticket", "control character"),
        ({"on_behalf_of": "Deniz\u202e"}, "on_behalf_of", "control character"),
        ({"reason": "a\r\nSet-Cookie: b"}, "reason", "control character"),
        ({"reason": "x" * 501}, "reason", "501 characters long; at most 500"),
        ({"name": "ş" * 128}, "name", "256 bytes long; at most 255"),
        ({"name": "autobk_snapshot_x"}, "name", "kept for snapshots that the cloud makes"),
        ({"name": "🙂"}, "name", "no emoji"),
        ({"reason": "password=Sommer2026!"}, "reason", "looks like a password"),
        ({"volume": "../../etc/passwd"}, "volume_id", "not one of your volumes"),
        ({"volume": "\x7f"}, "volume_id", "not one of your volumes"),
        ({"volume": "x" * 5000}, "volume_id", "not one of your volumes"),
        ({"server": "web\x01-99"}, "volume_id", "None of your volumes is attached"),
        ({"server": "x" * 5000}, "volume_id", "None of your volumes is attached"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(given, field, words, helen, volume):
    answer = helen.get(NEW, given)
    assert answer.status_code == 200
    assert any(words in text for text in errors_at(answer, field))
    assert f'id="id_{field}_error"' in answer.text
    assert "The link that led here has 1 value that does not fit." in answer.text
    assert not Operation.objects.exists()


def test_address_with_a_nul_is_refused(helen):
    assert helen.get(NEW, {"ticket": "CHG\x00"}).status_code == 400


@pytest.mark.parametrize("name", ["volume", "server", "ticket", "reason", "on_behalf_of", "name"])
def test_markup_in_a_link_is_text(name, helen, volume):
    page = helen.get(NEW, {name: '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page


def test_volumes_of_others_and_strange_ones_get_one_answer(alice, bob, volume):
    his = scene.volume("secret", granted_to=bob.user, server_ids=["db-9"], attached_to="db-9")
    gone = scene.volume("gone", granted_to=alice.user, gone_at=volume.seen_at)
    elsewhere = scene.volume("elsewhere", granted_to=alice.user, cloud="taken-out")
    answers = set()
    for strange in (his.volume_id, gone.volume_id, elsewhere.volume_id, str(uuid.uuid4())):
        answer = alice.get(NEW, {"volume": strange})
        answers.add(tuple(errors_at(answer, "volume_id")))
        assert "secret" not in answer.text
    assert len(answers) == 1
    told, made_up = (errors_at(alice.get(NEW, {"server": s}), "volume_id") for s in ("db-9", "x"))
    assert [text.replace("db-9", "x") for text in told] == made_up


def test_volume_that_takes_no_snapshot_is_told(alice):
    volume = scene.volume("mail-spool", granted_to=alice.user, status="extending")
    answer = alice.get(NEW, {"volume": volume.volume_id})
    assert "“extending” and takes no snapshot now" in errors_at(answer, "volume_id")[0]


def test_value_given_twice_is_not_guessed(helen, volume):
    answer = helen.get(f"{NEW}?ticket=CHG-1&ticket=CHG-2", follow=True)
    assert errors_at(answer, "ticket") == ["The link gives this more than once, so none was taken."]
    assert not answer.context["form"]["ticket"].value()


def test_fields_of_the_helpdesk_are_left_out_for_staff_and_told(alice, volume):
    page = alice.get(NEW, {"volume": volume.volume_id, **TICKET})
    assert page.context["form"].problems == []
    for field in ("Ticket", "On behalf of", "Reason"):
        assert f"The link gives “{field}”, which is left out." in page.text


def test_link_alone_demands_nothing_that_it_does_not_give(helen, volume):
    assert helen.get(NEW, {"on_behalf_of": "Deniz"}).context["form"].problems == []


# --- the last request, remembered ------------------------------------------------------------


def test_last_request_of_the_helpdesk_is_remembered(helen, volume):
    ask(helen, volume, **TICKET)
    page = helen.get(NEW)
    assert _values(page, *TICKET) == TICKET
    assert "As in your last request" in page.text


def test_link_with_a_ticket_forgets_the_last_request(helen, volume):
    ask(helen, volume, **TICKET)
    page = helen.get(NEW, {"ticket": ""})
    assert not any(_values(page, *TICKET).values())
    assert "As in your last request" not in page.text


def test_volume_is_searched_first_once_a_ticket_is_there(helen, alice, volume):
    pages = {
        "without a ticket": helen.get(NEW),
        "with a ticket": helen.get(NEW, {"ticket": "CHG-1"}),
        "with a volume": helen.get(NEW, {"ticket": "CHG-1", "volume": volume.volume_id}),
        "staff": alice.get(NEW),
    }
    assert {name for name, page in pages.items() if " autofocus " in page.text} == {
        "with a ticket",
        "staff",
    }


def test_requests_of_others_and_of_long_ago_are_not_remembered(helen, alice, volume):
    scene.operation(helen.user, volume, ago_seconds=3 * 3600, **TICKET)
    scene.operation(alice.user, volume, **TICKET)
    assert not any(_values(helen.get(NEW), *TICKET).values())


def test_next_disk_of_a_ticket_is_one_link_away(helen, volume):
    web = {"server_ids": ["web-01"], "attached_to": "web-01", "status": "in-use"}
    first, second = (scene.volume(name, **web) for name in ("web-01-a", "web-01-b"))
    made = ask(helen, first, force="true", **TICKET)
    page = helen.get(made.url)
    links = [line for line in page.text.splitlines() if "next-disk" in line and "href" in line]
    (link,) = [line for line in links if second.volume_id in line]
    address = link.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    filled = helen.get(address, follow=True)
    expected = {"volume_id": second.volume_id, **TICKET}
    assert _values(filled, *expected) == expected


def test_disks_that_the_ticket_has_are_not_offered_again(helen):
    web = {"server_ids": ["web-01"], "attached_to": "web-01"}
    first, second = (scene.volume(name, **web) for name in ("web-01-a", "web-01-b"))
    ask(helen, first, **TICKET)
    made = ask(helen, second, **TICKET)
    assert "next-disk-volume" not in helen.get(made.url).text
