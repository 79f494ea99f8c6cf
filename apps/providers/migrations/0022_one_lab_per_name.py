import django.db.models.functions.text
from django.db import migrations, models
from django.db.models import Count
from django.db.models.functions import Upper


def refuse_twins(apps, schema_editor):
    Lab = apps.get_model("providers", "Lab")
    names = Lab.objects.annotate(upper=Upper("name")).order_by()
    shared = names.values("upper").annotate(labs=Count("pk")).filter(labs__gt=1)
    twins = names.filter(upper__in=shared.values("upper")).order_by("upper", "pk")
    told = ", ".join(f"{lab.name!r} (id {lab.pk})" for lab in twins)
    if told:
        # Which of them a report belongs to is a person's to say, so nothing is merged here.
        message = (
            f"Laboratories whose names differ only by case: {told}. Nothing was changed. "
            "Rename all but one of each in providers_lab, then migrate again."
        )
        raise RuntimeError(message)


class Migration(migrations.Migration):
    """One laboratory per name, in whatever case."""

    dependencies = [("providers", "0021_root_never_changes")]

    operations = [
        migrations.RunPython(refuse_twins, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="lab",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Upper("name"),
                name="providers_lab_is_one_per_name_in_any_case",
            ),
        ),
    ]
