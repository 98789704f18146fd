from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('builds', '0008_builder_platform'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='build',
            index=models.Index(condition=models.Q(('platforms__len__gt', 1)), fields=['project', '-listed_at', '-id'], name='builds_build_platforms_ix'),
        ),
    ]
