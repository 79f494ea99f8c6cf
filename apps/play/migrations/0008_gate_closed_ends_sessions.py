from django.db import migrations, models


class Migration(migrations.Migration):
    """A session ends where its game may not be served any more."""

    dependencies = [("play", "0007_open_sessions_of_a_game")]

    operations = [
        migrations.RemoveConstraint(
            model_name='gamesession',
            name='play_session_ended_with_a_reason',
        ),
        migrations.AlterField(
            model_name='gamesession',
            name='end_code',
            field=models.CharField(blank=True, choices=[('logout', 'Logged out'), ('staff', 'Ended by staff'), ('protection', 'Player protection'), ('refresh_reused', 'Refresh credential used twice'), ('offer_withdrawn', 'Game withdrawn there'), ('gate_closed', 'Game may not be served there any more'), ('reality_check', 'Stopped at a reality check'), ('key_revoked', 'Signing key revoked')], max_length=16, verbose_name='ended because'),
        ),
        migrations.AddConstraint(
            model_name='gamesession',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('end_code', ''), ('end_reason', ''), ('ended_at__isnull', True)), models.Q(('ended_at__gte', models.F('opened_at')), ('ended_at__isnull', False), ('end_code__in', ['logout', 'staff', 'protection', 'refresh_reused', 'offer_withdrawn', 'gate_closed', 'reality_check', 'key_revoked']), models.Q(('end_reason', ''), _negated=True)), _connector='OR'), name='play_session_ended_with_a_reason'),
        ),
    ]
