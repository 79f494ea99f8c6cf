from django.db import migrations

# What is stored was read by the scopes that are set now: until this migration nothing kept note.
FIX = """
INSERT INTO providers_idscopes (provider_id, protocol, transaction_scope, round_scope, fixed_at)
SELECT v.id, v.protocol, p.transaction_scope, p.round_scope, now()
FROM providers_provider v JOIN providers_providerpolicy p ON p.provider_id = v.id
WHERE EXISTS (SELECT 1 FROM rounds_roundevent e WHERE e.provider_id = v.id)
ON CONFLICT (provider_id) DO NOTHING
"""


class Migration(migrations.Migration):
    """Providers that sent events before their ids were fixed have them fixed as they are."""

    dependencies = [
        ("gateway", "0001_initial"),
        ("providers", "0011_fixed_id_scopes"),
        ("rounds", "0005_people_close_stuck_rounds"),
    ]

    operations = [migrations.RunSQL(FIX, migrations.RunSQL.noop)]
