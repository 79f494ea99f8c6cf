"""Where files are kept: a private local folder, or S3 once a bucket is named."""

from pathlib import Path
from typing import Any

from config.environment import Environment, reveal


def storage_settings(env: Environment, data_dir: Path) -> dict[str, dict[str, Any]]:
    """Django's STORAGES. Evidence is never overwritten, and never public."""
    return {
        "default": _local(data_dir / "files"),
        "evidence": _local(data_dir / "evidence") if env.s3_bucket is None else _s3(env),
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def _local(folder: Path) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": folder,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
            "allow_overwrite": False,
        },
    }


def _s3(env: Environment) -> dict[str, Any]:
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.s3_bucket,
            "endpoint_url": env.s3_endpoint_url,
            "region_name": env.s3_region,
            "access_key": reveal(env.s3_access_key),
            "secret_key": reveal(env.s3_secret_key),
            "default_acl": None,
            "file_overwrite": False,
            "querystring_auth": True,
            "querystring_expire": 60,
            "signature_version": "s3v4",
            "addressing_style": "path" if env.s3_endpoint_url else "auto",
            "object_parameters": {"ContentDisposition": "attachment", "CacheControl": "no-store"},
        },
    }
