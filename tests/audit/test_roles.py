"""On PostgreSQL web, worker and archive have roles of their own, which cannot touch the trail."""

import subprocess
import sys
import uuid
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from portal_process import ROOT, environ

from snapshots import clouds
from snapshots.audit.database import guards
from snapshots.audit.database.roles import ARCHIVE, WEB, WORKER
from snapshots.audit.seals import keys
from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.audit.seals.verify import verify
from snapshots.models import (
    AccountName,
    Action,
    Entry,
    OpenSession,
    Operation,
    Seal,
    Tombstone,
    Volume,
    VolumeGrant,
)
from snapshots.rights.policy import Right
from snapshots.rights.sending import facts_of_sender
from snapshots.sandbox.options import SandboxOptions
from snapshots.sandbox.server import SandboxServer
from snapshots.sign_in.names import name_new_accounts
from snapshots.sign_in.open_sessions import remove_ended_sessions
from snapshots.worker import Loop
from tests import waiting

pytestmark = pytest.mark.django_db(transaction=True)
ON_POSTGRES = connection.vendor == "postgresql"
needs_roles = pytest.mark.skipif(not ON_POSTGRES, reason="SQLite has no roles")


@pytest.fixture
def roles():
    """As an operator makes them, in this test's database only."""
    names = {part: f"{connection.settings_dict['NAME']}_{part}" for part in PARTS}
    with connection.cursor() as cursor:
        cursor.execute(sql(names))
    yield names
    remove_roles(names)


def remove_roles(names):
    with connection.cursor() as cursor:
        for name in names.values():
            cursor.execute(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')
        # What everybody may do in a new database, and tests of other roles expect.
        cursor.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


PARTS = {"web": WEB, "worker": WORKER, "archive": ARCHIVE}


def sql(names):
    facts = StringIO()
    call_command("audit_roles", stdout=facts, **names)
    return facts.getvalue()


@contextmanager
def logged_in_as(name):
    """New connections, also of other threads, are this role's."""
    owner = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = owner


@pytest.fixture
def cloud(settings):
    settings.EVSPORTAL_AUDIT_KEY = keys.new_key().decode()
    with SandboxServer(SandboxOptions()) as server:
        settings.EVSPORTAL_SANDBOX_URL = server.url
        clouds.forget()
        yield server
    clouds.forget()


@pytest.fixture
def people(db):
    for name, group in (("alice", "staff"), ("audrey", "auditor")):
        person = User.objects.create_user(name, password="demo")
        person.groups.add(Group.objects.get_or_create(name=group)[0])
    alice = User.objects.get(username="alice")
    VolumeGrant.objects.create(cloud=clouds.SANDBOX, scope="cloud", user=alice)


def work(*, until):
    loop = Loop()
    loop._enlist()

    def turn():
        loop.run_until_idle(seconds=1)
        return until()

    waiting.until(turn, seconds=30)
    loop.stop()
    loop._pool.shutdown(wait=True)


def browser(name):
    client = Client()
    answer = client.post("/accounts/login/", {"username": name, "password": "demo"})
    assert answer.status_code == 302
    return client


def ask(client):
    key = client.get("/snapshots/new/", follow=True).context["form"]["key"].value()
    expected = Volume.objects.filter(status="available").first()
    facts = {"key": key, "volume_id": expected.volume_id, "name": "before-upgrade"}
    facts |= {"metadata-0-key": "", "metadata-0-value": "", "description": ""}
    answer = client.post("/snapshots/new/", facts)
    assert answer.status_code == 302, answer.context["form"].errors
    return Operation.objects.get()


@needs_roles
def test_each_program_works_in_its_own_role(roles, cloud, people, settings):
    settings.EVSPORTAL_AUDIT_SEAL_SECONDS = settings.EVSPORTAL_WATCH_SECONDS = 1
    with logged_in_as(roles["worker"]):
        work(until=Volume.objects.exists)
    with logged_in_as(roles["web"]):
        operation = ask(browser("alice"))
    with logged_in_as(roles["worker"]):
        work(until=lambda: Operation.objects.get().is_final and Seal.objects.exists())
        seal_new_rows(at_once=True)
    with logged_in_as(roles["web"]):
        audrey = browser("audrey")
        page = audrey.get("/audit/", {"q": f"operation:{operation.pk} before-upgrade"})
        assert page.context["page"].rows
        assert b"".join(audrey.get("/audit/export/").streaming_content)
    operation.refresh_from_db()
    assert operation.state == "succeeded"
    assert Entry.objects.get(what="create").status == 202
    assert verify(key=keys.public_key()).damage is None


@needs_roles
def test_worker_role_asks_for_every_kind_s_right(roles, cloud, people):
    """A permission is looked up in more tables than a role."""
    alice = User.objects.get(username="alice")
    alice.user_permissions.add(Permission.objects.get(codename="roll_back_volume"))
    with logged_in_as(roles["worker"]):
        work(until=Volume.objects.exists)
    with logged_in_as(roles["web"]):
        operation = ask(browser("alice"))
    with logged_in_as(roles["worker"]), transaction.atomic():
        assert facts_of_sender(operation, Right.ROLL_BACK).has_right_of_kind
        assert not facts_of_sender(operation, Right.RESTORE).has_right_of_kind


@needs_roles
def test_only_the_archive_role_may_archive(roles, cloud, tmp_path):
    with time_machine.travel(timezone.now() - timedelta(days=30)):
        Action.objects.create(
            at=timezone.now(), code="session:sign-in", cause=uuid.uuid4(), actor_name="alice"
        )
        seal_new_rows(at_once=True)
    facts = {"to": str(tmp_path), "before": f"{timezone.now():%Y-%m-%d}", "yes": True}
    for part in ("web", "worker"):
        with (
            logged_in_as(roles[part]),
            pytest.raises(CommandError, match="may not remove rows"),
        ):
            call_command("audit_archive", **facts)
    assert Tombstone.objects.count() == 0
    with logged_in_as(roles["archive"]):
        call_command("audit_archive", **facts)
    assert Tombstone.objects.count() == 1
    assert not Action.objects.filter(code="session:sign-in").exists()
    assert verify(key=keys.public_key()).damage is None


FORBIDDEN = [
    "UPDATE {table} SET at = at",
    "TRUNCATE {table}",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} DISABLE TRIGGER guard_{model}_remove",
    "DROP TRIGGER guard_{model}_remove ON {table}",
    "ALTER TABLE {table} ADD COLUMN x int",
    "ALTER TABLE {table} RENAME TO x",
    "CREATE TRIGGER x BEFORE INSERT ON {table} EXECUTE FUNCTION evsportal_in_line()",
    "CREATE RULE x AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "DROP TABLE {table}",
]
FORBIDDEN_ANYWHERE = [
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION evsportal_refuse() RETURNS trigger LANGUAGE sql AS ''",
    "ALTER FUNCTION evsportal_refuse() RESET ALL",
    "DROP FUNCTION evsportal_refuse() CASCADE",
    "CREATE TEMPORARY TABLE snapshots_tombstone (seq int)",
    "CREATE TABLE x (seq int)",
    "CREATE SCHEMA x",
    "DELETE FROM django_migrations",
    "SET ROLE {owner}",
]


