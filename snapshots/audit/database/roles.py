"""PostgreSQL roles that may do to each table what their program needs, and nothing else.

Another role owns the tables and runs the migrations; the triggers are a second lock behind these.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.apps import apps
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Model

from snapshots.audit.database.guards import GUARDED
from snapshots.models import (
    Action,
    Anomaly,
    Answer,
    DatabaseUse,
    Entry,
    Exchange,
    Operation,
    Pushed,
    Seal,
    Tombstone,
    VolumeGrant,
)

READ = "SELECT"
INSERT = "SELECT, INSERT"
WRITE = "SELECT, INSERT, UPDATE, DELETE"
# What `Entry` gets is written by triggers, with the rights of whoever writes to the trail.
ANSWERED = "SELECT, INSERT, UPDATE (status, code, text)"
REMOVE = "SELECT, DELETE"
# PostgreSQL lets a role lock a row only if the role may update one of its columns. Nothing refers
# to this one.
SHARE = "SELECT, UPDATE (id)"

Rights = Mapping[type[Model], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a program's role may do. Of the trail each may read everything."""

    trail: Rights
    but: Rights  # tables that are like no other
    own: str = ""  # all other tables of ours
    accounts: str = ""  # people and their groups
    rest: str = ""  # Django's: sessions


WEB = Role(
    trail={Action: INSERT},
    but={Entry: INSERT},
    own=WRITE,
    accounts=WRITE,
    rest=WRITE,
)
WORKER = Role(
    trail=dict.fromkeys((Exchange, Answer, Action, Anomaly, Seal), INSERT),
    # It keeps what a right rests on as it is while it sends: `rights/sending.py`.
    but={
        Entry: ANSWERED,
        ContentType: READ,  # a permission is looked up by it
        # Old ones are removed; what they hold is not read.
        Session: "SELECT (session_key, expire_date), DELETE",
        VolumeGrant: SHARE,
        User: "SELECT, UPDATE (first_name)",
        User.groups.through: SHARE,
        User.user_permissions.through: SHARE,
        Group: SHARE,
        Group.permissions.through: SHARE,
    },
    own=WRITE,
    accounts=READ,
)
ARCHIVE = Role(
    trail={
        Exchange: REMOVE,
        Answer: REMOVE,
        Anomaly: REMOVE,
        Action: f"{INSERT}, DELETE",
        Tombstone: INSERT,
        Seal: INSERT,
    },
    but={Entry: f"{INSERT}, DELETE", DatabaseUse: READ, Operation: READ, Pushed: READ},
)


def grants(names: Mapping[str, Role]) -> Iterator[str]:
    """The statements, for the owner of the tables; they may be run again after each migration.

    `names`: what each role is called in the database.
    """
    schema, database = _place()
    everybody = ", ".join(_quoted(name) for name in names)
    for name in names:
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {_text(name)}) "
            f"THEN CREATE ROLE {_quoted(name)} LOGIN; END IF; END $$"
        )
    yield f"REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC, {everybody}"
    yield f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {everybody}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {everybody}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM PUBLIC, {everybody}"
    yield f"GRANT CONNECT ON DATABASE {database} TO {everybody}"
    yield f"GRANT USAGE ON SCHEMA {schema} TO {everybody}"
    for name, role in names.items():
        for table, rights in _rights(role):
            yield f"GRANT {rights} ON {schema}.{_quoted(table)} TO {_quoted(name)}"


def _rights(role: Role) -> Iterator[tuple[str, str]]:
    for model in apps.get_models(include_auto_created=True):
        if rights := _rights_on(model, role):
            yield model._meta.db_table, rights
    yield "django_migrations", READ


def _rights_on(model: type[Model], role: Role) -> str:
    if model in GUARDED:
        return role.trail.get(model, READ)
    if model in role.but:
        return role.but[model]
    label = model._meta.app_label
    if label == Action._meta.app_label:
        return role.own
    return role.accounts if label == User._meta.app_label else role.rest


def owner() -> str:
    """Whose the trail's tables are."""
    return str(_asked(_OWNER)[0])


def is_owner() -> bool:
    """Whether the role that is connected may do all that the tables' owner may."""
    return bool(_asked(f"SELECT 1 WHERE pg_has_role(current_user, ({_OWNER}), 'MEMBER')"))


def too_mighty(names: Iterable[str]) -> list[str]:
    """Those of them that may do all that the owner may: as the owner, a member, or a superuser."""
    return _asked(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) "
        f"AND pg_has_role(rolname, ({_OWNER}), 'MEMBER')",
        list(names),
    )


_OWNER = (
    "SELECT tableowner FROM pg_tables "
    "WHERE schemaname = current_schema() AND tablename = 'snapshots_seal'"
)


def _asked(sql: str, *values: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return [row[0] for row in cursor.fetchall()]


def _place() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema()), quote_ident(current_database())")
        schema, database = cursor.fetchone()
        return schema, database


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
