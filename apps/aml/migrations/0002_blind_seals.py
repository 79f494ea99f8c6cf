import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    """The audit chain binds the access log and tells nothing of it."""

    dependencies = [
        ('aml', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessSeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entries', models.PositiveBigIntegerField()),
                ('head_hash', models.CharField(max_length=64)),
                ('salt', models.CharField(max_length=64)),
                ('sealed_on', models.DateField(unique=True)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('salt__regex', '^[0-9a-f]{64}$'), ('head_hash__regex', '^[0-9a-f]{64}$')), name='aml_accessseal_has_a_hash_and_a_salt')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='accessseal',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='69017e4f21dd9e1e9ea836fc895e37bad8834f6a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_5ad83', table='aml_accessseal', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='accessseal',
            trigger=pgtrigger.compiler.Trigger(name='never_truncated', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='eeccad1a7f5b6b0b3b863cb691e5145b96b34ee4', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_never_truncated_44603', table='aml_accessseal', when='BEFORE')),
        ),
    ]
