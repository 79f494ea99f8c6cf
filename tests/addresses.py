"""Where another process finds what a test has made."""

from urllib.parse import quote

from django.conf import settings
from django.db import connection


def database_url() -> str:
    """Return the address of the test database for another process, as what serves sees it."""
    parts = connection.settings_dict
    return (
        f"postgresql://{quote(settings.PITBOSS_APP_ROLE or parts['USER'])}@/{quote(parts['NAME'])}"
        f"?host={quote(parts['HOST'], safe='')}&port={parts['PORT']}"
    )
