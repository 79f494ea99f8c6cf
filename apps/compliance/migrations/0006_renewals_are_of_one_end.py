import datetime

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# A closed renewal can't be changed, and what its certificate came to first is what it was about.
FILL = """
ALTER TABLE compliance_renewal DISABLE TRIGGER USER;
UPDATE compliance_renewal AS renewal
SET end_kind = CASE
        WHEN certificate.expires_on <= certificate.review_due_on
          OR certificate.review_due_on IS NULL THEN 'expiry'
        ELSE 'review'
    END,
    ends_on = LEAST(certificate.expires_on, certificate.review_due_on)
FROM providers_certificate AS certificate
WHERE certificate.id = renewal.certificate_id;
ALTER TABLE compliance_renewal ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    """Each renewal says which end of its certificate it is about."""

    dependencies = [
        ("compliance", "0005_certified_play"),
        ("providers", "0022_one_lab_per_name"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(model_name="renewal", name="subject_never_changes"),
        migrations.AddField(
            model_name="renewal",
            name="end_kind",
            field=models.CharField(
                choices=[("expiry", "Expiry"), ("review", "Review")],
                default="expiry",
                max_length=16,
                verbose_name="end",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="renewal",
            name="ends_on",
            field=models.DateField(default=datetime.date.max, verbose_name="day of the end"),
            preserve_default=False,
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        pgtrigger.migrations.AddTrigger(
            model_name="renewal",
            trigger=pgtrigger.compiler.Trigger(
                name="subject_never_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."certificate_id" IS DISTINCT FROM (NEW."certificate_id") OR OLD."end_kind" IS DISTINCT FROM (NEW."end_kind") OR OLD."ends_on" IS DISTINCT FROM (NEW."ends_on") OR OLD."opened_at" IS DISTINCT FROM (NEW."opened_at") OR OLD."opened_by_id" IS DISTINCT FROM (NEW."opened_by_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="651be63e794ee9d2e8a540acb9abb1a41e04580a",
                    operation="UPDATE",
                    pgid="pgtrigger_subject_never_changes_6e68b",
                    table="compliance_renewal",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="renewal",
            constraint=models.CheckConstraint(
                condition=models.Q(("end_kind__in", ["expiry", "review"])),
                name="compliance_renewal_end_kind_is_known",
            ),
        ),
    ]
