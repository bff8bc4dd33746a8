"""The right to roll volumes back and to restore, for people who are not the helpdesk."""

from django.db import migrations


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [
        ("snapshots", "0006_kinds"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="operation",
            options={
                "ordering": ["-asked_at", "-id"],
                "permissions": [
                    ("roll_back_volume", "May roll volumes back to a snapshot"),
                    ("restore_volume", "May make volumes from a snapshot"),
                ],
            },
        ),
    ]
