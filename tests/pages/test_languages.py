"""Which language a page, a fragment and a mail are in; what their numbers and days look like."""

import re
from datetime import UTC, datetime

import pytest
from django.utils import translation

from snapshots import localized
from snapshots.models import Preferences
from snapshots.models.directions import isolated
from snapshots.templatetags import states
from snapshots.templatetags.sizes import gib
from snapshots.templatetags.times import lasted
from tests import factories as scene

pytestmark = pytest.mark.any_database

HOME = {"en-gb": "Home", "tr": "Ana sayfa", "zh-hans": "首页", "ar": "الرئيسية"}
AT = datetime(2026, 11, 9, 21, 30, 5, tzinfo=UTC)


def _prefer(browser, language):
    Preferences.objects.update_or_create(user=browser.user, defaults={"language": language})


def _root_of(answer):
    return dict(re.findall(r'(\w+)="([^"]*)"', re.search("<html[^>]*>", answer.text)[0]))


@pytest.mark.parametrize(
    ("language", "direction"), [("en-gb", "ltr"), ("tr", "ltr"), ("zh-hans", "ltr"), ("ar", "rtl")]
)
@pytest.mark.parametrize("path", ["/", "/requests/", "/snapshots/", "/volumes/", "/preferences/"])
def test_page_is_in_the_persons_language(alice, volume, path, language, direction):
    _prefer(alice, language)
    page = alice.get(path, headers={"Accept-Language": "en"})
    root = _root_of(page)
    assert (root["lang"], root["dir"]) == (language, direction)
    assert HOME[language] in page.text
    assert page.headers["Content-Language"] == language


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("tr-TR,tr;q=0.9,en;q=0.8", "tr"),
        ("zh-CN,zh;q=0.9", "zh-hans"),
        ("zh-TW", "zh-hans"),
        ("ar-SA", "ar"),
        ("en-US", "en-gb"),
        ("fr", "en-gb"),
    ],
)
def test_browser_chooses_for_somebody_who_has_not(alice, client, asked, language):
    for browser, path in ((alice, "/"), (client, "/accounts/login/")):
        page = browser.get(path, headers={"Accept-Language": asked})
        assert _root_of(page)["lang"] == language
        assert "Accept-Language" in page.headers["Vary"]


def test_preferences_offer_each_language_by_its_own_name(alice):
    page = alice.get("/preferences/").text
    offered = re.findall(r'<option value="([^"]+)" lang="([^"]+)">([^<]+)<', page)
    names = ["English", "Türkçe", "简体中文", "العربية"]
    assert offered == [(code, code, name) for code, name in zip(HOME, names, strict=True)]


def test_chosen_language_is_that_of_the_next_page(alice):
    chosen = {"language": "tr", "zone": "UTC", "density": "compact"}
    page = alice.post("/preferences/", chosen, follow=True)
    assert _root_of(page)["lang"] == "tr"
    assert "Tercihleriniz kaydedildi." in page.text


def test_unknown_language_is_refused(alice):
    chosen = {"language": "xx", "zone": "UTC", "density": "compact"}
    assert "xx is not one of the available choices" in alice.post("/preferences/", chosen).text
    assert not Preferences.objects.exists()


def test_choosing_a_language_costs_a_page_no_query(alice, volume, django_assert_max_num_queries):
    def count():
        with django_assert_max_num_queries(100) as queries:
            alice.get("/requests/")
        return len(queries)

    _prefer(alice, "")
    before = count()
    _prefer(alice, "ar")
    assert count() == before


# --- fragments -------------------------------------------------------------------------------


def _poll(browser, language, **headers):
    return browser.get("/requests/rows/", headers={"X-Language": language, **headers})


def test_fragment_stays_in_the_language_of_its_page(alice, volume):
    scene.operation(alice.user, volume)
    _prefer(alice, "ar")
    assert "قيد الانتظار" in _poll(alice, "ar").text
    assert "Bekliyor" in _poll(alice, "tr").text
    assert "Waiting" in _poll(alice, "en-gb").text


def test_page_names_its_language_for_fragments(alice):
    _prefer(alice, "zh-hans")
    assert '"X-Language": "zh-hans"' in alice.get("/requests/").text


