"""Every search finds every spelling of a name, on SQLite and PostgreSQL alike."""

import uuid

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from snapshots.audit.record.actions import record
from snapshots.models import ActionCode, Operation, Volume
from tests import factories as scene
from tests.search.test_folding import ALIKE

# What is there, what is typed.
PAIRS = [(line[0], typed) for line in ALIKE for typed in line]
PAIRS += [(line[-1], line[0]) for line in ALIKE]
LITERAL = [("100%", "100x"), ("a_b", "axb"), ("c\\d", "cd"), ("x'y", "xy"), ("[z]", "z")]


def rows(browser, path, **query):
    return list(browser.get(path, query).context["page"].rows)


def requests(browser, *, q):
    return [line.operation for line in browser.get("/requests/", {"q": q}).context["lines"]]


@pytest.mark.parametrize(("name", "typed"), PAIRS, ids=ascii)
def test_lists_and_trail_find_each_spelling(name, typed, alice, audrey):
    volume = scene.volume(name, granted_to=alice.user)
    scene.volume("other", granted_to=alice.user)
    made = scene.operation(
        alice.user, volume, state="accepted", ticket=name, on_behalf_of=name, requester_name=name
    )
    sent = scene.exchange(
        made, actor_name=name, ticket=name, on_behalf_of=name, cloud=name, target_name=name
    )
    scene.exchange(made, actor_name="x", target_name="other", ticket="other")
    assert rows(alice, "/volumes/", q=typed) == [volume]
    assert requests(alice, q=typed) == [made]
    for qualifier in ("actor", "for", "ticket", "volume", "target", "cloud"):
        assert rows(audrey, "/audit/", q=f'{qualifier}:"{typed}" kind:exchange') == [sent]
    assert rows(audrey, "/audit/", q=f'volume:"{typed[:2]}"') == [sent]
    assert rows(audrey, "/audit/", q=f'"{typed}" kind:exchange') == [sent]


@pytest.mark.parametrize("typed", ["über", "ÜBER", "uber", "geschäft", "GESCHAFT"])
def test_words_of_bodies_and_details_are_found(typed, audrey, operation):
    """JSON in ASCII spells letters as escapes; a column of JSON does so on one database only."""
    body = '{"snapshot": {"name": "\\u00dcber Gesch\\u00e4ft"}}'
    sent = scene.exchange(operation, body=body)
    record(
        ActionCode.PERSON_CHANGED, details={"name": "Über Geschäft"}, subject="x", actor_name="bob"
    )
    found = rows(audrey, "/audit/", q=typed)
    assert sorted(type(one).__name__ for one in found) == ["Action", "Exchange"]
    assert sent in found


@pytest.mark.parametrize(("name", "other"), LITERAL)
def test_signs_of_patterns_mean_themselves(name, other, alice, audrey):
    volume = scene.volume(f"web {name}", granted_to=alice.user)
    apart = scene.volume(f"web {other}", granted_to=alice.user)
    made = scene.operation(alice.user, volume)
    scene.operation(alice.user, apart)
    sent = scene.exchange(made)
    scene.exchange(target_name=apart.name, purpose="create", background=False)
    assert rows(alice, "/volumes/", q=name) == [volume]
    assert requests(alice, q=name) == [made]
    assert rows(audrey, "/audit/", q=f'volume:"web {name}"') == [sent]


@pytest.mark.parametrize("typed", ["\u0301", "\u200b", "¨", "\u3000"])
def test_what_folds_to_nothing_narrows_nothing_and_breaks_nothing(typed, alice, audrey, volume):
    assert rows(alice, "/volumes/", q=typed) == [volume]
    assert alice.get("/requests/", {"q": typed}).status_code == 200
    assert audrey.get("/audit/", {"q": typed}).status_code == 200
    assert "no letter or digit" in audrey.get("/audit/", {"q": f'actor:"{typed}"'}).text


def test_a_name_longer_when_folded_is_recorded_and_found(alice, audrey):
    name = "ß" * 255
    volume = scene.volume(name, granted_to=alice.user)
    made = scene.operation(alice.user, volume, ticket="ß" * 80, on_behalf_of="\ufdfa" * 150)
    sent = scene.exchange(made, ticket=made.ticket, on_behalf_of=made.on_behalf_of)
    for query in (f'volume:"{name}"', f'ticket:"{made.ticket}"', f'for:"{made.on_behalf_of}"'):
        assert rows(audrey, "/audit/", q=query) == [sent]
    assert rows(alice, "/volumes/", q="ss" * 90) == [volume]


# --- however a row comes in ------------------------------------------------------------------


def _by_save(volume):
    volume.name = "Über"
    volume.save()


def _by_update(volume):
    Volume.objects.filter(pk=volume.pk).update(name="Über")


def _in_bulk(volume):
    volume.name = "Über"
    Volume.objects.bulk_update([volume], ["name"])


def _by_upsert(volume):
    fresh = Volume(
        cloud=volume.cloud,
        volume_id=volume.volume_id,
        name="Über",
        status="available",
        seen_at=timezone.now(),
    )
    Volume.objects.bulk_create(
        [fresh],
        update_conflicts=True,
        unique_fields=["cloud", "volume_id"],
        update_fields=["name", "seen_at"],
    )


def _by_sql(volume):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE snapshots_volume SET name = 'Über' WHERE volume_id = %s", [volume.volume_id]
        )


@pytest.mark.parametrize("rename", [_by_save, _by_update, _in_bulk, _by_upsert, _by_sql])
def test_renamed_volume_is_found_by_new_name_only(rename, alice, volume):
    rename(volume)
    assert rows(alice, "/volumes/", q="über") == [volume]
    assert rows(alice, "/volumes/", q="web-01-data") == []


def test_a_row_of_sql_and_of_bulk_is_found(alice, volume):
    facts = {"cloud": volume.cloud, "status": "available", "seen_at": timezone.now()}
    Volume.objects.bulk_create([Volume(volume_id=str(uuid.uuid4()), name="MUĞLA", **facts)])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO snapshots_volume (cloud, volume_id, project_id, name, status, size_gb, "
            "volume_type, availability_zone, bootable, encrypted, multiattach, attached_to, "
            "seen_at) VALUES (%s, 'v9', '', 'Muğla 2', 'available', 1, '', '', "
            "%s, %s, %s, '', %s)",
            [volume.cloud, False, False, False, timezone.now()],
        )
    alice.user.volume_grants.create(cloud=volume.cloud, scope="cloud")
    assert len(rows(alice, "/volumes/", q="mugla")) == 2


def test_saving_a_row_read_before_keeps_it_findable(alice, volume):
    made = scene.operation(alice.user, volume, name="Über")
    made.name = "Straße"  # this object never read what the trigger stored
    made.save()
    assert requests(alice, q="STRASSE") == [made]
    assert Operation.objects.get().folded.startswith("strasse\n")


def test_the_administration_finds_each_spelling(root):
    for name in ("Müller", "muğla"):
        User.objects.create(username=name, password="!")
        Group.objects.create(name=name)
    for kind in ("people", "groups"):
        for typed, name in (("MULLER", "Müller"), ("müller", "Müller"), ("MUĞLA", "muğla")):
            page = root.get(f"/{kind}/", {"q": typed}).context["page"]
            assert [str(row) for row in page.rows] == [name]


def test_a_value_that_is_no_text_is_stored(alice, volume):
    """SQLite lets a program store a number where a text is meant."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE snapshots_volume SET name = '12' || 3, status = 'in-use'")
    assert rows(alice, "/volumes/", q="123") == [volume]
