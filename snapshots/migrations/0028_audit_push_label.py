from django.db import migrations


class Migration(migrations.Migration):
    old_code_may_run = False
    dependencies = [("snapshots", "0027_audit_target")]
    operations = [migrations.RenameField("pushed", "shown", "label")]
