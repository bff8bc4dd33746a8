"""Asking for a snapshot: every rule at its field, all problems at once, nothing typed is lost."""

import uuid

import pytest
from django.db import OperationalError

from snapshots.evs.limits import LimitsProfile
from snapshots.forms import snapshot as snapshot_form
from snapshots.models import Operation
from tests.pages import scene

NEW = "/snapshots/new/"
CHOOSE = "Choose a volume from the list"


def _ask(browser, volume, **changes):
    return browser.post(NEW, scene.fill_form(volume, **changes))


def _errors(answer, field):
    return list(answer.context["form"].errors.get(field, []))


def _assert_nothing_was_asked():
    assert not Operation.objects.exists()


# --- the plain way ---------------------------------------------------------------------------


def test_a_request_is_recorded_and_shown(alice, volume):
    answer = _ask(
        alice,
        volume,
        description="Before the patch",
        **{"metadata-0-key": "team", "metadata-0-value": "payroll"},
    )
    made = Operation.objects.get()
    assert answer.url == f"/snapshots/{made.pk}/"
    assert (made.volume_id, made.volume_name) == (volume.volume_id, volume.name)
    assert (made.name, made.description) == ("before-upgrade", "Before the patch")
    assert made.metadata == {"team": "payroll"}
    assert made.force is False
    assert "Your request is recorded" in alice.get(answer.url).text


def test_blank_texts_are_none(alice, volume):
    _ask(alice, volume, name="  ", description="")
    made = Operation.objects.get()
    assert (made.name, made.description, made.metadata) == (None, None, {})


def test_the_same_form_sent_twice_is_one_request(alice, volume):
    form = scene.fill_form(volume)
    first = alice.post(NEW, form)
    again = alice.post(NEW, form | {"name": "changed meanwhile"}, follow=True)
    assert again.redirect_chain[0][0] == first.url
    assert "This form was already sent; this is what it asked for." in again.text
    assert Operation.objects.get().name == "before-upgrade"


def test_a_form_sent_before_asks_nothing_even_when_it_is_wrong_now(alice, volume):
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
    answer = _ask(alice, volume, key=key)
    assert "It has a new one now" in answer.text
    assert uuid.UUID(str(answer.context["key"]))
    _assert_nothing_was_asked()


def test_the_form_keeps_its_number_through_corrections(alice, volume):
    form = scene.fill_form(volume, name="x" * 256, **{"metadata-0-value": "no key"})
    answer = alice.post(NEW, form)
    assert answer.context["key"] == form["key"]


def test_two_blank_forms_have_two_numbers(alice, volume):
    keys = {str(alice.get(NEW).context["key"]) for _ in range(2)}
    assert len(keys) == 2


# --- volume ----------------------------------------------------------------------------------


def test_a_volume_must_be_chosen(alice, volume):
    answer = _ask(alice, volume, volume_id="")
    assert _errors(answer, "volume_id") == ["Choose the volume to take a snapshot of."]
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
        answer = _ask(alice, volume, volume_id=strange)
        assert answer.status_code == 200
        assert len(_errors(answer, "volume_id")) == 1, strange
        if "\x00" not in strange:
            assert CHOOSE in _errors(answer, "volume_id")[0], strange
        assert his.name not in _errors(answer, "volume_id")[0]
    _assert_nothing_was_asked()


def test_a_volume_that_takes_no_snapshot_is_shown_and_closed(alice):
    extending = scene.volume("mail-spool", granted_to=alice.user, status="extending")
    page = alice.get(NEW).text
    assert f'<option value="{extending.volume_id}" disabled>mail-spool' in page
    assert "No snapshot possible now" in page
    answer = _ask(alice, extending)
    assert "takes no snapshot now" in _errors(answer, "volume_id")[0]
    _assert_nothing_was_asked()


