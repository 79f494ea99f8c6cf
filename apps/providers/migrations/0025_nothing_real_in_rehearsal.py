"""Nothing real is of the rehearsals' place, by the database as well.

What is on file from before is history that nobody rewrites, so the rules are for new rows alone
(NOT VALID): the kit's report names that place and no other, and a real one never does.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

TIE = """
ALTER TABLE providers_certificate
    ADD CONSTRAINT providers_certificate_is_real_or_a_rehearsal UNIQUE (id, is_rehearsal);
ALTER TABLE providers_certificatejurisdiction
    ADD CONSTRAINT providers_real_report_names_real_places
    FOREIGN KEY (certificate_id, names_rehearsal)
    REFERENCES providers_certificate (id, is_rehearsal) NOT VALID;
"""
LET_GO = """
ALTER TABLE providers_certificatejurisdiction
    DROP CONSTRAINT providers_real_report_names_real_places;
ALTER TABLE providers_certificate DROP CONSTRAINT providers_certificate_is_real_or_a_rehearsal;
"""


class Migration(migrations.Migration):
    dependencies = [("providers", "0024_mark_rehearsal_reports")]

    operations = [
        migrations.RunSQL(TIE, LET_GO),
        AddConstraintNotValid(
            model_name="deployment",
            constraint=models.CheckConstraint(
                condition=models.Q(("jurisdiction", "ZZ"), _negated=True),
                name="providers_deployment_is_in_no_rehearsal",
            ),
        ),
        AddConstraintNotValid(
            model_name="gateoverride",
            constraint=models.CheckConstraint(
                condition=models.Q(("jurisdiction", "ZZ"), _negated=True),
                name="providers_override_is_in_no_rehearsal",
            ),
        ),
    ]
