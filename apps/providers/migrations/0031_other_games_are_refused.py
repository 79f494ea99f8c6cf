"""Refuse new providers the change of a game; what stood keeps its own.

A provider without a stored policy was judged by its protocol's, which allowed it. It gets that one
stored, as it was, so that nothing changes for it either.
"""

from typing import Any

from django.db import migrations, models

# What the protocols said apart from the columns' defaults, when this was written.
OF_PROTOCOL = {
    "swipe": {
        "late_stake": "refuse",
        "win_without_stake": "allow_if_promo",
        "round_scope": "game",
        "free_rounds": "tracking",
    },
    "hub88": {"late_stake": "refuse", "win_without_stake": "allow_if_promo"},
    "iplaygames": {
        "late_stake": "refuse",
        "win_without_stake": "allow_if_promo",
        "round_scope": "game",
        "repeated_balance": "current",
        "stake_settles": "at_once",
    },
}


def keep_what_stood(apps: Any, _schema_editor: Any) -> None:
    policy = apps.get_model("providers", "ProviderPolicy")
    without = apps.get_model("providers", "Provider").objects.filter(policy=None)
    policy.objects.bulk_create(
        policy(provider_id=pk, game_change="allow", **OF_PROTOCOL.get(protocol, {}))
        for pk, protocol in without.values_list("pk", "protocol")
    )


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0030_desk_is_told'),
    ]

    operations = [
        migrations.RunPython(keep_what_stood, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='historicalproviderpolicy',
            name='game_change',
            field=models.CharField(choices=[('refuse', 'Refuse it'), ('allow', 'Allow it')], default='refuse', help_text='Whether a stake may name another game than its session was launched with, as in a live lobby. Where it may, that game is put to the launch gate as at a launch: it must be on offer, lawful and covered where the player is.', max_length=16),
        ),
        migrations.AlterField(
            model_name='providerpolicy',
            name='game_change',
            field=models.CharField(choices=[('refuse', 'Refuse it'), ('allow', 'Allow it')], default='refuse', help_text='Whether a stake may name another game than its session was launched with, as in a live lobby. Where it may, that game is put to the launch gate as at a launch: it must be on offer, lawful and covered where the player is.', max_length=16),
        ),
    ]
