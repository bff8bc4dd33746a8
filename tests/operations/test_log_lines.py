"""The worker's log lines name their operation, and the web request that asked for it."""

import logging
import uuid

from django.contrib.auth.models import AnonymousUser

from evsportal.logs import ContextFilter
from snapshots.audit.record.actions import Click, clicked


def test_lines_of_a_step_name_their_operation(loop, ask, sandbox, caplog):
    caplog.handler.addFilter(ContextFilter())
    operation = ask("trouble: error 500, nothing made")
    other = ask("reports")
    with caplog.at_level(logging.DEBUG, logger="urllib3"):
        loop.run_until_idle()
    lines = [record for record in caplog.records if record.threadName.startswith("work")]
    names = {record.operation_id for record in lines}
    assert {str(operation.pk), str(other.pk)} <= names


def test_lines_of_a_step_name_the_web_request(loop, ask, sandbox, caplog):
    caplog.handler.addFilter(ContextFilter())
    request_id = uuid.uuid4()
    with clicked(Click(request_id, AnonymousUser)):
        ask("reports")
    with caplog.at_level(logging.DEBUG, logger="urllib3"):
        loop.run_until_idle()
    lines = [record for record in caplog.records if record.threadName.startswith("work")]
    assert {record.request_id for record in lines if record.operation_id != "-"} == {
        str(request_id)
    }
