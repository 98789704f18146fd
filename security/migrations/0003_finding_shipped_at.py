from django.db import migrations, models


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
    ]
