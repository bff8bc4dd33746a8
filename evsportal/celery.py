"""`celery -A evsportal beat`, `... inspect active`, `... flower`. Workers: `manage worker`."""

import os

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evsportal.settings")
django.setup()

from snapshots import clouds
from snapshots.clouds.health import closed_off_clouds
from snapshots.jobs.broker.app import make_app

app = make_app(settings.EVSPORTAL_BROKER_URL, clouds.cloud_names())
app.closed_off = closed_off_clouds
