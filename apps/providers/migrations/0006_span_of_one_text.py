from django.db import migrations


class Migration(migrations.Migration):
    """An exclusion constraint compares a game, a place and a span of time in one GiST index.

    Plain values need the btree_gist extension there, which not every server has (the embedded one
    does not). A span of one value says the same with what PostgreSQL itself brings.
    """

    dependencies = [("providers", "0005_provider_stage")]

    operations = [
        migrations.RunSQL(
            "CREATE TYPE providers_text_span AS RANGE (subtype = text, collation = \"C\")",
            "DROP TYPE providers_text_span",
        )
    ]