def test_a_volume_gone_from_the_cloud_is_not_offered(alice, volume):
    volume.gone_at = volume.seen_at
    volume.save()
    assert "There is no volume you may use" in alice.get(NEW).text
    assert CHOOSE in _errors(_ask(alice, volume), "volume_id")[0]


def test_helpdesk_may_choose_any_volume(helen, volume):
    _ask(helen, volume)
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
        "1 unfinished request on this volume",
        "still waiting",
        "Suggested name",
    ):
        assert words in fragment
    assert "<html" not in fragment


def test_the_facts_of_a_strange_volume_are_not_told(alice, bob, volume):
    his = scene.volume("secret-volume", granted_to=bob.user)
    fragment = alice.get("/snapshots/new/volume/", {"volume_id": his.volume_id}).text
    assert "secret-volume" not in fragment


def test_the_volume_is_shown_without_script_and_nothing_is_lost(alice, volume):
    answer = _ask(alice, volume, show="1", name="kept", description="x" * 300)
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
    answer = _ask(alice, busy, force=blank)
    assert "db-data is in-use: tick" in _errors(answer, "force")[0]
    assert 'name="force"' in answer.text
    _assert_nothing_was_asked()


@pytest.mark.parametrize("ticked", ["true", "on"])
def test_a_ticked_box_is_true(ticked, alice, busy):
    _ask(alice, busy, force=ticked)
    assert Operation.objects.get().force is True


@pytest.mark.parametrize("nonsense", ["0", "1", "no", "TRUE"])
def test_anything_else_is_neither(nonsense, alice, busy):
    assert "what was sent is neither" in _errors(_ask(alice, busy, force=nonsense), "force")[0]
    _assert_nothing_was_asked()


def test_a_box_ticked_for_a_volume_free_by_now_stays_ticked(alice, volume):
    _ask(alice, volume, force="true")
    assert Operation.objects.get().force is True


# --- name and description --------------------------------------------------------------------

TOO_LONG = {
    "ASCII": "x" * 256,
    "Turkish": "ş" * 128,
    "Chinese": "漢" * 85 + "x",
}


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize("text", TOO_LONG.values(), ids=TOO_LONG)
def test_256_bytes_are_one_too_many(field, text, alice, volume):
    answer = _ask(alice, volume, **{field: text})
    assert "256 bytes long; at most 255" in _errors(answer, field)[0]
    assert "256 of 255 bytes" in answer.text
    assert text in answer.text
    _assert_nothing_was_asked()


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize("text", TOO_LONG.values(), ids=TOO_LONG)
def test_255_bytes_fit(field, text, alice, volume):
    fitting = text[1:].replace("漢x", "漢") + "x" * (255 - len(text[1:].encode()))
    _ask(alice, volume, **{field: fitting[:255]})
    assert Operation.objects.count() == 1


@pytest.mark.parametrize("field", ["name", "description"])
def test_emoji_are_refused_when_the_cloud_takes_none(field, alice, volume, settings):
    assert "no emoji" in _errors(_ask(alice, volume, **{field: "🙂"}), field)[0]
    settings.EVSPORTAL_REFUSE_ASTRAL = False
    _ask(alice, volume, **{field: "🙂"})
    assert getattr(Operation.objects.get(), field) == "🙂"


def test_64_emoji_are_256_bytes(alice, volume, settings):
    settings.EVSPORTAL_REFUSE_ASTRAL = False
    assert "256 bytes" in _errors(_ask(alice, volume, name="🙂" * 64), "name")[0]


@pytest.mark.parametrize(
    "name",
    [
        "autobk_snapshot_x",
        "Autobk_Snapshot_x",
        "AUTOBK_SNAPSHOT",
        "  autobk_snapshot_padded",
        "\u3000autobk_snapshot",
        "ａｕｔｏｂｋ＿ｓｎａｐｓｈｏｔ",
        "autobk\u200b_snapshot",
        "manualbk_snapshot_vbs_1",
    ],
)
def test_names_of_backups_are_refused_however_written(name, alice, volume):
    assert (
        "kept for snapshots that backups make" in _errors(_ask(alice, volume, name=name), "name")[0]
    )
    _assert_nothing_was_asked()


