"""What the engine needs is asked for at the start, in sentences without the password."""

import pytest

from snapshots.jobs.checks import check_engine
from snapshots.jobs.engine import Embedded
from snapshots.worker import chosen_engine


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("", ["evsportal.E061"]),
        ("redis://user:secret@broker/0", ["evsportal.E062"]),
        ("amqp://user:sec@ret@broker//", ["evsportal.E062"]),
        ("amqp://user:secret@broker:port//", ["evsportal.E062"]),
        ("amqp://user:secret@broker//", ["evsportal.W060"]),
        ("amqps://user:secret@broker//", []),
        ("amqp://user:secret@127.0.0.1:5672//", []),
    ],
)
def test_broker_address_is_checked_without_showing_it(settings, url, ids):
    settings.EVSPORTAL_ENGINE, settings.EVSPORTAL_BROKER_URL = "celery", url
    messages = check_engine()
    assert [message.id for message in messages] == ids
    assert "sec" not in "".join(f"{message.msg} {message.hint}" for message in messages)


def test_embedded_engine_needs_no_broker(settings):
    settings.EVSPORTAL_BROKER_URL = "nonsense"
    assert check_engine() == []
    assert isinstance(chosen_engine(), Embedded)
