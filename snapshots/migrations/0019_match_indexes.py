"""What rules cover is found by volume and by grant in an index alone. SQLite copies the table of
matches, which no other refers to.
"""

import django.db.models.deletion
from django.db import migrations, models


def _key(to):
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="matches",
        to=to,
    )


class Migration(migrations.Migration):
    old_code_may_run = True
    dependencies = [("snapshots", "0018_boards")]
    operations = [
        migrations.AddIndex(
            model_name="grantmatch",
            index=models.Index(fields=["volume", "grant"], name="grants_of_volume"),
        ),
        migrations.AlterField("grantmatch", "grant", _key("snapshots.volumegrant")),
        migrations.AlterField("grantmatch", "volume", _key("snapshots.volume")),
    ]
