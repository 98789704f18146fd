from django.db import migrations, models

SHIPPED_BEFORE = """
UPDATE security_finding f SET shipped_at = e.at
FROM (
    SELECT finding_id, max(at) AS at FROM security_findingevent
    WHERE kind = 'shipped' GROUP BY finding_id
) e
WHERE f.id = e.finding_id
"""
"""When what was shipped already came into use: as the history says."""


class Migration(migrations.Migration):

    dependencies = [
        ('security', '0002_print_keys'),
    ]

    operations = [
        migrations.AddField(
            model_name='finding',
            name='shipped_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(SHIPPED_BEFORE, migrations.RunSQL.noop),
    ]
