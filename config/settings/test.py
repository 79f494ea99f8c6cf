"""Tests: development's settings with quick passwords and files of their own."""

import os

from config.environment import environment
from config.settings.development import *  # noqa: F403 - settings build on each other
from config.settings.development import CACHES, PITBOSS_DATA_DIR
from config.storages import storage_settings

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = storage_settings(
    environment().model_copy(update={"s3_bucket": None}),
    PITBOSS_DATA_DIR / "test" / os.environ.get("PYTEST_XDIST_WORKER", "main"),
)
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PITBOSS_MFA_REQUIRED = False
# On a busy machine Valkey may take its time; what a test counts in it must be there all the same.
CACHES = {"default": {**CACHES["default"], "KEY_FUNCTION": "tests.caching.key_of", "OPTIONS": {}}}
# What a test asks at its own time is decided by a click at whatever time the tests run.
PITBOSS_APPROVAL_DAYS = 36_500
