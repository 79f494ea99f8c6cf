"""Sealing locks the transfers through a function of the tables' owner.

The application's role may only read and add transfers; PostgreSQL lets such a role take no lock
that keeps writers out. The function does that one thing.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION wallet_lock_transfers() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    LOCK TABLE public.wallet_transfer IN SHARE MODE;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("wallet", "0007_fewer_indexes")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION wallet_lock_transfers()")]
