from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.utils.crypto import salted_hmac

import security.models.prints


def keep_keys(apps: Any, schema_editor: Any) -> None:
    """Store the keys that were derived from ``SECRET_KEY``, so that findings stay what they are."""
    projects = apps.get_model("accounts", "Project").objects.values_list("pk", flat=True)
    PrintKey = apps.get_model("security", "PrintKey")
    for project_id in projects.iterator():
        key = salted_hmac("ingest.trivy.secrets", str(project_id), algorithm="sha256").digest()
        PrintKey.objects.create(project_id=project_id, key=key)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('security', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='PrintKey',
            fields=[
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.DB_CASCADE, primary_key=True, related_name='print_key', serialize=False, to='accounts.project')),
                ('key', models.BinaryField(default=security.models.prints.new_key, max_length=32)),
            ],
        ),
        migrations.RunPython(keep_keys, migrations.RunPython.noop, elidable=True),
    ]