@pytest.mark.parametrize("field", ["name", "description"])
def test_control_characters_are_refused(field, alice, volume):
    for bad in ("a\nb", "a\tb", "a\x7fb"):
        assert "control character" in _errors(_ask(alice, volume, **{field: bad}), field)[0]
    assert _errors(_ask(alice, volume, **{field: "a\x00b"}), field)
    _assert_nothing_was_asked()


def test_a_cloud_that_counts_characters_too(alice, volume, monkeypatch):
    narrow = LimitsProfile(name="narrow", name_bytes=255, description_bytes=255, name_chars=64)
    monkeypatch.setattr(snapshot_form, "PROFILES", {"bytes-255": narrow})
    answer = _ask(alice, volume, name="ş" * 65)
    assert "65 characters long; at most 64" in _errors(answer, "name")[0]
    assert "65 of 64 characters, 130 of 255 bytes" in answer.text


def test_the_limit_is_told_before_anything_is_typed(alice, volume):
    assert "At most 255 bytes" in alice.get(NEW).text


# --- metadata --------------------------------------------------------------------------------


def _rows(*pairs):
    return {
        f"metadata-{number}-{part}": text
        for number, pair in enumerate(pairs)
        for part, text in zip(("key", "value"), pair, strict=True)
    }


def test_rows_in_any_numbering_with_blanks_between(alice, volume):
    rows = {
        "metadata-7-key": "b",
        "metadata-7-value": "2",
        "metadata-3-key": "",
        "metadata-3-value": "",
        "metadata-0-key": "a",
        "metadata-0-value": " 1 ",
    }
    _ask(alice, volume, **rows)
    assert Operation.objects.get().metadata == {"a": " 1 ", "b": "2"}


def test_each_row_tells_its_own_problems(alice, volume):
    rows = _rows(
        ("", "no key"), ("evsportal-operation", "x"), ("same", "1"), ("Same", "2"), ("ş", "a\nb")
    )
    answer = _ask(alice, volume, **rows)
    errors = {row.number: row.key_errors + row.value_errors for row in answer.context["form"].rows}
    assert errors[0] == ["This value needs a key."]
    assert "itself" in errors[1][0]
    assert errors[2] == []
    assert "Row 3 has the same key" in errors[3][0]
    assert len(errors[4]) == 2
    assert 'href="#id_metadata-3-key"' in answer.text
    assert 'aria-describedby="id_metadata-4-value_error"' in answer.text
    _assert_nothing_was_asked()


def test_more_rows_than_allowed_are_told_fast(alice, volume):
    answer = _ask(alice, volume, **_rows(*[(f"k{n}", "v") for n in range(300)]))
    assert "There are 300 metadata entries; at most 100" in answer.text
    _assert_nothing_was_asked()


def test_adding_a_row_without_script_keeps_everything(alice, volume):
    rows = _rows(("team", "payroll"))
    answer = _ask(alice, volume, name="kept", **rows, **{"add-row": "1"})
    for words in ('value="kept"', 'value="team"', 'name="metadata-1-key"', "selected"):
        assert words in answer.text
    assert answer.context["form"].problems == []
    _assert_nothing_was_asked()


def test_removing_a_row_without_script_keeps_the_others(alice, volume):
    rows = _rows(("a", "1"), ("b", "2"), ("c", "3"))
    answer = _ask(alice, volume, **rows, **{"remove-row": "1"})
    assert [row.key for row in answer.context["form"].rows] == ["a", "c"]
    assert 'name="metadata-2-key"' in answer.text


def test_removing_the_last_row_leaves_a_blank_one(alice, volume):
    answer = _ask(alice, volume, **_rows(("a", "1")), **{"remove-row": "0"})
    assert [row.key for row in answer.context["form"].rows] == [""]


