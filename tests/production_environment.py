"""Run a command with a complete, throwaway production environment.

``python -m tests.production_environment python manage.py check --deploy``
"""

import os
import secrets
import sys

from cryptography.fernet import Fernet


def production_environment() -> dict[str, str]:
    """Everything that config.settings.production asks for; the secrets are new each time."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "PITBOSS_SECRET_KEY": secrets.token_hex(48),
        "PITBOSS_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PITBOSS_METRICS_TOKEN": secrets.token_hex(16),
        "PITBOSS_ALLOWED_HOSTS": "pitboss.invalid",
        "PITBOSS_S3_BUCKET": "evidence",
        "PITBOSS_URL": "https://pitboss.invalid",
        "PITBOSS_MAIL_URL": f"smtps://pitboss:{secrets.token_hex(8)}@mail.invalid:465",
        "PITBOSS_VIRUS_SCANNER": "tcp://clamd.invalid:3310",
        "DATABASE_URL": f"postgresql://pitboss:{secrets.token_hex(8)}@db.invalid:5432/pitboss",
        "REDIS_URL": f"rediss://:{secrets.token_hex(8)}@redis.invalid:6379/0",
        "PITBOSS_CACHE_URL": f"rediss://:{secrets.token_hex(8)}@cache.invalid:6379/0",
    }


if __name__ == "__main__":
    os.environ.update(production_environment())
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is the point
