"""Two people who had one name in turn are told apart in the trail."""

import pytest

from snapshots.audit.record.actions import record
from snapshots.models import ActionCode
from tests import factories as scene

PAGE = "/audit/"


@pytest.fixture
def two(alice, bob, volume):
    """Alice was renamed, and Bob got her name."""
    first = scene.operation(alice.user, volume)
    scene.exchange(first, url="https://x/first")
    record(ActionCode.SIGNED_IN, actor=alice.user)
    alice.user.username = "alicia"
    alice.user.save()
    bob.user.username = "alice"
    bob.user.save()
    second = scene.operation(bob.user, scene.volume("mail"))
    scene.exchange(second, url="https://x/second")
    return alice.user, bob.user


def urls(answer):
    return [one.url for one in answer.context["page"].rows if hasattr(one, "url")]


def test_the_qualifier_by_id_finds_one_of_them(two, audrey):
    for person, url in zip(two, ("https://x/first", "https://x/second"), strict=True):
        assert urls(audrey.get(PAGE, {"q": f"actor-id:{person.pk}"})) == [url]
        rest = urls(audrey.get(PAGE, {"q": f"-actor-id:{person.pk} kind:exchange"}))
        assert url not in rest
    assert len(urls(audrey.get(PAGE, {"q": "actor:alice"}))) == 2


@pytest.mark.parametrize(
    "query", ["actor:alice", "actor:ALICE", "alice", "actor:alice kind:action"]
)
def test_the_page_hints_at_a_name_of_several(query, two, audrey):
    page = audrey.get(PAGE, {"q": query}).text
    assert "was the name of 2 accounts" in page
    first, second = two
    assert f'<a href="?q=actor-id:{first.pk}">' in page
    assert f'<a href="?q=actor-id:{second.pk}">' in page
    assert "(now <bdi>alicia</bdi>)" in page


@pytest.mark.parametrize(
    "query", ["", "actor:audrey", "actor:nosuch", "actor-id:1", "alicia x y z"]
)
def test_no_hint_where_a_name_was_of_one_account(query, two, audrey):
    assert "was the name of" not in audrey.get(PAGE, {"q": query}).text


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "٣", "1" * 30, "#3"])
def test_what_is_no_number_is_answered_in_a_sentence(value, audrey):
    page = audrey.get(PAGE, {"q": f"actor-id:{value}"}).text
    assert "actor-id: takes the number of an account, as records show it." in page


def test_records_show_the_number_of_the_account(two, audrey):
    first, _ = two
    found = audrey.get(PAGE, {"q": f"actor-id:{first.pk}"}).context["page"].rows
    for one in found:
        page = audrey.get(f"/audit/{one.id}/").text
        assert f"q=actor-id:{first.pk}" in page


def test_the_hint_costs_two_queries(two, audrey, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        audrey.get(PAGE, {"q": "actor:alice"})
