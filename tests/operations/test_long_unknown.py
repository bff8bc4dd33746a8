"""A request whose outcome was unknown for long says so for ever, whatever came of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from snapshots.models import Operation
from tests.operations.test_settle import lose_answer, settled


@pytest.mark.parametrize(("minutes", "was_long"), [(0, False), (11, True)])
def test_found_after_a_while_it_remembers(loop, ask, sandbox, minutes, was_long):
    lose_answer(sandbox, made=True)
    operation = ask("reports")
    loop.run_until_idle()
    sent_at = timezone.now() - timedelta(minutes=minutes)
    Operation.objects.filter(pk=operation.pk).update(sent_at=sent_at)
    assert settled(loop, operation) == "accepted"
    assert operation.long_unknown is was_long


def test_not_created_after_a_while_it_remembers(loop, ask, sandbox):
    lose_answer(sandbox, made=False)
    operation = ask("reports")
    loop.run_until_idle()
    Operation.objects.update(sent_at=timezone.now() - timedelta(minutes=11))
    assert settled(loop, operation, times=4) == "not_created"
    assert operation.long_unknown
