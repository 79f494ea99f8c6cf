"""The order of the apps, read from the import contracts in pyproject.toml."""

import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def app_heights() -> dict[str, int]:
    """App label -> height; a higher app may know a lower one. Apps side by side share a height."""
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(c for c in contracts if c.get("containers") == ["apps"])["layers"]
    return {
        app.strip(): height
        for height, layer in enumerate(reversed(layers))
        for app in layer.split("|")
    }


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))
