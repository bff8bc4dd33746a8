"""The pages of people, for administrators."""

from django.contrib.auth.models import Group, User

from snapshots.models import VolumeGrant
from tests import factories as scene


def names(answer):
    return [person.username for person in answer.context["page"].rows]


def test_people_are_found(root, alice, bob, helen):
    User.objects.filter(username="alice").update(last_name="Şahin", email="a@example.org")
    User.objects.filter(username="bob").update(is_active=False)
    assert names(root.get("/people/")) == ["alice", "bob", "helen", "root"]
    assert names(root.get("/people/?q=SAHIN")) == ["alice"]
    assert names(root.get("/people/?group=helpdesk")) == ["helen"]
    assert names(root.get("/people/?state=shut-out")) == ["bob"]
    assert names(root.get("/people/?state=active&group=staff")) == ["alice"]
    long = "x" * 200
    for nonsense in ("q=nothing", "state=x", "group=x", f"state={long}", f"group={long}"):
        assert "Nobody matches" in root.get(f"/people/?{nonsense}").text


def test_people_go_on_behind_their_page(root):
    User.objects.bulk_create(User(username=f"p-{number:02}") for number in range(60))
    page = root.get("/people/?q=p-")
    rest = root.get("/people/", {"q": "p-", "after": page.context["page"].next})
    assert [*names(page), *names(rest)] == [f"p-{number:02}" for number in range(60)]


def test_superusers_do_not_exist_for_an_administrator(root):
    boss = User.objects.create_superuser("boss")
    assert "boss" not in root.get("/people/").text
    assert root.get(f"/people/{boss.pk}/").status_code == 404
    assert root.get("/people/99999/").status_code == 404
    scene.volume(volume_id="v-1")
    fields = {"cloud": "sandbox", "do": "give", "person": "boss", "chosen": ["v-1"]}
    assert "Nobody here has this name." in root.post("/grants/new/", fields).text


def test_person_page_says_what_may_be_used_and_why(root, alice):
    scene.volume("db-data", granted_to=alice.user)
    scene.volume("web-01")
    team = Group.objects.create(name="web team")
    alice.user.groups.add(team)
    VolumeGrant.objects.create(
        cloud="sandbox", scope="rule", volume_id=None, name_pattern="web-*", group=team
    )
    operation = scene.operation(alice.user, scene.volume("old"))
    page = root.get(f"/people/{alice.user.pk}/").text
    assert "2 volumes" in page
    assert "directly" in page
    assert "by the group <bdi>web team</bdi>" in page
    assert "1 request waits" in page
    assert f"/requests/{operation.pk}/" in page


def test_person_without_use_of_grants_is_explained(root, audrey, helen, bob):
    assert "no role of this person asks" in root.get(f"/people/{audrey.user.pk}/").text
    assert "because the helpdesk works" in root.get(f"/people/{helen.user.pk}/").text
    User.objects.filter(username="bob").update(is_active=False)
    assert "the account is shut out" in root.get(f"/people/{bob.user.pk}/").text


def test_names_are_written_as_text(root):
    odd = User.objects.create_user("o<b>dd", first_name="<script>x</script>")
    for address in ("/people/", f"/people/{odd.pk}/"):
        page = root.get(address).text
        assert "<script>x" not in page
        assert "o<b>dd" not in page
