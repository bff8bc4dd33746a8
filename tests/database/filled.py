"""A portal's database on SQLite with rows in every table, also what SQLite alone lets in."""

import json
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, date, datetime

import dj_database_url
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connections, models
from django.db.utils import load_backend

from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.management.move.source import moved_models, portal_on
from snapshots.models import VolumeGrant, Worker, mark_database
from tests import factories
from tests.audit.archive_scene import archive, sealed
from tests.audit.trail_scene import ODD, fill

MOMENT = datetime(2026, 3, 1, 9, 0, 0, 123_456, tzinfo=UTC)
# What each kind of column takes where no scene has made a row.
VALUES = {
    models.BooleanField: True,
    models.CharField: "x",
    models.DateField: date(2026, 3, 1),
    models.DateTimeField: MOMENT,
    models.IntegerField: 7,
    models.BigIntegerField: 2**62,
    models.PositiveIntegerField: 2**31 - 1,
    models.PositiveBigIntegerField: 2**63 - 1,
    models.PositiveSmallIntegerField: 2**15 - 1,
    models.FloatField: 0.1,
    models.JSONField: {"Größe": ["<b>", 1, None, 0.5]},
    models.TextField: "磁盘\r\n\u202eright to left",
    models.UUIDField: uuid.UUID(int=7, version=4),
    models.BinaryField: bytes(range(256)),
}


def portal_at(address):
    """The portal's own code works on this database for as long as the block lasts."""
    ContentType.objects.clear_cache()  # numbers are another database's
    facts = dict(connections["default"].settings_dict)
    facts |= {"OPTIONS": {}} | dict(dj_database_url.parse(address))
    return portal_on(load_backend(facts["ENGINE"]).DatabaseWrapper(facts, alias="default"))


def fill_file(path, folder):
    """Make the file, with rows in every table; `folder` gets an archive."""
    with portal_at(f"sqlite:///{path}"):
        call_command("migrate", interactive=False, verbosity=0)
        mark_database("sandbox")
        sealed(lambda: fill(20, seed=3))
        folder.mkdir()
        archive(folder, unsigned=True)
        alice = factories.person("alice", password="demo")
        alice.user_permissions.add(Permission.objects.get(codename="roll_back_volume"))
        _requests(alice)
        fill(60)
        _all_other_tables()
        seal_new_rows(at_once=True)
    _only_sqlite_takes_this(path)


def _requests(alice):
    """They refer to each other, to snapshots that come later, and back."""
    volume = factories.volume(granted_to=alice)
    made = [
        factories.operation(alice, factories.volume(text), state="succeeded", name=text)
        for text in ODD
    ]
    for operation in made:
        factories.exchange(operation)
    factories.anomaly(made[0], names="<script>")
    row = factories.snapshot(made[0])
    change = factories.operation(alice, volume, kind="rename", target_snapshot=row, needs=made[1])
    factories.operation(alice, factories.volume(), state="failed", again_for=change)
    rule = factories.rule(name_pattern="web-*")
    rule.user = alice
    rule.save()  # which notes that it covers the volume
    VolumeGrant.objects.create(cloud="sandbox", scope="cloud", group=Group.objects.first())
    factories.healthy_portal()
    Worker.objects.update(seen_at=MOMENT)  # it was stopped long ago


def _all_other_tables():
    for model in moved_models():
        if not model._base_manager.exists():
            model._base_manager.create(**_values(model))


def _values(model):
    facts = {}
    for field in model._meta.concrete_fields:
        if field.is_relation:
            facts[field.attname] = _referred_to(field)
        elif not isinstance(field, models.AutoField) and field.name != "folded":
            kinds = [kind for kind in type(field).__mro__ if kind in VALUES]
            facts[field.attname] = VALUES[kinds[0]]
    return facts


def _referred_to(field):
    other = field.related_model
    if not other._base_manager.exists():
        other._base_manager.create(**_values(other))
    return other._base_manager.values_list("pk", flat=True).first()


def _only_sqlite_takes_this(path):
    """A NUL in texts and in JSON, and half of a surrogate pair, where no seal covers it."""
    with closing(sqlite3.connect(path)) as database:
        database.create_function("evsportal_fold", 1, lambda text: text)
        database.create_function("evsportal_words", 1, lambda text: text)
        metadata = json.dumps({"a\0b": ["\ud800", "😀", 10**18]})
        key = "(SELECT min(id) FROM snapshots_volume)"
        sql = f"UPDATE snapshots_volume SET name = ?, metadata = ? WHERE id = {key}"
        database.execute(sql, ["nul\0<b>", metadata])
        database.commit()
        database.execute("PRAGMA journal_mode=DELETE")  # in one file, to be copied


def counts():
    return {model._meta.db_table: model._base_manager.count() for model in moved_models()}