def test_unchanged_answer_holds_for_one_language(alice, volume):
    scene.operation(alice.user, volume, state="succeeded")
    version = re.search(r'data-version="([^"]+)"', _poll(alice, "tr").text)[1]
    assert _poll(alice, "tr", **{"X-Version": version}).status_code == 204
    other = _poll(alice, "ar", **{"X-Version": version})
    assert other.status_code == 200
    assert "متاحة" in other.text


def test_unknown_language_of_a_fragment_is_ignored(alice, volume):
    scene.operation(alice.user, volume)
    _prefer(alice, "tr")
    assert _poll(alice, "../../etc").status_code == 200


def test_next_request_on_the_thread_is_not_in_the_same_language(alice, client):
    _prefer(alice, "ar")
    alice.get("/")
    assert _root_of(client.get("/accounts/login/"))["lang"] == "en-gb"
    assert translation.get_language() == "en-gb"


# --- texts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en-gb", ("09 Nov 2026", "Monday, 09 Nov 2026", "12,345", "2.5 s", "1,024 GiB")),
        ("tr", ("09 Kas 2026", "09 Kas 2026 Pazartesi", "12.345", "2,5 sn", "1.024 GiB")),
        ("zh-hans", ("2026年11月9日", "2026年11月9日 星期一", "12,345", "2.5 秒", "1,024 GiB")),
        ("ar", ("9 نوفمبر 2026", "الاثنين، 9 نوفمبر 2026", "12,345", "2.5 ث", "1,024 GiB")),
    ],
)
def test_days_and_numbers_are_written_by_language(language, words):
    with translation.override(language):
        day, weekday = localized.day(AT), localized.weekday(AT)
        assert (day, weekday, localized.figure(12345), lasted(2.5), gib(1024)) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "قبل دقيقة واحدة"),
        (2, "قبل دقيقتين"),
        (3, "قبل 3 دقائق"),
        (11, "قبل 11 دقيقة"),
        (100, "قبل 100 دقيقة"),
    ],
)
def test_arabic_counts_in_six_forms(count, words):
    with translation.override("ar"):
        form = translation.ngettext("{count} minute ago", "{count} minutes ago", count)
    assert form.format(count=count) == words


@pytest.mark.parametrize("name", ["db-01 (old)", "2026-10-01", "0f5c1e2a-4b1d"])
def test_latin_name_stands_apart_within_arabic(alice, name):
    volume = scene.volume(name, granted_to=alice.user, status="error")
    _prefer(alice, "ar")
    assert f"حالة القرص \u2068{name}\u2069 هي" in scene.ask(alice, volume, name="x").text


def test_nothing_is_not_set_apart():
    with translation.override("ar"):
        assert isolated("") == ""


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("tr", "Girilen ad 300 bayt uzunluğunda"),
        ("zh-hans", "名称长度为 300 字节"),
        ("ar", "طول الاسم بالبايت 300"),
    ],
)
def test_limit_of_a_name_is_explained_in_the_language(alice, volume, language, words):
    _prefer(alice, language)
    assert words in scene.ask(alice, volume, name="n" * 300).text


def test_unit_of_a_quota_keeps_its_capitals(alice, volume):
    _prefer(alice, "zh-hans")
    page = alice.get("/snapshots/new/volume/", {"volume_id": volume.volume_id}).text
    assert "剩余配额：容量（GiB）" in page


def test_searchs_error_is_in_the_auditors_language(audrey):
    _prefer(audrey, "tr")
    assert "diye bir niteleyici yok" in audrey.get("/audit/?q=nobody:alice").text


def test_stored_details_of_a_record_stay_english(audrey):
    from snapshots.models import Action

    _prefer(audrey, "tr")
    audrey.get("/audit/questions/refused/")
    assert Action.objects.get(code="audit:question").details["question"] == "Refused by the cloud"


@pytest.mark.parametrize(
    ("language", "words"), [("en-gb", "db: available"), ("tr", "db: Kullanılabilir")]
)
def test_only_english_states_are_told_in_small_letters(operation, language, words):
    """Turkish has its own rules for them, and "İstendi" is not "i̇stendi"."""
    operation.state, operation.name = "succeeded", "db"
    with translation.override(language):
        assert f'data-says="{words}"' in states.news(operation)
