from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0012_guards_anew")]

    operations = [
        migrations.AddField(
            model_name="operation",
            name="judged",
            field=models.CharField(editable=False, max_length=20, null=True),
        ),
        migrations.AddIndex(
            model_name="operation",
            index=models.Index(
                condition=models.Q(("judged", models.F("state")), _negated=True),
                fields=["asked_at", "id"],
                name="operation_unjudged",
            ),
        ),
    ]
