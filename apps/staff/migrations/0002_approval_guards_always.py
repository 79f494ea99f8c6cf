"""Guards fire in every session, also one that plays a replica (reliability: row triggers alone don't)."""

from django.db import migrations

SET_TRIGGERS = """
DO $$
DECLARE
    guard name;
BEGIN
    FOR guard IN
        SELECT tgname FROM pg_trigger
        WHERE tgrelid = 'staff_approval'::regclass AND NOT tgisinternal
    LOOP
        EXECUTE format('ALTER TABLE staff_approval ENABLE %s TRIGGER %I', '{mode}', guard);
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial")]

    operations = [
        migrations.RunSQL(
            SET_TRIGGERS.replace("{mode}", "ALWAYS"), SET_TRIGGERS.replace("{mode}", "")
        )
    ]
