"""Verifying by several processes: they say what one says, and end with the one that began them."""

import portal_process
import pytest
from django.db import connection
from trail_scene import fill

from snapshots.audit.seals.sealing import seal_new_rows
from snapshots.audit.seals.verify import verify
from snapshots.models import Exchange


@pytest.fixture(autouse=True)
def small_seals(settings):
    settings.EVSPORTAL_AUDIT_SEAL_ROWS = 25


def sealed(count):
    fill(count, seed=1)
    seal_new_rows(at_once=True)


BY_TWO = """
import django; django.setup()
from django.core.management import call_command
from snapshots.audit.seals import parallel
parallel.FEW_ROWS = 0
call_command("audit_verify", "--processes", "2")
"""


@pytest.mark.django_db(transaction=True)
def test_several_processes_say_what_one_says(key, open_door):
    sealed(60)
    row = verify(key=key)
    facts = portal_process.python(BY_TWO)
    assert f"Sound: {row.rows} rows in {row.seals} seals. " in facts.stdout, facts.stderr
    assert "goes through all" not in facts.stderr
    last = Exchange.objects.order_by("-seq").first().seq
    with connection.cursor() as cursor:
        changed = "UPDATE snapshots_exchange SET ticket = 'CHG9' WHERE seq >= %s"
        cursor.execute(changed, [last - 30])
    facts = portal_process.python(BY_TWO)
    assert (facts.returncode, f"(changed). {verify(key=key).damage.message}" in facts.stdout) == (
        1,
        True,
    )


WITHOUT_OTHERS = BY_TWO.replace(
    "call_command(", "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'no.such'\ncall_command(", 1
)


@pytest.mark.django_db(transaction=True)
def test_one_process_verifies_if_others_fail(key):
    sealed(30)
    facts = portal_process.python(WITHOUT_OTHERS)
    row = verify(key=key)
    assert f"Sound: {row.rows} rows in {row.seals} seals. " in facts.stdout, facts.stderr
    assert "this one goes through all" in facts.stderr


WAITING = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
import django; django.setup()
from snapshots.audit.seals.process import begin
context = multiprocessing.get_context("spawn")
with ProcessPoolExecutor(1, context, initializer=begin) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), 9)
"""


def test_child_processes_end_with_their_parent():
    facts = portal_process.python(WAITING)  # returns when no process holds its output open
    assert facts.returncode == -9, facts.stderr
    assert int(facts.stdout) > 0
