"""People and grants as CSV: exported, edited, checked and imported."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User

from snapshots.models import Action, VolumeGrant
from snapshots.operations.people import store_people
from snapshots.operations.people_files import plan_people
from snapshots.views import imports
from tests import factories as scene

GRANT_HEAD = (
    "person,group,cloud,scope,volume_id,name_pattern,server_id,metadata_key,metadata_value,"
    "volume_type,availability_zone,until"
)
PEOPLE_HEAD = "username,first_name,last_name,email,active,groups"


def export(browser, what):
    return b"".join(browser.get(f"/{what}/export/").streaming_content).decode()


def check(browser, what, text):
    return browser.post(f"/{what}/import/", {"rows": text, "do": "check"})


def do_import(browser, what, text, **fields):
    checked = check(browser, what, text).context["checked"]
    fields = {"rows": text, "do": "import", "checked": checked} | fields
    return browser.post(f"/{what}/import/", fields)


def grant_row(**cells):
    cells = {"cloud": "sandbox"} | cells
    text = io.StringIO()
    csv.DictWriter(text, GRANT_HEAD.split(",")).writerow(cells)
    return text.getvalue()


def grant_text(*rows):
    return "".join([f"{GRANT_HEAD}\r\n", *(grant_row(**row) for row in rows)])


def facts():
    names = [field.attname for field in VolumeGrant._meta.fields]
    names = [name for name in names if name not in {"id", "given_at"}]
    return sorted(map(repr, VolumeGrant.objects.values_list(*names)))


# --- grants -------------------------------------------------------------------------------------


def test_exported_grants_are_imported_as_they_were(root, alice):
    scene.volume("db", volume_id="v-1", granted_to=alice.user)
    VolumeGrant.objects.update(until=datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC))
    team = Group.objects.create(name='a "team", ş; =1')
    VolumeGrant.objects.create(cloud="sandbox", scope="cloud", group=team)
    rule = {"name_pattern": "=web-*", "metadata_key": "'+", "metadata_value": "-\n1"}
    rule |= {"volume_type": "@x", "availability_zone": "''"}
    VolumeGrant.objects.create(cloud="sandbox", scope="rule", volume_id=None, group=team, **rule)
    text, before = export(root, "grants"), facts()
    assert do_import(root, "grants", text, typed_clouds="sandbox").status_code == 302
    assert facts() == before
    VolumeGrant.objects.all().delete()
    assert do_import(root, "grants", text, typed_clouds="sandbox").status_code == 302
    assert facts() == before


@pytest.mark.parametrize("what", ["people", "grants"])
def test_export_is_recorded_before_it_is_read(root, alice, what):
    answer = root.get(f"/{what}/export/")
    assert Action.objects.get(code=f"{what}:export").actor_name == "root"
    assert alice.get(f"/{what}/export/").status_code == 404
    assert Action.objects.filter(code=f"{what}:export").count() == 1
    answer.close()


def test_export_has_no_formula(root, alice):
    columns = {"cloud": "sandbox", "scope": "rule", "volume_id": None, "user": alice.user}
    for pattern in ("=1+1", "+1", "-1", "@x", "\tx"):
        VolumeGrant.objects.create(name_pattern=pattern, **columns)
    lines = list(csv.reader(io.StringIO(export(root, "grants").removeprefix("\ufeff"))))
    cells = [cell for line in lines for cell in line if cell]
    assert not [cell for cell in cells if cell[0] in "=+-@\t\r"]


def test_check_writes_nothing(root, alice):
    scene.volume(volume_id="v-1")
    text = grant_text({"person": "alice", "scope": "volume", "volume_id": "v-1"})
    page = check(root, "grants", text).text
    assert "1 new, 0 changed, 0 as they are." in page
    assert not VolumeGrant.objects.exists()
    assert not Action.objects.filter(code="grant:give").exists()


def test_import_that_was_not_checked_is_only_checked(root, alice):
    scene.volume(volume_id="v-1")
    text = grant_text({"person": "alice", "scope": "volume", "volume_id": "v-1"})
    checked = check(root, "grants", text).context["checked"]
    other = text.replace("alice", "root")
    fields = {"rows": other, "do": "import", "checked": checked}
    assert root.post("/grants/import/", fields).status_code == 200
    assert not VolumeGrant.objects.exists()


def test_wrong_rows_are_named_and_nothing_is_imported(root, alice):
    scene.volume(volume_id="v-1")
    good = {"person": "alice", "scope": "volume", "volume_id": "v-1"}
    wrong = [
        (good | {"person": "zoe"}, "Nobody has the name zoe."),
        (good | {"person": "", "group": "no-team"}, "There is no group no-team."),
        (good | {"person": ""}, "Choose a person or a group, not both."),
        (good | {"cloud": "mars"}, "There is no cloud mars."),
        (good | {"scope": ""}, "The scope is none of volume, rule, cloud."),
        (good | {"volume_id": "v-9"}, "The cloud has no volume v-9."),
        (good | {"volume_id": ""}, "A grant covers one volume by its id"),
        (good | {"scope": "cloud"}, "A grant covers one volume by its id"),
        (good | {"scope": "rule"}, "A rule has no volume id."),
        (good | {"scope": "rule", "volume_id": ""}, "A grant covers one volume by its id"),
        (
            good | {"scope": "rule", "volume_id": "", "volume_type": "\u0301"},
            "volume_type has nothing that can be compared.",
        ),
        (good | {"until": "soon"}, "“soon” is no end"),
        (good | {"until": "9999-12-31"}, "“9999-12-31” is no end"),
        (good | {"until": "2026-01-01T00:00:00"}, "is no end"),
    ]
    answer = do_import(root, "grants", grant_text(good, *(row for row, _words in wrong)))
    problems = [str(problem) for problem in answer.context["problems"]]
    assert [text.partition(":")[0] for text in problems] == [
        f"Line {number}" for number in range(3, 3 + len(wrong))
    ]
    for text, (_row, words) in zip(problems, wrong, strict=True):
        assert words in text
    assert not VolumeGrant.objects.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "This field is required."),
        ("x", "Line 1: The head lacks the column person."),
        (f"{GRANT_HEAD},nmae_pattern\n", "Line 1: There is no column nmae_pattern."),
        (GRANT_HEAD, "There is no row below a head."),
        (f"{GRANT_HEAD}\nalice,,sandbox", "Line 2: It has 3 cells, and the head has 12."),
        (f'{GRANT_HEAD}\n"alice,,', "Line 2"),
        (f"{GRANT_HEAD},person\n", "The head names a column twice."),
    ],
)
def test_text_that_is_no_table_is_refused(root, text, words):
    assert words in check(root, "grants", text).text


def test_semicolons_of_a_spreadsheet_are_read(root, alice):
    scene.volume(volume_id="v-1")
    text = grant_text({"person": "alice", "scope": "volume", "volume_id": "v-1"})
    assert do_import(root, "grants", text.replace(",", ";")).status_code == 302
    assert VolumeGrant.objects.get().volume_id == "v-1"


@pytest.mark.parametrize(
    "row",
    [
        {"scope": "cloud"},
        {"scope": "rule", "name_pattern": "*"},
        {"scope": "rule", "name_pattern": "*\u0301"},
    ],
)
def test_whole_cloud_is_imported_when_it_is_typed(root, alice, row):
    text = grant_text({"person": "alice", **row})
    assert do_import(root, "grants", text).status_code == 200
    assert not VolumeGrant.objects.exists()
    assert do_import(root, "grants", text, typed_clouds="sandbox").status_code == 302


def test_too_many_rows_are_refused(root, alice):
    rows = [{"person": "alice", "scope": "rule", "name_pattern": "a"}] * 2001
    assert "Line 2002: At most 2,000 rows at once." in check(root, "grants", grant_text(*rows)).text


@pytest.mark.parametrize(
    "row",
    [
        {"scope": "volume", "volume_id": "v-1"},
        {"scope": "cloud"},
        {"scope": "rule", "name_pattern": "a", "volume_type": "SSD"},
    ],
)
def test_same_grant_twice_is_a_problem(root, alice, row):
    scene.volume(volume_id="v-1")
    row |= {"person": "alice"}
    rows = [row, row | {"until": "2030-01-01"}, row | {"person": "", "group": "staff"}]
    answer = check(root, "grants", grant_text(*rows))
    problems = [str(problem) for problem in answer.context["problems"]]
    assert problems == ["Line 3: This grant was named before."]


# --- people -------------------------------------------------------------------------------------


def people():
    columns = ("username", "first_name", "last_name", "email", "is_active", "groups__name")
    return sorted(map(repr, User.objects.values_list(*columns)))


def test_exported_people_are_imported_as_they_were(root, alice, helen):
    team = Group.objects.create(name="a;b\\c, d")
    alice.user.groups.add(team)
    User.objects.create(username="zoe", first_name="=x", last_name="'y", is_active=False)
    text, before = export(root, "people"), people()
    assert "password" not in text
    assert do_import(root, "people", text).status_code == 302
    assert people() == before
    User.objects.get(username="zoe").delete()
    assert do_import(root, "people", text).status_code == 302
    assert people() == before
    assert not User.objects.get(username="zoe").has_usable_password()


def test_imported_change_cancels_what_waits(root, alice):
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user), name="nightly")
    text = f"{PEOPLE_HEAD}\nalice,,,,no,staff\ndeniz,Deniz,,,yes,staff"
    answer = do_import(root, "people", text)
    assert answer.status_code == 302
    page = root.get("/people/").text
    assert "Imported: 1 new, 1 changed, 0 as they were." in page
    assert "Cancelled before they were sent: 1 (nightly)." in page
    operation.refresh_from_db()
    assert operation.outcome_code == "shut_out"
    codes = set(
        Action.objects.filter(subject__in=["alice", "deniz"]).values_list("code", flat=True)
    )
    assert codes >= {"person:shut-out", "person:add", "role:give"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("root,,,,no,administrator", "You cannot change your own rights."),
        ("root,,,,yes,administrator;auditor", "You cannot change your own rights."),
        ("boss,,,,yes,", "already exists"),
        ("alice,,,,maybe,staff", "“active” is yes or no."),
        ("alice,,,,yes,staff;nobody-knows", "There is no group nobody-knows."),
        ("alice,,,no address,yes,staff", "Enter a valid email address."),
        ("a b,,,,yes,", "Enter a valid username."),
        (",,,x@example.org,yes,", "This field cannot be blank."),
        ("alice,,,,yes,staff\nalice,,,,no,", "This person was named before."),
    ],
)
def test_wrong_person_is_named_and_nothing_is_imported(root, alice, row, words):
    User.objects.create_superuser("boss")
    before = people()
    answer = do_import(root, "people", f"{PEOPLE_HEAD}\nzoe,,,,yes,staff\n{row}")
    assert words in answer.text
    assert "Line " in answer.text
    assert people() == before


def test_last_administrator_is_not_imported_away(client, root):
    boss = User.objects.create_superuser("boss")
    client.force_login(boss)
    User.objects.filter(pk=boss.pk).update(is_superuser=True)
    text = f"{PEOPLE_HEAD}\nroot,,,,no,"
    assert do_import(client, "people", text).status_code == 302  # boss is left
    assert not User.objects.get(username="root").is_active


@pytest.mark.parametrize("pair", [("zoe", "ZOE"), ("paul1", "paull"), ("\uff5aoe", "zoe")])
def test_rows_with_names_alike_are_refused(root, pair):
    before = people()
    text = "\n".join([PEOPLE_HEAD, *(f"{name},,,,yes,staff" for name in pair)])
    answer = check(root, "people", text)
    assert [problem.line for problem in answer.context["problems"]] == [3]
    assert people() == before


def test_import_keeps_what_changed_since_its_plan(root, alice):
    seen = User.objects.all()
    administrator = User.objects.get(username="root")
    text = f"{PEOPLE_HEAD}\nalice,Alice,,,yes,staff"
    plan = plan_people(text, people=seen, administrator=administrator)
    now = User.objects.get(username="alice")
    now.set_password("another-password-2")
    now.is_active = False
    now.save()
    now.groups.clear()
    store_people(plan.changes, seen)
    now = User.objects.get(username="alice")
    assert now.first_name == "Alice"
    assert now.check_password("another-password-2")
    assert not now.is_active
    assert not now.groups.exists()


def test_name_taken_since_the_check_is_a_message(root, monkeypatch):
    def store_late(changes, seen):
        User.objects.create(username="zoe")
        return store_people(changes, seen)

    monkeypatch.setattr(imports, "store_people", store_late)
    answer = do_import(root, "people", f"{PEOPLE_HEAD}\nzoe,,,,yes,staff")
    assert "Something changed since the check. Check again." in answer.text
    assert not User.objects.get(username="zoe").groups.exists()


def test_many_new_people_read_the_accounts_once(root, django_assert_max_num_queries):
    rows = [f"worker-{letter * 3},,,,yes,staff" for letter in "abcdefghjk"]
    administrator = User.objects.get(username="root")
    with django_assert_max_num_queries(2 + 2 * len(rows)) as queries:
        text = "\n".join([PEOPLE_HEAD, *rows])
        plan = plan_people(text, people=User.objects.all(), administrator=administrator)
    assert plan.new == len(rows)
    names = [
        query
        for query in queries
        if query["sql"].count('"username"') and "WHERE" not in query["sql"]
    ]
    assert len(names) == 1


def test_refused_change_of_own_rights_is_recorded(root):
    check(root, "people", f"{PEOPLE_HEAD}\nroot,,,,no,administrator")
    assert Action.objects.get(code="person:change:refused").subject == "root"


@pytest.mark.parametrize("way", ["form", "import"])
def test_giving_says_what_it_cancelled(root, alice, way):
    """The right passed by itself, and no tidying came yet."""
    operation = scene.operation(alice.user, scene.volume(granted_to=alice.user), name="nightly")
    VolumeGrant.objects.update(until=datetime(2020, 1, 1, tzinfo=UTC))
    other = scene.volume("other", volume_id="v-2")
    if way == "form":
        fields = {"cloud": "sandbox", "do": "give", "person": "alice", "chosen": [other.volume_id]}
        answer = root.post("/grants/new/", fields)
    else:
        text = grant_text({"person": "alice", "scope": "volume", "volume_id": "v-2"})
        answer = do_import(root, "grants", text)
    assert answer.status_code == 302
    assert "Cancelled before they were sent: 1 (nightly)." in root.get("/grants/").text
    operation.refresh_from_db()
    assert operation.outcome_code == "grant_lost"


def test_import_ends_no_grant(root, alice):
    VolumeGrant.objects.create(cloud="sandbox", scope="cloud", user=alice.user)
    text = grant_text({"person": "alice", "scope": "cloud", "until": "2020-01-01"})
    assert "This end is over." in check(root, "grants", text).text
    ended = datetime(2020, 1, 1, tzinfo=UTC)
    VolumeGrant.objects.update(until=ended)  # what has ended is exported and imported as it was
    text = grant_text({"person": "alice", "scope": "cloud", "until": ended.isoformat()})
    assert "This end is over." not in check(root, "grants", text).text


def test_grants_of_superusers_are_for_superusers(root):
    boss = User.objects.create_superuser("boss")
    VolumeGrant.objects.create(cloud="sandbox", scope="cloud", user=boss)
    assert "boss" not in root.get("/grants/").text
    assert "boss" not in export(root, "grants")


@pytest.mark.parametrize("field", ["cloud", "chosen", "found", "ids", "q"])
def test_nul_in_the_choice_of_volumes_is_refused(root, field):
    assert root.post("/grants/new/volumes/", {field: "a\0b"}).status_code == 400
