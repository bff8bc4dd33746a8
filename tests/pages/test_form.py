"""Asking for a snapshot: every rule at its field, all problems at once, nothing typed is lost."""

import uuid

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError

from snapshots.models import Operation, VolumeGrant
from tests import factories as scene
from tests.factories import ask, errors_at, rows

NEW = "/snapshots/new/"
CHOOSE = "This is not one of your volumes"


def _assert_nothing_was_asked():
    assert not Operation.objects.exists()


# --- the plain way ---------------------------------------------------------------------------


def test_a_request_is_recorded_and_shown(alice, volume):
    answer = ask(
        alice,
        volume,
        description="Before the patch",
        **{"metadata-0-key": "team", "metadata-0-value": "payroll"},
    )
    made = Operation.objects.get()
    assert answer.url == f"/requests/{made.pk}/"
    assert (made.volume_id, made.volume_name) == (volume.volume_id, volume.name)
    assert (made.name, made.description) == ("before-upgrade", "Before the patch")
    assert made.metadata == {"team": "payroll"}
    assert made.force is False
    assert "Your request is recorded" in alice.get(answer.url).text


def test_blank_texts_are_none(alice, volume):
    ask(alice, volume, name="  ", description="")
    made = Operation.objects.get()
    assert (made.name, made.description, made.metadata) == (None, None, {})


def test_the_same_form_sent_twice_is_one_request(alice, volume):
    form = scene.fill_form(volume)
    first = alice.post(NEW, form)
    again = alice.post(NEW, form | {"name": "changed meanwhile"}, follow=True)
    assert again.redirect_chain[0][0] == first.url
    assert "This form was already sent; this is what it asked for." in again.text
    assert Operation.objects.get().name == "before-upgrade"


def test_form_sent_before_asks_nothing_again(alice, volume):
    form = scene.fill_form(volume)
    first = alice.post(NEW, form)
    assert alice.post(NEW, form | {"volume_id": "", "name": "x" * 300}).url == first.url


def test_somebody_elses_form_number_gets_a_new_one(alice, bob, volume):
    form = scene.fill_form(volume)
    alice.post(NEW, form)
    his = scene.volume(granted_to=bob.user)
    answer = bob.post(NEW, form | {"volume_id": his.volume_id})
    assert "the form was out of date" in answer.text
    assert str(answer.context["key"]) != form["key"]
    assert Operation.objects.count() == 1


@pytest.mark.parametrize("key", [None, "", "42", "x" * 500])
def test_a_broken_form_number_is_replaced(key, alice, volume):
    answer = ask(alice, volume, key=key)
    assert "This form was damaged on its way. Nothing was asked; send it again." in answer.text
    assert uuid.UUID(str(answer.context["key"]))
    _assert_nothing_was_asked()


def test_the_form_keeps_its_number_through_corrections(alice, volume):
    form = scene.fill_form(volume, name="x" * 256, **{"metadata-0-value": "no key"})
    answer = alice.post(NEW, form)
    assert answer.context["key"] == form["key"]


def test_back_button_restores_the_form(alice, volume):
    blank = alice.get(NEW)
    address, _ = blank.redirect_chain[-1]
    sent = alice.post(NEW, {"key": blank.context["key"], "volume_id": volume.volume_id})
    back = alice.get(address, follow=True)
    assert back.redirect_chain[-1][0] == sent.url
    assert "This form was already sent" in back.text
    assert Operation.objects.count() == 1


def test_a_numbered_address_keeps_what_was_chosen_before(alice, volume):
    for name in ("volume", "volume_id"):  # the second of links that people may have kept
        address, _ = alice.get(NEW, {name: volume.volume_id}).redirect_chain[-1]
        assert f"volume={volume.volume_id}" in address
        assert "key=" in address


def test_two_blank_forms_have_two_numbers(alice, volume):
    keys = {str(alice.get(NEW).context["key"]) for _ in range(2)}
    assert len(keys) == 2


# --- volume ----------------------------------------------------------------------------------


def test_a_volume_must_be_chosen(alice, volume):
    answer = ask(alice, volume, volume_id="")
    assert errors_at(answer, "volume_id") == ["Choose the volume to take a snapshot of."]
    _assert_nothing_was_asked()


def test_strange_volumes_all_get_the_same_answer(alice, bob, volume):
    his = scene.volume(granted_to=bob.user)
    plain = volume.volume_id
    for strange in (
        str(uuid.uuid4()),
        his.volume_id,
        plain.upper(),
        f"{{{plain}}}",
        plain.replace("-", ""),
        f" {plain}",
        f"{plain}\n",
        "../../etc/passwd",
        "\x00",
    ):
        answer = ask(alice, volume, volume_id=strange)
        assert answer.status_code == 200
        assert len(errors_at(answer, "volume_id")) == 1, strange
        assert CHOOSE in errors_at(answer, "volume_id")[0], strange
        assert his.name not in errors_at(answer, "volume_id")[0]
    _assert_nothing_was_asked()


