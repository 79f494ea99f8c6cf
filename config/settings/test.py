"""Tests: development's settings with quick passwords and files of their own."""

import os

from config.settings.base import STORAGES
from config.settings.development import *  # noqa: F403
from config.settings.development import PITBOSS_DATA_DIR

_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
_files = PITBOSS_DATA_DIR / "test" / _worker

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    **STORAGES,
    "default": {**STORAGES["default"], "OPTIONS": {"location": _files / "files"}},
    "evidence": {**STORAGES["evidence"], "OPTIONS": {"location": _files / "evidence"}},
}
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
