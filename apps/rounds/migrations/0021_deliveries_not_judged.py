"""Deliveries that could not be applied are listed until they are, however long that takes.

The first sweep after this looks through all deliveries there are, a span at a time.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rounds', '0020_held_is_covered'),
    ]

    operations = [
        migrations.CreateModel(
            name='SweptThrough',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('delivery_id', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='rounds_swept_through_is_one_row')],
            },
        ),
        migrations.CreateModel(
            name='UnjudgedDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('delivery_id', models.BigIntegerField(unique=True)),
                ('tries', models.PositiveIntegerField(default=1)),
                ('error', models.CharField(max_length=64)),
                ('first_failed_at', models.DateTimeField()),
                ('last_failed_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'unjudged deliveries',
                'constraints': [models.CheckConstraint(condition=models.Q(('tries__gte', 1)), name='rounds_unjudged_was_tried')],
            },
        ),
    ]