def is_forbidden(statement):
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return error.__cause__.sqlstate == "42501"
    return False


@needs_roles
@pytest.mark.parametrize("part", PARTS)
def test_no_role_changes_the_trail_or_its_guards(part, roles):
    owner = connection.settings_dict["USER"]
    allowed = []
    with logged_in_as(roles[part]):
        for model in guards.GUARDED:
            names = {"table": model._meta.db_table, "model": model._meta.model_name}
            tried = [item.format(**names) for item in FORBIDDEN]
            allowed += [item for item in tried if not is_forbidden(item)]
        tried = [item.format(owner=f'"{owner}"') for item in FORBIDDEN_ANYWHERE]
        allowed += [item for item in tried if not is_forbidden(item)]
    assert allowed == []
    assert guards.missing() == []


@needs_roles
@pytest.mark.parametrize(
    ("part", "inserts", "deletes"),
    [
        ("web", {"action"}, set()),
        ("worker", {"exchange", "answer", "action", "anomaly", "seal"}, set()),
        (
            "archive",
            {"action", "tombstone", "seal"},
            {"exchange", "answer", "action", "anomaly"},
        ),
    ],
)
def test_what_each_role_may_do_to_the_trail(part, inserts, deletes, roles):
    def may(right):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name FROM unnest(%s::text[]) name "
                "WHERE has_table_privilege(%s, 'snapshots_' || name, %s)",
                [names, roles[part], right],
            )
            return {row[0] for row in cursor.fetchall()}

    names = [model._meta.model_name for model in guards.GUARDED]
    assert may("SELECT") == set(names)
    assert (may("INSERT"), may("DELETE")) == (inserts, deletes)
    assert (may("UPDATE"), may("TRUNCATE"), may("TRIGGER")) == (set(), set(), set())


