"""Guards fire in every session, also one that plays a replica (reliability: row triggers alone don't)."""

from django.db import migrations

SET_TRIGGERS = """
DO $$
DECLARE
    guard name;
BEGIN
    FOR guard IN
        SELECT tgname FROM pg_trigger
        WHERE tgrelid = 'core_auditentry'::regclass AND NOT tgisinternal
    LOOP
        EXECUTE format('ALTER TABLE core_auditentry ENABLE %s TRIGGER %I', '{mode}', guard);
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.RunSQL(
            SET_TRIGGERS.replace("{mode}", "ALWAYS"), SET_TRIGGERS.replace("{mode}", "")
        )
    ]
