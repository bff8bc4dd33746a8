"""The web server's entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evsportal.settings")

application = get_wsgi_application()

from snapshots.database.limits import bound_connections  # noqa: E402 - needs Django set up

bound_connections()
