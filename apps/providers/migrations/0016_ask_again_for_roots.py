from django.db import migrations

_WHY = "One person trusted its root; two have to."


def ask_again(apps, schema_editor):
    Root = apps.get_model("providers", "TrustedRoot")
    Document = apps.get_model("providers", "Document")
    alone = Root.objects.filter(state="trusted", decided_by__isnull=False)
    labs = list(alone.values_list("lab_id", flat=True))
    # Those that another root of the laboratory vouches for are valid again once the task that
    # 0020_judged_after_decisions gives every document to has judged them.
    signed = Document.objects.filter(signature_state="valid", certificates__lab__in=labs)
    Document.objects.filter(pk__in=list(signed.values_list("pk", flat=True))).update(
        signature_state="untrusted", signature_detail=_WHY
    )
    alone.update(state="proposed", decided_by=None, decided_at=None, reason="")


class Migration(migrations.Migration):
    """A root that one person trusted is proposed again; its history keeps who that was."""

    dependencies = [("providers", "0015_withdrawn_offers")]

    operations = [migrations.RunPython(ask_again, migrations.RunPython.noop)]
