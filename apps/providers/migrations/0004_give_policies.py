"""Give each provider that is there its policy: all of them speak the native protocol."""

from typing import Any

from django.db import migrations


def give_policies(apps: Any, _schema_editor: Any) -> None:
    policy = apps.get_model("providers", "ProviderPolicy")
    ids = apps.get_model("providers", "Provider").objects.values_list("pk", flat=True)
    # The defaults of the columns are those of the native protocol.
    policy.objects.bulk_create([policy(provider_id=pk) for pk in ids], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("providers", "0003_protocols_and_policy")]

    operations = [migrations.RunPython(give_policies, migrations.RunPython.noop)]
