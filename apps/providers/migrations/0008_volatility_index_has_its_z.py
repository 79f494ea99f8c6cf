from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0007_register_over_time'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='rtpvariant',
            name='providers_variant_volatility_index_names_its_z',
        ),
        migrations.AddConstraint(
            model_name='rtpvariant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('volatility_index__isnull', True), ('volatility_z__isnull', True)), models.Q(('volatility_index__gt', 0), ('volatility_index__isnull', False), ('volatility_z__gt', 0), ('volatility_z__isnull', False)), _connector='OR'), name='providers_variant_volatility_index_names_its_z'),
        ),
    ]