def test_volume_without_snapshots_cannot_be_chosen(alice):
    extending = scene.volume("mail-spool", granted_to=alice.user, status="extending")
    page = alice.get(NEW).text
    assert f'<option value="{extending.volume_id}" disabled>mail-spool' in page
    assert "extending" in page
    answer = ask(alice, extending)
    assert "takes no snapshot now" in errors_at(answer, "volume_id")[0]
    _assert_nothing_was_asked()


def test_a_volume_gone_from_the_cloud_is_not_offered(alice, volume):
    volume.gone_at = volume.seen_at
    volume.save()
    assert "There is no volume you may use" in alice.get(NEW).text
    assert CHOOSE in errors_at(ask(alice, volume), "volume_id")[0]


def test_helpdesk_may_choose_any_volume(helen, volume):
    ask(helen, volume)
    assert Operation.objects.get().requester == helen.user


def test_choosing_a_volume_shows_its_facts(alice, volume):
    scene.operation(alice.user, volume, state="succeeded", ago_seconds=999)
    scene.operation(alice.user, volume, state="queued", name="still waiting")
    fragment = alice.get("/snapshots/new/volume/", {"volume_id": volume.volume_id}).text
    for words in (
        "web-01-data",
        "available",
        "40 GiB",
        "tr-west-1a",
        "38 of 50",
        "1 unfinished request on this volume: yours is number 2 in line",
        "still waiting",
        "web-01-data-",
    ):
        assert words in fragment
    assert "<html" not in fragment


def test_the_facts_of_a_strange_volume_are_not_told(alice, bob, volume):
    his = scene.volume("secret-volume", granted_to=bob.user)
    fragment = alice.get("/snapshots/new/volume/", {"volume_id": his.volume_id}).text
    assert "secret-volume" not in fragment


def test_volume_is_shown_without_script(alice, volume):
    answer = ask(alice, volume, show="1", name="kept", description="x" * 300)
    assert 'value="kept"' in answer.text
    assert "38 of 50" in answer.text
    assert answer.context["form"].problems == []
    _assert_nothing_was_asked()


def test_volumes_with_one_name_are_told_apart(alice):
    for _ in range(2):
        scene.volume("twin", granted_to=alice.user)
    labels = {
        label
        for _, options in alice.get(NEW).context["form"].fields["volume_id"].widget.choices[1:]
        for _, label in options
    }
    assert len(labels) == 2


# --- force -----------------------------------------------------------------------------------


@pytest.fixture
def busy(alice):
    return scene.volume("db-data", granted_to=alice.user, status="in-use", attached_to="db-01")


def test_the_box_is_offered_only_where_it_is_needed(alice, volume, busy):
    facts = "/snapshots/new/volume/"
    assert 'name="force"' not in alice.get(facts, {"volume_id": volume.volume_id}).text
    fragment = alice.get(facts, {"volume_id": busy.volume_id}).text
    assert 'name="force"' in fragment
    assert "has in memory and has not written yet is missed" in fragment
    assert "checked" not in fragment


@pytest.mark.parametrize("blank", [None, "", "false"])
def test_a_volume_in_use_needs_the_box_ticked(blank, alice, busy):
    answer = ask(alice, busy, force=blank)
    assert "db-data is in-use: tick" in errors_at(answer, "force")[0]
    assert 'name="force"' in answer.text
    _assert_nothing_was_asked()


@pytest.mark.parametrize("ticked", ["true", "on"])
def test_a_ticked_box_is_true(ticked, alice, busy):
    ask(alice, busy, force=ticked)
    assert Operation.objects.get().force is True


@pytest.mark.parametrize("nonsense", ["0", "1", "no", "TRUE"])
def test_other_checkbox_values_are_refused(nonsense, alice, busy):
    assert "what was sent is neither" in errors_at(ask(alice, busy, force=nonsense), "force")[0]
    _assert_nothing_was_asked()


def test_force_is_kept_for_a_free_volume(alice, volume):
    ask(alice, volume, force="true")
    assert Operation.objects.get().force is True


# --- all at once -----------------------------------------------------------------------------


def test_all_problems_are_shown_together(helen, busy):
    answer = ask(
        helen,
        busy,
        name="autobk_snapshot",
        description="ş" * 128,
        on_behalf_of="Deniz",
        **rows(("", "lost?")),
    )
    page = answer.text
    for field in ("force", "name", "description", "ticket"):
        assert len(errors_at(answer, field)) == 1, field
        assert f'href="#id_{field}"' in page
        assert f'id="id_{field}_error"' in page
    assert "5 things to correct. Nothing was asked yet." in page
    for kept in ("autobk_snapshot", "ş" * 128, "Deniz", "lost?"):
        assert f'value="{kept}"' in page
    assert page.count('aria-invalid="true"') == 5
    _assert_nothing_was_asked()


