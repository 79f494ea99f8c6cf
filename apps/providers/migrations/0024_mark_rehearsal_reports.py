"""Mark the reports of the acceptance kit, which name the rehearsals' place and no other.

A real report that names it besides other places was accepted so far. It stays what it is: a real
one. The versions in the history are marked as well, since none of them was ever another's.
"""

from django.db import migrations

MARK = """
WITH kit AS (
    SELECT certificate_id FROM providers_certificatejurisdiction
    GROUP BY certificate_id HAVING bool_and(jurisdiction = 'ZZ')
), marked AS (
    UPDATE providers_certificate c SET is_rehearsal = TRUE
    FROM kit WHERE c.id = kit.certificate_id
)
UPDATE providers_historicalcertificate h SET is_rehearsal = TRUE
FROM kit WHERE h.id = kit.certificate_id
"""


class Migration(migrations.Migration):
    dependencies = [("providers", "0023_reports_know_rehearsals")]

    operations = [migrations.RunSQL(MARK, migrations.RunSQL.noop)]
