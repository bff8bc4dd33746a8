# A refused sign-in is remembered for the credentials that were refused, not for their cloud. The
# rows of `SignIn` do not say which credentials they are about, so they are not taken over: after the
# upgrade one sign-in is tried at once.
from django.db import migrations, models


class Migration(migrations.Migration):
    old_code_may_run = False  # it reads `SignIn`
    dependencies = [
        ("snapshots", "0021_database_use"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignInAttempt",
            fields=[
                ("credentials", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("cloud", models.CharField(max_length=80)),
                ("locked_until", models.DateTimeField(blank=True, null=True)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
                ("refusals", models.PositiveIntegerField(default=0)),
                ("tried_at", models.DateTimeField()),
            ],
        ),
        migrations.DeleteModel(name="SignIn"),
        migrations.AddField(
            model_name="cloudhealth",
            name="refused_credentials",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
    ]
