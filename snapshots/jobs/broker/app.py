"""The Celery application: queues, task names and settings.

A message names a row and nothing else. When it is lost, late, doubled or forged, it does no harm:
the row's claim decides. Tasks wait in Celery's threads while the worker's loop takes the step.
"""

import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from celery import Celery
from celery.exceptions import Reject
from celery.signals import setup_logging
from kombu import Exchange, Queue

from snapshots.jobs import duties
from snapshots.jobs.notices import Notice, Notices, Outcome
from snapshots.models import OperationKind

HOUSE = "evsportal.house"
PATIENCE_SECONDS = 2.0  # for the broker, of whatever waits for it
# A message that lies longer names a row that was claimed without it, or is told again.
_MESSAGE_LIFE_SECONDS = 60
# Longer than any step; then the message is acknowledged, and the step goes on.
_LONGEST_WAIT_SECONDS = 600.0
_DUTIES = (
    duties.WATCH,
    duties.INVENTORY,
    duties.SNAPSHOTS,
    duties.SERVERS,
    duties.LOOK,
    duties.PROBE,
    duties.SEAL,
    duties.PUSH,
    duties.TIDY,
    duties.BROKER,
)
_BROKER_URL = "broker_url"


def operation_task(kind: str) -> str:
    return f"operation.{kind}"


def duty_task(kind: str) -> str:
    return f"duty.{kind}"


def queue_of(lane: str, clouds: Sequence[str]) -> str:
    """The queue of a cloud; the house's for what belongs to none."""
    return f"evsportal.cloud.{lane}" if lane in clouds else HOUSE


def make_app(broker_url: str, clouds: Sequence[str], notices: Notices | None = None) -> Celery:
    """The application of these clouds. Without notices it publishes and inspects; only a worker's
    loop can take messages.
    """
    app = Celery("evsportal", fixups=[], set_as_current=False)
    app.conf.update(_settings(broker_url, clouds))
    app.notices = notices
    app.clouds = tuple(clouds)
    for kind in OperationKind:
        app.task(_task(app, is_duty=False), name=operation_task(kind), shared=False)
    for duty in _DUTIES:
        app.task(_task(app, is_duty=True), name=duty_task(duty), shared=False)
    app.finalize()
    return app


def _settings(broker_url: str, clouds: Sequence[str]) -> dict[str, Any]:
    return {
        _BROKER_URL: broker_url,
        "broker_use_ssl": _tls(broker_url),
        "broker_connection_timeout": PATIENCE_SECONDS,
        "broker_heartbeat": 10,
        "broker_connection_max_retries": None,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {"confirm_publish": True},
        "task_queues": [_queue(name) for name in _queue_names(clouds)],
        "task_default_queue": HOUSE,
        "task_create_missing_queues": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "task_publish_retry": False,
        "accept_content": ["json"],
        "worker_pool": "threads",
        "worker_prefetch_multiplier": 1,
        "worker_consumer": "snapshots.jobs.broker.receiver:LoopConsumer",
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_enable_prefetch_count_reduction": False,
        "beat_scheduler": "snapshots.jobs.broker.beat:DutyScheduler",
    }


def _queue_names(clouds: Sequence[str]) -> list[str]:
    return [HOUSE, *(queue_of(cloud, clouds) for cloud in clouds)]


def _queue(name: str) -> Queue:
    arguments = {"x-queue-type": "quorum", "x-message-ttl": _MESSAGE_LIFE_SECONDS * 1000}
    exchange = Exchange("evsportal", type="direct")
    return Queue(name, exchange, routing_key=name, queue_arguments=arguments)


def _tls(broker_url: str) -> dict[str, Any] | None:
    """Celery would encrypt and ask for no certificate."""
    parts = urlsplit(broker_url)
    if parts.scheme != "amqps":
        return None
    authorities = ssl.get_default_verify_paths().cafile
    return {
        "cert_reqs": ssl.CERT_REQUIRED,
        "ca_certs": authorities,
        "server_hostname": parts.hostname,
    }


def _task(app: Celery, *, is_duty: bool) -> Callable[..., str]:
    """The argument's name is what `celery inspect` and Flower show."""

    def bring(notice: Notice) -> str:
        notices: Notices = app.notices
        outcome = notices.bring(notice, seconds=_LONGEST_WAIT_SECONDS)
        if outcome is Outcome.REFUSED:
            time.sleep(0.1)  # it may come back to us until we have left
            raise Reject("this worker stops", requeue=True)
        return outcome.name.lower().replace("_", " ")

    # What the database cannot look for ends here, not in the loop.
    def take_step(*, operation: str, cloud: str) -> str:
        return bring(Notice(is_duty=False, key=str(UUID(operation)), lane=cloud))

    def do_duty(*, duty: str, cloud: str) -> str:
        if not duty.isprintable():
            raise ValueError("This is no duty's name.")
        return bring(Notice(is_duty=True, key=duty, lane=cloud))

    return do_duty if is_duty else take_step


def _keep_logging(**_kwargs: Any) -> None:
    """Django has set up the logging; Celery would do it over."""


setup_logging.connect(_keep_logging)
