"""`manage reload_check`: runs before a reload; only if it succeeds do new settings take effect."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from snapshots import clouds
from snapshots.duties.probe import try_new_credentials


class Command(BaseCommand):
    help = "Reads all settings, and signs in to each cloud whose credentials were never tried."

    # The system checks, which run before `handle`, refuse settings that cannot be read.
    def handle(self, *_args: Any, **_options: Any) -> None:
        troubles = {cloud: try_new_credentials(cloud) for cloud in clouds.cloud_names()}
        lines = [f"{cloud}: {trouble}" for cloud, trouble in troubles.items() if trouble]
        if lines:
            raise CommandError("\n".join(lines))
