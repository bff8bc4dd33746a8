"""What messages say is due: waiting, claimed, dismissed, refused."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from snapshots.jobs.notices import Notice, Notices, Outcome
from tests.waiting import until

NOTICE = Notice(is_duty=False, key="1", lane="a")
DUTY = Notice(is_duty=True, key="watch:a", lane="a")


@pytest.fixture
def notices():
    return Notices()


@pytest.fixture
def bring(notices):
    """Bring a notice in a thread, as a message does; its outcome to come."""
    woken = []
    notices.wake = lambda: woken.append(True)
    with ThreadPoolExecutor(4) as threads:

        def bring(notice):
            before = len(woken)
            future = threads.submit(notices.bring, notice, seconds=60)
            until(lambda: len(woken) > before)
            return future

        yield bring
        notices.abandon()


def test_message_is_done_when_its_step_has_ended(notices, bring):
    outcome = bring(NOTICE)
    notices.begin(NOTICE)
    assert not notices.waiting(is_duty=False)
    assert not outcome.done()
    notices.end(NOTICE)
    assert outcome.result(5) is Outcome.DONE


def test_doubled_message_ends_with_the_first(notices, bring):
    outcomes = [bring(NOTICE), bring(NOTICE)]
    notices.begin(NOTICE)
    notices.end(NOTICE)
    assert [outcome.result(5) for outcome in outcomes] == [Outcome.DONE, Outcome.DONE]


def test_message_about_nothing_due_is_dismissed(notices, bring):
    outcome, duty = bring(NOTICE), bring(DUTY)
    notices.dismiss([NOTICE.key, DUTY.key], is_duty=False)
    assert outcome.result(5) is Outcome.NOTHING_DUE
    assert not duty.done()


def test_lanes_are_told_apart(notices, bring):
    bring(NOTICE)
    assert notices.waiting(is_duty=False, lane="a") == {"1"}
    assert notices.waiting(is_duty=False, lane="b") == set()
    assert notices.waiting(is_duty=True) == set()


def test_lanes_beyond_the_loop_are_dismissed(notices, bring):
    """Of a cloud that does not answer, or that this worker's settings do not name."""
    removed, waiting = bring(replace(NOTICE, lane="removed")), bring(NOTICE)
    notices.keep_lanes(["a"], is_duty=False)
    assert removed.result(5) is Outcome.NOTHING_DUE
    assert not waiting.done()


def test_worker_that_stops_refuses_messages_and_ends_its_steps(notices, bring):
    first, second = bring(NOTICE), bring(DUTY)
    notices.begin(NOTICE)
    notices.close()
    assert second.result(5) is Outcome.REFUSED
    assert notices.bring(DUTY, seconds=5) is Outcome.REFUSED
    assert not first.done()
    notices.end(NOTICE)
    assert first.result(5) is Outcome.DONE


def test_loop_that_broke_off_keeps_no_message_waiting(notices, bring):
    outcome = bring(NOTICE)
    notices.begin(NOTICE)
    notices.abandon()
    assert outcome.result(5) is Outcome.REFUSED


def test_message_that_nobody_answers_ends_in_time(notices):
    assert notices.bring(NOTICE, seconds=0.01) is Outcome.NOTHING_DUE
