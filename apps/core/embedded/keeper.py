"""Keep the embedded servers alive until told to stop; the supervisor's first program.

Run as ``python -m apps.core.embedded.keeper DATA_DIR KIND...``: it needs neither Django's apps nor
the settings, and so starts at once.
"""

import logging
import signal
import sys
import threading
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.paths import embedded_paths
from apps.core.embedded.postgres import PostgresServer
from apps.core.embedded.servers import Server, process_lease
from apps.core.embedded.valkey import ValkeyServer

logger = logging.getLogger(__name__)

KINDS: dict[str, type[Server]] = {"postgres": PostgresServer, "valkey": ValkeyServer}
_WATCH_SECONDS = 0.5


def keep_servers(data_dir: Path, kinds: tuple[type[Server], ...]) -> None:
    """Hold a lease until SIGTERM or SIGINT, starting again what was killed.

    Raises:
        EmbeddedServerError: a server does not come up the first time.
    """
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    if not kinds:
        stopped.wait()
        return
    lease = process_lease(embedded_paths(data_dir), kinds)
    logger.info("servers.started")
    while not stopped.wait(_WATCH_SECONDS):
        try:
            if lease.keep_alive():
                logger.warning("servers.restarted")
        except EmbeddedServerError:
            # Killed again half way through its start, say: the next round tries again.
            logger.exception("servers.restart_failed")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    keep_servers(Path(sys.argv[1]), tuple(KINDS[name] for name in sys.argv[2:]))
