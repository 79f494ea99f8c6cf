"""A stack of two small programs, run as ``manage.py up`` runs the product.

``python -m tests.ground.light_stack DATA_DIR PORT`` serves until SIGTERM, as a process of its own
that a test can kill.
"""

import signal
import sys
import threading
from pathlib import Path

from apps.core.embedded.errors import StackError
from apps.core.embedded.paths import embedded_paths
from apps.core.embedded.programs import Ports, Program
from apps.core.embedded.supervisor import Stack
from tests.architecture.layers import REPOSITORY


def light_stack(data_dir: Path, port: int) -> Stack:
    serve = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port))
    sleep = (sys.executable, "-c", "import time; time.sleep(3600)", str(data_dir))
    programs = [
        Program("worker", sleep, priority=1),
        Program("web", serve, priority=2, port=port, port_setting="PITBOSS_WEB_PORT", probe="/"),
    ]
    ports = Ports(host="127.0.0.1", web=port, gateway=port, provider=port)
    return Stack(embedded_paths(data_dir), ports, REPOSITORY, programs)


def main(data_dir: Path, port: int) -> None:
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        with light_stack(data_dir, port) as stack:
            stack.wait_ready(60)
            print("ready", flush=True)  # noqa: T201 - the test waits for it
            while stack.running() and not stopped.wait(0.1):
                pass
    except StackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
