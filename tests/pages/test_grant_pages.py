"""The pages of grants: giving them by id, by rule, of a cloud; finding and ending them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from snapshots.models import Action, CloudHealth, VolumeGrant
from snapshots.rights.visible import volumes_usable_by
from tests import factories as scene

BY_ID, BY_RULE, OF_CLOUD = "/grants/new/", "/grants/new/rule/", "/grants/new/cloud/"


def give(browser, address, **fields):
    return browser.post(address, {"cloud": "sandbox", "do": "give"} | fields)


def preview(browser, **fields):
    return give(browser, BY_RULE, do="preview", **fields)


# --- by id --------------------------------------------------------------------------------------


def test_ticked_volumes_are_granted(root, alice):
    made = [scene.volume(f"db-{number}") for number in range(3)]
    ids = [row.volume_id for row in made]
    answer = give(root, BY_ID, person="alice", chosen=ids[:1], found=ids[1:2])
    assert answer.status_code == 302
    assert "2 grants were given" in root.get("/grants/").text
    page = alice.get("/volumes/").text
    assert "db-0" in page
    assert "db-1" in page
    assert "db-2" not in page
    assert Action.objects.filter(code="grant:give", actor_name="root").count() == 2


def test_chosen_volumes_are_carried_along(root):
    made = [scene.volume(name) for name in ("db-0", "web-0")]
    fields = {"found": [made[0].volume_id], "q": "web", "cloud": "sandbox", "person": "alice"}
    page = root.post(BY_ID, fields | {"do": "search"})
    assert [row.name for row in page.context["choice"].chosen] == ["db-0"]
    assert [row.name for row in page.context["choice"].offered] == ["web-0"]
    assert 'value="alice"' in page.text
    assert not VolumeGrant.objects.exists()


def test_typing_keeps_what_is_ticked_on_offer(root):
    made = [scene.volume(name) for name in ("db-0", "web-0", "web-1")]
    fields = {"found": [made[0].volume_id], "chosen": [made[2].volume_id], "q": "web"}
    answer = root.post("/grants/new/volumes/", fields | {"cloud": "sandbox"})
    choice = answer.context["choice"]
    assert [row.name for row in choice.offered] == ["db-0", "web-0"]
    assert choice.ticked == {made[0].volume_id}


@pytest.mark.parametrize("query", ["", "?cloud=sandbox", "?cloud=nowhere"])
def test_first_page_offers_the_volumes_of_its_cloud(root, query):
    scene.volume("here")
    scene.volume("elsewhere", cloud="other")
    page = root.get(BY_ID + query)
    assert [row.name for row in page.context["choice"].offered] == ["here"]


def test_pasted_ids_are_granted(root, alice):
    made = [scene.volume(f"db-{number}", volume_id=f"v-{number}") for number in range(4)]
    answer = give(root, BY_ID, person="alice", ids="v-0, v-1\n\n  v-2;v-2\t")
    assert answer.status_code == 302
    assert set(volumes_usable_by(alice.user)) == set(made[:3])


def test_unknown_ids_are_named_with_their_line(root, alice):
    scene.volume(volume_id="v-0")
    answer = give(root, BY_ID, person="alice", ids="v-0\nv-9,<b>x</b>")
    assert "Line 2, v-9: This cloud has no such volume." in answer.text
    assert "&lt;b&gt;x&lt;/b&gt;" in answer.text
    assert answer.context["ids_text"] == "v-9\n<b>x</b>"
    assert [row.volume_id for row in answer.context["choice"].chosen] == ["v-0"]
    assert not VolumeGrant.objects.exists()


def test_ids_before_the_first_reading_are_not_called_unknown(root, alice):
    CloudHealth.objects.filter(cloud="sandbox").update(inventory_at=None)
    page = give(root, BY_ID, person="alice", ids="v-0").text
    assert "The volumes of this cloud are not read yet." in page
    assert "no such volume" not in page


def test_volume_of_another_cloud_is_not_granted(root, alice):
    other = scene.volume(cloud="other")
    answer = give(root, BY_ID, person="alice", chosen=[other.volume_id])
    assert answer.status_code == 200
    assert not VolumeGrant.objects.exists()


def test_more_than_a_form_holds_is_refused(root, alice):
    for number in range(401):
        scene.volume(volume_id=f"v-{number:03}")
    ids = " ".join(f"v-{number:03}" for number in range(401))
    assert "At most 400 volumes at once." in give(root, BY_ID, person="alice", ids=ids).text
    assert not VolumeGrant.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose a person or a group, not both."),
        ({"person": "alice", "group": "team"}, "Choose a person or a group, not both."),
        ({"person": "nobody-like-this"}, "Nobody here has this name."),
        ({"person": "Alice"}, "Nobody here has this name."),
        ({"person": "alice", "last_day": "2020-01-01"}, "This day is over."),
        ({"person": "alice", "last_day": "9999-12-31"}, "Choose an earlier day."),
        ({"person": "alice", "last_day": "tomorrow"}, "Enter a valid date."),
        ({"person": "alice", "cloud": "elsewhere"}, "Select a valid choice."),
    ],
)
def test_grant_without_a_usable_field_is_refused(root, alice, fields, words):
    team = Group.objects.create(name="team")
    if "group" in fields:
        fields = fields | {"group": team.pk}
    made = scene.volume()
    answer = give(root, BY_ID, **{"chosen": [made.volume_id]} | fields)
    assert answer.status_code == 200
    assert words in answer.text
    assert not VolumeGrant.objects.exists()


def test_last_day_counts_whole(root, alice):
    made, today = scene.volume(), timezone.now().date()
    give(root, BY_ID, person="alice", chosen=[made.volume_id], last_day=today.isoformat())
    until = VolumeGrant.objects.get().until
    assert (until.date(), until.hour, until.minute) == (today + timedelta(days=1), 0, 0)


def test_same_grant_again_changes_its_end(root, alice):
    made = scene.volume(granted_to=alice.user)
    VolumeGrant.objects.update(until=timezone.now() - timedelta(days=1))
    give(root, BY_ID, person="alice", chosen=[made.volume_id])
    assert VolumeGrant.objects.get().until is None
    page = give(root, BY_ID, person="alice", chosen=[made.volume_id])
    assert page.status_code == 302
    assert "1 were there already." in root.get("/grants/").text


# --- a whole cloud ------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["", "Sandbox", "sandbo"])
def test_cloud_is_not_granted_before_it_is_typed(root, alice, typed):
    answer = give(root, OF_CLOUD, person="alice", typed_cloud=typed)
    assert "Type “sandbox” to confirm." in answer.text
    assert not VolumeGrant.objects.exists()


def test_cloud_is_granted_to_a_team(root, alice):
    team = Group.objects.create(name="payroll")
    alice.user.groups.add(team)
    made = scene.volume()
    answer = give(root, OF_CLOUD, group=team.pk, typed_cloud="sandbox")
    assert answer.status_code == 302
    assert VolumeGrant.objects.get().scope == "cloud"
    assert made in volumes_usable_by(alice.user)


# --- by rule ------------------------------------------------------------------------------------


def test_rule_is_previewed_before_it_is_given(root, alice):
    for number in range(25):
        scene.volume(f"web-{number:02}")
    scene.volume("db-01")
    fields = {"person": "alice", "name_pattern": "web-*"}
    page = give(root, BY_RULE, **fields)  # no preview was on the page
    assert "Matches 25 volumes today" in page.text
    assert "The first 20 are shown." in page.text
    assert not VolumeGrant.objects.exists()
    seen = page.context["preview"].digest
    assert give(root, BY_RULE, previewed=seen, **fields).status_code == 302
    assert volumes_usable_by(alice.user).count() == 25
    action = Action.objects.get(code="grant:give")
    assert action.details == {"volumes": "those that match", "name pattern": "web-*"}


def test_changed_rule_is_previewed_again(root, alice):
    scene.volume("web-01")
    seen = preview(root, person="alice", name_pattern="web-01").context["preview"].digest
    page = give(root, BY_RULE, person="alice", name_pattern="*1", previewed=seen)
    assert page.status_code == 200
    assert not VolumeGrant.objects.exists()


@pytest.mark.parametrize("conditions", [{"name_pattern": "*"}, {"volume_type": "ssd"}])
def test_rule_that_covers_everything_is_confirmed_by_typing(root, alice, conditions):
    scene.volume("web-01")
    fields = {"person": "alice", **conditions}
    page = preview(root, **fields)
    assert "This is every volume of the cloud." in page.text
    fields["previewed"] = page.context["preview"].digest
    assert give(root, BY_RULE, **fields).status_code == 200
    assert not VolumeGrant.objects.exists()
    assert give(root, BY_RULE, typed_cloud="sandbox", **fields).status_code == 302


def test_rule_that_covers_nothing_says_so(root, alice):
    scene.volume("web-01")
    page = preview(root, person="alice", name_pattern="%")
    assert "Matches 0 volumes today" in page.text
    assert "It gives nothing until a volume matches." in page.text


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({}, "Fill in at least one condition."),
        ({"name_pattern": "  "}, "Fill in at least one condition."),
        ({"metadata_key": "team"}, "Give the value too; * stands for any."),
        ({"metadata_value": "x"}, "Give the key too."),
        ({"name_pattern": "x" * 256}, "at most 255 characters"),
        ({"name_pattern": "\u0301"}, "that can be compared"),
        ({"volume_type": "\u0301", "name_pattern": "web-*"}, "that can be compared"),
        ({"availability_zone": "\ufe0f"}, "that can be compared"),
        ({"metadata_key": "team", "metadata_value": "\u0301"}, "that can be compared"),
    ],
)
def test_incomplete_rule_is_refused(root, alice, conditions, words):
    assert words in preview(root, person="alice", **conditions).text


# --- the list, and ending -----------------------------------------------------------------------


def test_grants_are_found_by_holder_pattern_and_id(root, alice, bob):
    scene.volume("db-data", volume_id="v-77", granted_to=alice.user)
    VolumeGrant.objects.create(
        cloud="sandbox", scope="rule", volume_id=None, name_pattern="web-*", user=bob.user
    )
    for text, name, other in (("alice", "alice", "bob"), ("WEB-", "bob", "alice")):
        page = root.get(f"/grants/?q={text}").text
        assert f"<bdi>{name}</bdi>" in page
        assert f"<bdi>{other}</bdi>" not in page
    assert "db-data" in root.get("/grants/?q=v-77").text
    assert "No grant matches" in root.get("/grants/?q=nothing").text


def test_ended_grants_are_apart(root, alice):
    scene.volume("db-data", granted_to=alice.user)
    VolumeGrant.objects.update(until=timezone.now())
    assert "There are no grants" in root.get("/grants/").text
    assert "db-data" in root.get("/grants/?state=ended").text


def test_list_goes_on_behind_its_page(root, alice):
    for number in range(51):
        scene.volume(f"db-{number:02}", granted_to=alice.user)
    page = root.get("/grants/")
    assert len(page.context["page"].rows) == 50
    rest = root.get("/grants/", {"after": page.context["page"].next})
    assert [row.user for row in rest.context["page"].rows] == [alice.user]
    assert root.get("/grants/", {"after": "nonsense"}).status_code == 200


def test_ending_shows_and_cancels_what_waits(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user), name="nightly")
    address = f"/grants/{VolumeGrant.objects.get().pk}/end/"
    page = root.get(address).text
    assert "1 request of these people waits" in page
    assert f'<a href="/requests/{operation.pk}/">' in page
    answer = root.post(address, follow=True)
    assert "Cancelled before they were sent: 1 (nightly)." in answer.text
    operation.refresh_from_db()
    assert operation.outcome_code == "grant_lost"
    assert VolumeGrant.objects.get().has_ended()
    assert Action.objects.filter(code="grant:take", subject="alice").count() == 1


def test_ended_grant_is_not_ended_twice(root, alice):
    scene.volume(granted_to=alice.user)
    address = f"/grants/{VolumeGrant.objects.get().pk}/end/"
    root.post(address)
    until = VolumeGrant.objects.get().until
    root.post(address)
    assert VolumeGrant.objects.get().until == until
    assert "It has ended already." in root.get(address).text


def test_volume_page_tells_administrators_who_may_use_it(root, alice):
    made = scene.volume("web-01", granted_to=alice.user)
    team = Group.objects.create(name="web team")
    VolumeGrant.objects.create(
        cloud="sandbox", scope="rule", volume_id=None, name_pattern="web-*", group=team
    )
    address = f"/volumes/sandbox/{made.volume_id}/"
    page = root.get(address).text
    assert "Who may use this volume, and why" in page
    assert "<bdi>alice</bdi>" in page
    assert "<bdi>web team</bdi>" in page
    assert "Who may use this volume" not in alice.get(address).text
