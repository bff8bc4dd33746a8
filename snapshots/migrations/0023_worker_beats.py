from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = True  # it names its columns and leaves these at their defaults
    dependencies = [("snapshots", "0022_sign_in_attempts")]

    operations = [
        migrations.AddField("worker", "process", models.CharField(blank=True, max_length=160)),
        migrations.AddField("worker", "beats", models.PositiveBigIntegerField(default=0)),
    ]
