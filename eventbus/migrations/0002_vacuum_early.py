"""Numbering updates every outbox row once, so its dead versions are to be vacuumed early."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("eventbus", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql="ALTER TABLE eventbus_outbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05)",
            reverse_sql="ALTER TABLE eventbus_outbox RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor)",
        ),
    ]
