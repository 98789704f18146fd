from django.db import migrations

DAYS = """
INSERT INTO cache_staleday (service_id, day)
SELECT DISTINCT build.service_id, (build.listed_at AT TIME ZONE 'UTC')::date
FROM sizes_imagecontents AS contents
JOIN builds_buildimage AS link ON link.image_id = contents.image_id
JOIN builds_build AS build ON build.id = link.build_id
WHERE contents.total_bytes IS NOT NULL
ON CONFLICT (service_id, day) DO UPDATE SET version = cache_staleday.version + 1
"""


class Migration(migrations.Migration):
    """Days of builds whose images were read have an uncompressed size from now on."""

    dependencies = [
        ('cache', '0002_rollups'),
        ('sizes', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(DAYS, migrations.RunSQL.noop),
    ]
