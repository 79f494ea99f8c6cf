from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    """Sums over the rounds of a time read the pages of that time and no others."""

    atomic = False

    dependencies = [("rounds", "0006_events_are_found_by_their_id_first")]

    operations = [
        AddIndexConcurrently(
            model_name="round",
            index=BrinIndex(
                autosummarize=True, fields=["opened_at"], name="rounds_round_opened_span"
            ),
        )
    ]