def test_markup_in_every_field_is_text(helen, volume):
    evil = '"><script>alert(1)</script>'
    fields = ("name", "description", "on_behalf_of", "ticket", "reason")
    volume.name = evil
    volume.save()
    told = dict.fromkeys(fields, evil) | rows(("team", evil))
    refused = ask(helen, volume, volume_id="", **told)
    made = ask(helen, volume, **told)
    for page in (refused, helen.get(made.url), helen.get("/requests/"), helen.get("/volumes/")):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text


# --- helpdesk --------------------------------------------------------------------------------


def test_helpdesk_asks_for_somebody_with_a_ticket(helen, volume):
    ask(helen, volume, on_behalf_of=" Deniz Öztürk ", ticket="CHG-1042", reason="Patch day")
    made = Operation.objects.get()
    assert (made.on_behalf_of, made.ticket, made.reason) == (
        "Deniz Öztürk",
        "CHG-1042",
        "Patch day",
    )


def test_request_for_others_needs_ticket_or_reason(helen, volume):
    answer = ask(helen, volume, on_behalf_of="Deniz")
    assert "Give a ticket or a reason" in errors_at(answer, "ticket")[0]
    assert ask(helen, volume, on_behalf_of="Deniz", reason="Patch day").status_code == 302


@pytest.mark.parametrize(
    ("field", "what", "most"),
    [
        ("on_behalf_of", "“On behalf of”", 150),
        ("ticket", "The ticket", 80),
        ("reason", "The reason", 500),
    ],
)
def test_helpdesk_fields_are_short_single_lines(field, what, most, helen, volume):
    words = f"{what} is {most + 1} characters long; at most {most} are allowed."
    answer = ask(helen, volume, **{field: "x" * (most + 1)})
    assert errors_at(answer, field) == [words]
    for bad in ("a\nb", "a\x00b", "a\u202eb"):
        answer = ask(helen, volume, **{field: bad})
        assert errors_at(answer, field) == [
            "Remove the line break, tab or other control character."
        ]
    _assert_nothing_was_asked()


def test_staff_cannot_ask_for_others(alice, volume):
    assert "on_behalf_of" not in alice.get(NEW).text
    ask(alice, volume, on_behalf_of="", ticket="")
    assert Operation.objects.count() == 1


def test_role_taken_away_while_the_page_was_open_is_said(helen, volume):
    helen.user.groups.set([Group.objects.get_or_create(name="staff")[0]])
    VolumeGrant.objects.create(cloud=volume.cloud, volume_id=volume.volume_id, user=helen.user)
    page = ask(helen, volume, on_behalf_of="Deniz", ticket="CHG-1")
    assert "“On behalf of” is no longer possible." in page.text
    assert "“Ticket” is no longer possible." in page.text
    _assert_nothing_was_asked()


# --- the size of a post, the database ---------------------------------------------------------


def test_ten_thousand_rows_get_a_clear_page(alice, volume):
    told = rows(*[(f"k{n}", "v") for n in range(10_000)])
    answer = ask(alice, volume, **told)
    assert answer.status_code == 413
    assert "at most 100 rows" in answer.text
    assert "Nothing was sent to the cloud" in answer.text


def test_five_megabytes_get_a_clear_page(alice, volume):
    form = "name=" + "x" * 5_000_000
    answer = alice.post(NEW, form, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert "larger than the portal accepts" in answer.text


def test_a_database_that_cannot_be_written_is_told(alice, volume, monkeypatch):
    def read_only(**_kwargs):
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("snapshots.views.request.ask_for_operation", read_only)
    answer = ask(alice, volume)
    assert answer.status_code == 503
    assert "nothing was sent to the cloud" in answer.text
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("volumes", [1, 60])
def test_the_number_of_queries(volumes, alice, volume, django_assert_max_num_queries):
    for number in range(volumes):
        scene.volume(f"v{number}", granted_to=alice.user)
    scene.operation(alice.user, volume, state="succeeded")
    with django_assert_max_num_queries(19):
        alice.get(NEW, {"volume": volume.volume_id, "key": str(uuid.uuid4())})


def test_volumes_of_removed_cloud_are_not_offered(alice, volume):
    left = scene.volume("left-behind", granted_to=alice.user, cloud="taken-out")
    assert "left-behind" not in alice.get(NEW).text
    assert CHOOSE in errors_at(ask(alice, left), "volume_id")[0]


def test_form_beyond_the_limit_says_so(alice, volume, settings):
    settings.EVSPORTAL_STAFF_OPEN_REQUESTS = 1
    scene.operation(alice.user, volume)
    answer = ask(alice, volume)
    assert "You have as many unfinished requests as your role may." in answer.text
    assert "Nothing was asked." in answer.text
    assert Operation.objects.count() == 1
