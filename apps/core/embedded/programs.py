"""The processes of a running product, and the supervisor's configuration that runs them."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from apps.core.embedded import lifeline
from apps.core.embedded.paths import EmbeddedPaths


@dataclass(frozen=True)
class Ports:
    """The address the product listens on; ``host`` holds for all three."""

    host: str
    web: int
    gateway: int
    provider: int


@dataclass(frozen=True)
class Program:
    """One process. ``probe`` is the path that answers 200 once it serves."""

    name: str
    command: tuple[str, ...]
    priority: int
    stop_seconds: int = 15
    stop_group: bool = True
    port: int | None = None
    port_setting: str = ""
    probe: str | None = None
    environment: tuple[tuple[str, str], ...] = ()


def keeper_program(data_dir: Path, kinds: list[str]) -> Program:
    """The embedded servers; starts first and stops last."""
    command = (sys.executable, "-m", "apps.core.embedded.keeper", str(data_dir), *kinds)
    return Program("servers", command, priority=1, stop_seconds=90)


def stack_programs(ports: Ports, repository: Path, *, with_provider: bool) -> list[Program]:
    """The product's programs in the order they start; they stop in the reverse order."""
    python = sys.executable
    manage = str(repository / "manage.py")
    celery = (python, "-m", "celery", "-A", "config", "--workdir", str(repository))
    programs = [
        Program(
            "worker",
            (*celery, "worker", "--concurrency=2", "--without-gossip", "--without-mingle"),
            priority=20,
            stop_seconds=45,
            stop_group=False,  # its pool finishes its tasks; only the worker itself is told
            # SIGTERM alone lets a worker wait for its tasks without end, until it is killed. So it
            # waits for CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT, and gives back what is not done.
            environment=(("REMAP_SIGTERM", "SIGQUIT"),),
        ),
        Program("beat", (*celery, "beat", "--pidfile="), priority=30),
        Program("relay", (python, manage, "relay_outbox"), priority=40),
        Program(
            "web",
            (
                *(python, "-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "1"),
                *("--blocking-threads", "4", "--host", ports.host, "--port", str(ports.web)),
                *("--working-dir", str(repository), "config.wsgi:application"),
            ),
            priority=50,
            port=ports.web,
            port_setting="PITBOSS_WEB_PORT",
            probe="/readyz",
        ),
        Program(
            "gateway",
            (python, manage, "run_gateway", "--port", str(ports.gateway)),
            priority=60,
            port=ports.gateway,
            port_setting="PITBOSS_GATEWAY_PORT",
            probe="/healthz",
        ),
    ]
    if with_provider:
        programs.append(
            Program(
                "provider",
                (python, manage, "run_provider", "--port", str(ports.provider)),
                priority=70,
                port=ports.provider,
                port_setting="PITBOSS_PROVIDER_PORT",
                probe="/healthz",
            )
        )
    return programs


_FACTORY = "supervisor.rpcinterface_factory"
_ROLES = {"worker", "beat", "relay", "web", "gateway", "provider"}


def supervisor_config(programs: list[Program], paths: EmbeddedPaths, repository: Path) -> str:
    """The text of supervisord.conf. Percent signs are doubled: supervisor expands them."""
    sections = [
        _section(
            "supervisord",
            nodaemon="true",
            logfile=_escape(paths.log_dir / "supervisor.log"),
            logfile_maxbytes="10MB",
            logfile_backups="3",
            pidfile=_escape(paths.data_dir / "supervisord.pid"),
            directory=_escape(repository),
            nocleanup="true",
            **({"user": "root"} if paths.runs_as_root else {}),
        ),
        _section("unix_http_server", file=_escape(paths.supervisor_socket), chmod="0700"),
        _section(
            "rpcinterface:supervisor",
            **{_FACTORY: "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
    ]
    sections += [_program_section(program, paths) for program in programs]
    return "\n".join(sections)


def _program_section(program: Program, paths: EmbeddedPaths) -> str:
    command = (sys.executable, lifeline.__file__, "program", *program.command)
    role = program.name if program.name in _ROLES else "command"
    environment = {
        "PITBOSS_PROCESS_ROLE": role,
        "PYTHONUNBUFFERED": "1",
        **dict(program.environment),
    }
    return _section(
        f"program:{program.name}",
        command=_escape(shlex.join(command)),
        priority=str(program.priority),
        autorestart="true",
        startsecs="2",
        # A port or a server may be busy after a kill; each pause is a second longer.
        startretries="20",
        stopsignal="TERM",
        stopwaitsecs=str(program.stop_seconds),
        stopasgroup="true" if program.stop_group else "false",
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=_escape(paths.log_dir / f"{program.name}.log"),
        stdout_logfile_maxbytes="10MB",
        stdout_logfile_backups="3",
        environment=",".join(f'{name}="{value}"' for name, value in environment.items()),
    )


def _section(name: str, **options: str) -> str:
    lines = [f"{key} = {value}" for key, value in options.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def _escape(value: Path | str) -> str:
    return str(value).replace("%", "%%")
