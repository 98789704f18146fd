from typing import Any

from django.db import migrations, models
from django.utils.crypto import salted_hmac

from buildinsights.sealing import encrypt


def keep_secrets(apps: Any, schema_editor: Any) -> None:
    """Seal the secrets that were derived from ``SECRET_KEY``: forges know them."""
    for hook in apps.get_model("farm", "PushHook").objects.iterator():
        value = f"{hook.public_id}:{hook.version}"
        secret = salted_hmac("farm.push-hook", value, algorithm="sha256").hexdigest()
        owner = b"buildinsights/push-hooks/v1/" + hook.public_id.bytes
        hook.sealed = encrypt(owner, secret.encode())
        hook.save(update_fields=["sealed"])


class Migration(migrations.Migration):

    dependencies = [
        ('farm', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='pushhook',
            name='sealed',
            field=models.BinaryField(default=b''),
        ),
        # There is no way back: what was derived would be in force again, replaced or not.
        migrations.RunPython(keep_secrets, elidable=True),
        migrations.RemoveField(
            model_name='pushhook',
            name='version',
        ),
    ]
