from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("snapshots", "0008_guards"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("cloud", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("closed_until", models.DateTimeField(blank=True, null=True)),
                ("busy", models.BooleanField(default=False)),
                ("refusals", models.PositiveIntegerField(default=0)),
            ],
        ),
    ]
