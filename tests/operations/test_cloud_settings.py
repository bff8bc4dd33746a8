"""With which settings of its clouds the portal was started, and when they were others."""

import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from snapshots import clouds
from snapshots.duties.cloud_settings import record_cloud_settings
from snapshots.models import Action, ActionCode, Duty
from snapshots.worker import Loop

FILE = """
clouds:
  ankara:
    auth:
      auth_url: https://iam.example.com/v3
      username: portal-user
      password: "planted-password-{number}"
      user_domain_name: acme
      project_name: tr-1
    region_name: tr-1
  izmir:
    auth_type: aksk
    auth: {{access_key: PLANTEDACCESS, secret_key: "planted-secret", project_id: p-1}}
    evs: {{endpoint: "https://evs.example.com"}}
"""


FINGERPRINTS = ("fingerprint of the secret", "made with the portal's key")


@pytest.fixture
def write(settings, tmp_path):
    def written(number=1, text=FILE):
        path = tmp_path / "clouds.yaml"
        path.write_text(text.format(number=number))
        path.chmod(0o600)
        settings.EVSPORTAL_MODE, settings.EVSPORTAL_CLOUDS = "cloud", str(path)
        clouds.forget()

    yield written
    clouds.forget()


def seen():
    return Action.objects.filter(code=ActionCode.CLOUD_SEEN).order_by("seq")


def test_settings_are_recorded_once_without_their_secrets(db, write):
    write()
    record_cloud_settings()
    record_cloud_settings()
    ankara, izmir = seen()
    assert (ankara.cloud, ankara.actor_name) == ("ankara", "portal")
    assert ankara.details | dict.fromkeys(FINGERPRINTS, "") == {
        "dialect": "native-v2",
        "limits": "bytes-255",
        "endpoint": "from the catalog",
        "region": "tr-1",
        "calls per second": "5",
        "certificates": "built in",
        "sign-in": "password",
        "identity service": "https://iam.example.com/v3",
        "user": "portal-user",
        "account": "acme",
        "project": "tr-1",
        **dict.fromkeys(FINGERPRINTS, ""),
    }
    assert izmir.details["sign-in"] == "access key"
    assert "planted" not in f"{ankara.details} {izmir.details}".lower()


def test_each_change_of_password_is_recorded(db, write):
    for number in (1, 2, 1):
        write(number)
        record_cloud_settings()
    first, second, third = (row.details for row in seen().filter(cloud="ankara"))
    assert first == third
    name = "fingerprint of the secret"
    assert first[name] != second[name]
    assert first | {name: ""} == second | {name: ""}


def test_a_cloud_that_was_taken_out_is_told_once(db, write):
    write()
    record_cloud_settings()
    write(text=FILE.split("  izmir", maxsplit=1)[0])
    record_cloud_settings()
    record_cloud_settings()
    assert codes("izmir") == [ActionCode.CLOUD_SEEN, ActionCode.CLOUD_GONE]
    assert codes("ankara") == [ActionCode.CLOUD_SEEN]
    write()
    record_cloud_settings()
    assert codes("izmir")[2:] == [ActionCode.CLOUD_SEEN]


def codes(cloud):
    rows = Action.objects.filter(code__startswith="cloud:", cloud=cloud)
    return list(rows.order_by("seq").values_list("code", flat=True))


def test_portal_key_change_differs_from_password_change(db, write, settings):
    write()
    record_cloud_settings()
    settings.SECRET_KEY = "another"
    record_cloud_settings()
    name = "made with the portal's key"
    first, second = (row.details for row in seen().filter(cloud="ankara"))
    assert first[name] != second[name]
    write(number=2)
    record_cloud_settings()
    third = seen().filter(cloud="ankara").last().details
    assert third[name] == second[name]


def test_workers_that_start_together_record_it_once(transactional_db, write):
    write()
    barrier = threading.Barrier(3)

    def start():
        barrier.wait()
        record_cloud_settings()
        connection.close()

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen().count() == 2


def test_a_worker_records_it_at_its_start(loop):
    loop._enlist()
    assert [row.cloud for row in seen()] == ["sandbox"]
    assert set(Duty.objects.values_list("kind", flat=True)) >= {"seal", "watch"}


def test_auditors_find_it(loop, django_user_model):
    Loop()._enlist()
    audrey = django_user_model.objects.create_user("audrey", password="demo")
    audrey.groups.add(Group.objects.get_or_create(name="auditor")[0])
    browser = Client()
    browser.force_login(audrey)
    page = browser.get("/audit/?q=what:cloud").content.decode()
    assert "started with these settings of a cloud" in page
    assert ">sandbox</bdi>" in page


def test_parallel_changes_are_recorded(db, write):
    write(text=FILE.replace("endpoint:", "parallel_changes: true, endpoint:"))
    record_cloud_settings()
    ankara, izmir = seen()
    assert "changes of a volume" not in ankara.details
    assert izmir.details["changes of a volume"] == "several at once"
