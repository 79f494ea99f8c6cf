"""``make soak``: a seeded run, its checks, and one line that says how it went.

Ends with a status other than zero where anything is lost, extra, different, late or wrong, and
says what to look at first. The run's files are kept then.
"""

import argparse
import atexit
import json
import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

_DISPOSABLE = "disposable"
_PORTS = ("PITBOSS_WEB_PORT", "PITBOSS_GATEWAY_PORT", "PITBOSS_PROVIDER_PORT")


def main() -> int:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="pitboss-soak-", dir=options.folder))
    # Registered first, so it runs last: by then the servers that live in the folder have stopped.
    atexit.register(_remove_if_disposable, folder)
    _choose_settings(folder)
    # Django reads the environment when it is first imported.
    import django

    django.setup()
    logging.disable(logging.WARNING)
    from tests.soak.evidence import save_evidence
    from tests.soak.report import report_of, summary_of
    from tests.soak.run import Order, soak

    _tell(f"seed {options.seed}, {options.minutes:g} minutes, in {folder}")
    began = time.monotonic()
    order = Order(
        seconds=60 * options.minutes,
        seed=options.seed,
        folder=folder,
        mean_kill_seconds=options.kill_every,
        think_seconds=options.think,
        patience=options.patience,
        sabotage=options.sabotage,
    )
    evidence = soak(order, _tell)
    save_evidence(evidence, folder)
    report = report_of(evidence, seconds=time.monotonic() - began)
    (folder / "soak-report.json").write_text(json.dumps(report, indent=2))
    told = json.dumps(report, indent=2) if options.json else summary_of(report)
    print(told, flush=True)
    if report["holds"] and not options.keep:
        (folder / _DISPOSABLE).touch()
    else:
        _tell(f"The history, the report and the product's logs are in {folder}.")
    return 0 if report["holds"] else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--kill-every", type=float, default=6.0, metavar="SECONDS")
    parser.add_argument("--think", type=float, default=0.8, metavar="SECONDS")
    parser.add_argument(
        "--patience",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="stretch every limit of time, on a machine that other work shares",
    )
    parser.add_argument(
        "--sabotage",
        choices=["forgetful-gateway"],
        default="",
        help="break the product on purpose: the run must find it out",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--keep", action="store_true", help="keep the files of a run that held")
    parser.add_argument("--folder", type=Path, help="where to keep the run's files")
    return parser.parse_args()


def _choose_settings(folder: Path) -> None:
    """A data directory and ports of the run's own; embedded servers, whatever else is set."""
    for name in ("DATABASE_URL", "REDIS_URL", "PITBOSS_PROCESS_ROLE"):
        os.environ.pop(name, None)
    os.environ["PITBOSS_DATA_DIR"] = str(folder / "data")
    os.environ["PITBOSS_LOG_LEVEL"] = "WARNING"
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.development"
    held = [socket.socket() for _ in _PORTS]
    for name, probe in zip(_PORTS, held, strict=True):
        probe.bind(("127.0.0.1", 0))
        os.environ[name] = str(probe.getsockname()[1])
    for probe in held:
        probe.close()


def _remove_if_disposable(folder: Path) -> None:
    if (folder / _DISPOSABLE).exists():
        shutil.rmtree(folder, ignore_errors=True)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
