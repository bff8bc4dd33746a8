"""Exports of the list of snapshots are recorded."""

from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [
        ("snapshots", "0006_kinds"),
    ]

    operations = [
        migrations.AlterField(
            model_name="action",
            name="code",
            field=models.CharField(
                choices=[
                    ("session:sign-in", "signed in"),
                    ("session:sign-in:refused", "was refused at sign-in"),
                    ("session:sign-out", "signed out"),
                    ("person:add", "added a person"),
                    ("person:change", "changed a person's name or address"),
                    ("person:change:refused", "was refused a change of a person's rights"),
                    ("person:remove", "removed a person"),
                    ("person:shut-out", "shut a person out"),
                    ("person:let-in", "let a person in again"),
                    ("password:change", "changed a password"),
                    ("password:change:refused", "was refused a change of password"),
                    ("role:give", "gave a role or group"),
                    ("role:take", "took a role or group away"),
                    ("group:add", "added a group"),
                    ("group:rename", "renamed a group"),
                    ("group:remove", "removed a group, and from its people what it gave"),
                    ("grant:give", "gave the use of volumes"),
                    ("grant:take", "took the use of volumes away"),
                    ("operation:ask", "asked for a snapshot"),
                    ("operation:ask:refused", "was refused a snapshot by the portal"),
                    ("operation:ask-again", "asked again for a snapshot"),
                    ("operation:ask-again:refused", "was refused to ask again"),
                    ("operation:cancel", "cancelled a request"),
                    ("operation:cancel:refused", "was refused to cancel a request"),
                    ("operation:end", "ended a request that the portal could not"),
                    ("operation:end:refused", "was refused to end a request"),
                    ("snapshots:export", "exported a list of snapshots"),
                    ("audit:search", "searched the audit trail"),
                    ("audit:search:refused", "searched in a way that cannot be answered"),
                    ("audit:read", "read a record"),
                    ("audit:read:refused", "was refused a look at the audit trail"),
                    ("audit:question", "read a saved question"),
                    ("audit:export", "exported records"),
                    ("audit:verify", "verified the audit trail"),
                    ("audit:verify:refused", "found the audit trail damaged"),
                    ("audit:archive", "archived and removed old records"),
                    ("cloud:settings", "started with these settings of a cloud"),
                    ("cloud:gone", "started without a cloud that it had before"),
                ],
                max_length=40,
            ),
        ),
    ]
