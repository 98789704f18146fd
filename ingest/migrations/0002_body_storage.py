"""Keep bodies as they are: their parts are gzip already, so PostgreSQL need not try again."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ingest", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE ingest_ingestpayload ALTER COLUMN body SET STORAGE EXTERNAL",
            "ALTER TABLE ingest_ingestpayload ALTER COLUMN body SET STORAGE EXTENDED",
        )
    ]
