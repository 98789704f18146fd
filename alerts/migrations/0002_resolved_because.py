from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0001_alerts'),
    ]

    operations = [
        migrations.AddField(
            model_name='alert',
            name='resolved_because',
            field=models.CharField(blank=True, max_length=200),
        ),
    ]
