"""Turn the empty step table into one partitioned by month."""

from django.db import migrations

PARTITION = """
CREATE TABLE builds_step_partitioned (LIKE builds_step INCLUDING ALL) PARTITION BY RANGE (month);
DROP TABLE builds_step;
ALTER TABLE builds_step_partitioned RENAME TO builds_step;
ALTER TABLE builds_step ADD CONSTRAINT builds_step_build_fk
    FOREIGN KEY (build_id) REFERENCES builds_build (id) ON DELETE CASCADE;
"""

UNDO = """
CREATE TABLE builds_step_plain (LIKE builds_step INCLUDING ALL);
INSERT INTO builds_step_plain SELECT * FROM builds_step;
DROP TABLE builds_step;
ALTER TABLE builds_step_plain RENAME TO builds_step;
"""


class Migration(migrations.Migration):
    dependencies = [("builds", "0001_initial")]

    operations = [migrations.RunSQL(PARTITION, UNDO)]