# --- all at once -----------------------------------------------------------------------------


def test_all_problems_are_told_at_once_and_nothing_is_lost(helen, busy):
    answer = _ask(
        helen,
        busy,
        name="autobk_snapshot",
        description="ş" * 128,
        on_behalf_of="Deniz",
        **_rows(("", "lost?")),
    )
    page = answer.text
    for field in ("force", "name", "description", "ticket"):
        assert len(_errors(answer, field)) == 1, field
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
    told = dict.fromkeys(fields, evil) | _rows(("team", evil))
    refused = _ask(helen, volume, volume_id="", **told)
    made = _ask(helen, volume, **told)
    for page in (refused, helen.get(made.url), helen.get("/"), helen.get("/volumes/")):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text


# --- helpdesk --------------------------------------------------------------------------------


def test_helpdesk_asks_for_somebody_with_a_ticket(helen, volume):
    _ask(helen, volume, on_behalf_of=" Deniz Öztürk ", ticket="CHG-1042", reason="Patch day")
    made = Operation.objects.get()
    assert (made.on_behalf_of, made.ticket, made.reason) == (
        "Deniz Öztürk",
        "CHG-1042",
        "Patch day",
    )


def test_for_somebody_else_a_ticket_or_a_reason_is_needed(helen, volume):
    answer = _ask(helen, volume, on_behalf_of="Deniz")
    assert "Give a ticket or a reason" in _errors(answer, "ticket")[0]
    assert _ask(helen, volume, on_behalf_of="Deniz", reason="Patch day").status_code == 302


@pytest.mark.parametrize(
    ("field", "most"), [("on_behalf_of", 150), ("ticket", 80), ("reason", 500)]
)
def test_helpdesk_fields_are_short_single_lines(field, most, helen, volume):
    assert _errors(_ask(helen, volume, **{field: "x" * (most + 1)}), field)
    assert "control character" in _errors(_ask(helen, volume, **{field: "a\nb"}), field)[0]
    _assert_nothing_was_asked()


def test_staff_cannot_ask_for_others(alice, volume):
    assert "on_behalf_of" not in alice.get(NEW).text
    _ask(alice, volume, on_behalf_of="Deniz", ticket="CHG-1")
    made = Operation.objects.get()
    assert (made.on_behalf_of, made.ticket) == ("", "")


# --- the size of a post, the database ---------------------------------------------------------


def test_ten_thousand_rows_get_a_clear_page(alice, volume):
    rows = _rows(*[(f"k{n}", "v") for n in range(10_000)])
    answer = _ask(alice, volume, **rows)
    assert answer.status_code == 413
    assert "at most 100 rows" in answer.text
    assert "Nothing was asked of the cloud" in answer.text


def test_five_megabytes_get_a_clear_page(alice, volume):
    form = "name=" + "x" * 5_000_000
    answer = alice.post(NEW, form, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert "bigger than the portal reads" in answer.text


def test_a_database_that_cannot_be_written_is_told(alice, volume, monkeypatch):
    def read_only(**_kwargs):
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("snapshots.views.request.request_snapshot", read_only)
    answer = _ask(alice, volume)
    assert answer.status_code == 503
    assert "nothing was asked of the cloud" in answer.text
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("volumes", [1, 60])
def test_the_number_of_queries(volumes, alice, volume, django_assert_max_num_queries):
    for number in range(volumes):
        scene.volume(f"v{number}", granted_to=alice.user)
    scene.operation(alice.user, volume, state="succeeded")
    with django_assert_max_num_queries(12):
        alice.get(NEW, {"volume_id": volume.volume_id})


def test_volumes_of_a_cloud_no_longer_configured_are_not_offered(alice, volume):
    left = scene.volume("left-behind", granted_to=alice.user, cloud="taken-out")
    assert "left-behind" not in alice.get(NEW).text
    assert CHOOSE in _errors(_ask(alice, left), "volume_id")[0]
