from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("snapshots", "0009_sign_ins"),
    ]

    operations = [
        migrations.AddField(
            model_name="duty",
            name="rests_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