@needs_roles
def test_worker_and_archive_roles_read_no_secrets(roles):
    for part, table in (("worker", "django_session"), ("archive", "auth_user")):
        with logged_in_as(roles[part]):
            assert is_forbidden(f"SELECT * FROM {table}")


@needs_roles
def test_worker_role_tidies_up_after_sign_ins(roles):
    old = timezone.now() - timedelta(days=1)
    person = User.objects.create_user("deniz")
    AccountName.objects.all().delete()
    content = Session.objects.create(session_key="a" * 40, session_data="", expire_date=old)
    OpenSession.objects.create(session=content, person=person, signed_in_at=old, used_at=old)
    with logged_in_as(roles["worker"]):
        remove_ended_sessions()
        name_new_accounts()
    assert not Session.objects.exists()
    assert not OpenSession.objects.exists()
    assert AccountName.objects.get().person == person


@needs_roles
def test_command_makes_the_roles_itself_and_again():
    names = {part: f"{connection.settings_dict['NAME']}_own_{part}" for part in PARTS}
    try:
        for _ in range(2):
            call_command("audit_roles", execute=True, stdout=StringIO(), **names)
        with logged_in_as(names["web"]):
            Action.objects.create(at=timezone.now(), code="session:sign-in", cause=uuid.uuid4())
            assert is_forbidden("UPDATE snapshots_action SET at = at")
            with pytest.raises(CommandError, match="who owns the tables"):
                call_command("audit_roles", execute=True)
    finally:
        remove_roles(names)


@needs_roles
def test_owner_without_a_right_is_told_that_nothing_was_changed(roles):
    with connection.cursor() as cursor:
        cursor.execute(f'GRANT "{roles["worker"]}" TO "{roles["web"]}"')
        cursor.execute(f'ALTER TABLE snapshots_seal OWNER TO "{roles["worker"]}"')
    try:
        with logged_in_as(roles["web"]), pytest.raises(CommandError) as caught:
            call_command("audit_roles", execute=True, web="evs_1", worker="evs_2", archive="evs_3")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE snapshots_seal OWNER TO CURRENT_USER")
    assert "Nothing was changed: permission denied to create role" in str(caught.value)


@needs_roles
@pytest.mark.parametrize("name", ["", 'a"b', "a\nb", "x$$", "pg_web", "public", "ü" * 32])
def test_odd_name_of_a_role_is_refused(name):
    with pytest.raises(CommandError, match="is no name for a role"):
        call_command("audit_roles", web=name)


@needs_roles
def test_rerun_sql_revokes_rights_given_meanwhile(roles):
    with connection.cursor() as cursor:
        cursor.execute(f'GRANT ALL ON snapshots_seal TO "{roles["web"]}"')
        cursor.execute(sql(roles))
    with logged_in_as(roles["web"]):
        assert is_forbidden("UPDATE snapshots_seal SET at = at")


@needs_roles
def test_member_of_the_owner_is_refused(roles):
    with connection.cursor() as cursor:
        cursor.execute(f'GRANT "{connection.settings_dict["USER"]}" TO "{roles["worker"]}"')
    with pytest.raises(CommandError, match="may do all that the owner"):
        sql(roles)


@needs_roles
def test_owner_and_equal_roles_are_refused():
    owner = connection.settings_dict["USER"]
    with pytest.raises(CommandError, match="may do all that the owner"):
        call_command("audit_roles", web=owner)
    with pytest.raises(CommandError, match="three different"):
        call_command("audit_roles", web="x", worker="x")


@pytest.mark.skipif(ON_POSTGRES, reason="PostgreSQL has roles")
def test_sqlite_has_no_roles():
    with pytest.raises(CommandError, match="SQLite has no roles"):
        call_command("audit_roles")


@needs_roles
def test_program_without_rights_says_who_migrates(roles):
    url = environ()["DATABASE_URL"].replace("//evsportal@", f"//{roles['web']}@")
    recorder = MigrationRecorder(connection)
    newest = max(name for app, name in recorder.applied_migrations() if app == "snapshots")
    recorder.record_unapplied("snapshots", newest)
    try:
        done = subprocess.run(
            [sys.executable, "manage.py", "serve", "--no-sandbox", "--no-worker", "--no-web"],
            cwd=ROOT,
            env=environ(DATABASE_URL=url),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        recorder.record_applied("snapshots", newest)
    assert "by the role that owns its tables" in done.stderr
