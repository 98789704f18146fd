from django.db import migrations, models

GUESSED_BEFORE = """
UPDATE security_scan SET is_narrowing_guessed = true WHERE narrowed_by LIKE 'Nothing %'
"""
"""So began what was guessed; what a sender said began otherwise."""


class Migration(migrations.Migration):

    dependencies = [
        ('security', '0004_shipped_before'),
    ]

    operations = [
        migrations.AddField(
            model_name='scan',
            name='is_narrowing_guessed',
            field=models.BooleanField(default=False),
        ),
        migrations.RunSQL(GUESSED_BEFORE, migrations.RunSQL.noop),
    ]
