from django.db import migrations

SHIPPED_BEFORE = """
UPDATE security_finding f SET shipped_at = e.at
FROM (
    SELECT finding_id, max(at) AS at FROM security_findingevent
    WHERE kind = 'shipped' GROUP BY finding_id
) e
WHERE f.id = e.finding_id AND f.shipped_at IS NULL
"""
"""When what was shipped already came into use: as the history says."""


class Migration(migrations.Migration):
    """Apart from the column: that is made in a moment, and this takes as long as it takes."""

    dependencies = [
        ('security', '0003_finding_shipped_at'),
    ]

    operations = [
        migrations.RunSQL(SHIPPED_BEFORE, migrations.RunSQL.noop),
    ]
