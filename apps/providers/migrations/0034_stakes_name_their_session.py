"""Ask new providers' stakes for a session; what stood keeps taking those that name none."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0033_old_rehearsals_can_end'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalproviderpolicy',
            name='stake_without_session',
            field=models.CharField(choices=[('refuse', 'Refuse it'), ('allow', 'Allow it')], default='allow', help_text="Whether a new stake may come without the token of a session. Only our native protocol leaves it out; in all others each stake names its session. Where it may, nobody asks for such a stake whether the game may be launched there, whether the session still runs or whether a reality check is open: that is then the provider's to have asked.", max_length=16),
        ),
        migrations.AddField(
            model_name='providerpolicy',
            name='stake_without_session',
            field=models.CharField(choices=[('refuse', 'Refuse it'), ('allow', 'Allow it')], default='allow', help_text="Whether a new stake may come without the token of a session. Only our native protocol leaves it out; in all others each stake names its session. Where it may, nobody asks for such a stake whether the game may be launched there, whether the session still runs or whether a reality check is open: that is then the provider's to have asked.", max_length=16),
        ),
        migrations.AlterField(
            model_name='historicalproviderpolicy',
            name='stake_without_session',
            field=models.CharField(choices=[('refuse', 'Refuse it'), ('allow', 'Allow it')], default='refuse', help_text="Whether a new stake may come without the token of a session. Only our native protocol leaves it out; in all others each stake names its session. Where it may, nobody asks for such a stake whether the game may be launched there, whether the session still runs or whether a reality check is open: that is then the provider's to have asked.", max_length=16),
        ),
        migrations.AlterField(
            model_name='providerpolicy',
            name='stake_without_session',
            field=models.CharField(choices=[('refuse', 'Refuse it'), ('allow', 'Allow it')], default='refuse', help_text="Whether a new stake may come without the token of a session. Only our native protocol leaves it out; in all others each stake names its session. Where it may, nobody asks for such a stake whether the game may be launched there, whether the session still runs or whether a reality check is open: that is then the provider's to have asked.", max_length=16),
        ),
        migrations.AddConstraint(
            model_name='providerpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('stake_without_session__in', ['refuse', 'allow'])), name='providers_policy_stake_without_session_is_known'),
        ),
    ]
