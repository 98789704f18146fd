from django.db import migrations


ALL_DAYS = """
INSERT INTO cache_staleday (service_id, day)
SELECT DISTINCT service_id, (listed_at AT TIME ZONE 'UTC')::date FROM builds_build
ON CONFLICT (service_id, day) DO UPDATE SET version = cache_staleday.version + 1
"""


class Migration(migrations.Migration):
    """Days are added up again with queue time, contexts and samples of builders."""

    dependencies = [
        ('trends', '0001_initial'),
        ('farm', '0004_request_said'),
    ]

    operations = [migrations.RunSQL(ALL_DAYS, migrations.RunSQL.noop)]
