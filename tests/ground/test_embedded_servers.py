import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.folders import make_run_dir
from apps.core.embedded.identity import Identity, launch_command
from apps.core.embedded.paths import DATABASE, embedded_paths
from apps.core.embedded.servers import ServerLease
from tests.ground.keepers import (
    Keeper,
    answers,
    data_dir,
    main_processes,
    query,
    server_processes,
    wait_for,
)

OTHER_UID = 2  # "bin": a user that every system knows and that owns nothing of ours

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def test_servers_run_on_a_path_with_spaces_and_stop_with_their_last_user(tmp_path: Path) -> None:
    with data_dir(tmp_path / "a folder; with 'odd' %s signs") as paths:
        first, second = Keeper(paths.data_dir), Keeper(paths.data_dir)
        first.ready()
        second.ready()
        assert answers(paths) == (True, True)

        first.end()
        assert answers(paths) == (True, True)

        second.end()
        assert answers(paths) == (False, False)
        assert server_processes(paths) == []


def test_the_database_is_durable_checked_and_closed_to_the_network(tmp_path: Path) -> None:
    with data_dir(tmp_path / "data") as paths:
        keeper = Keeper(paths.data_dir)
        keeper.ready()

        wanted = {
            "synchronous_commit": "on",
            "fsync": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
        }
        assert {name: query(paths, f"SHOW {name}")[0][0] for name in wanted} == wanted
        assert query(paths, "SELECT rolsuper FROM pg_roles WHERE rolname = 'pitboss'") == [(False,)]
        assert paths.postgres_socket_dir.stat().st_mode & 0o077 == 0
        assert paths.valkey_socket_dir.stat().st_mode & 0o077 == 0
        keeper.end()


def test_a_size_that_was_altered_stands_and_durability_does_not_yield(tmp_path: Path) -> None:
    with data_dir(tmp_path / "data") as paths:
        keeper = Keeper(paths.data_dir)
        keeper.ready()
        assert query(paths, "SHOW shared_buffers") == [("128MB",)]
        with psycopg.connect(
            host=str(paths.postgres_socket_dir), dbname=DATABASE, user="postgres", autocommit=True
        ) as connection:
            connection.execute("ALTER SYSTEM SET shared_buffers = '256MB'")
            for durable in ("synchronous_commit", "fsync", "full_page_writes"):
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.SQL(durable)))
        keeper.end()

        again = Keeper(paths.data_dir)
        again.ready()
        assert query(paths, "SHOW shared_buffers") == [("256MB",)]
        assert query(paths, "SHOW max_wal_size") == [("2GB",)]
        for durable in ("synchronous_commit", "fsync", "full_page_writes"):
            assert query(paths, f"SHOW {durable}") == [("on",)]
        again.end()


def test_after_a_kill_of_everything_the_next_start_finds_the_data(tmp_path: Path) -> None:
    with data_dir(tmp_path / "data") as paths:
        keeper = Keeper(paths.data_dir)
        keeper.ready()
        query(paths, "CREATE TABLE kept AS SELECT 7 AS number")

        keeper.process.kill()
        keeper.process.wait()
        for process in server_processes(paths):
            process.kill()
        wait_for(lambda: server_processes(paths) == [])
        # The pid file stays behind, and its number may be somebody else's by now: ours, here.
        pid_file = paths.postgres_data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

        again = Keeper(paths.data_dir)
        again.ready()
        assert query(paths, "SELECT number FROM kept") == [(7,)]
        again.end()
        assert server_processes(paths) == []


def test_servers_that_a_killed_user_left_are_shared_then_stopped(tmp_path: Path) -> None:
    with data_dir(tmp_path / "data") as paths:
        killed = Keeper(paths.data_dir)
        killed.ready()
        killed.end(signal.SIGKILL)
        assert answers(paths) == (True, True)
        left = main_processes(paths)

        next_one = Keeper(paths.data_dir)
        next_one.ready()
        assert main_processes(paths) == left

        next_one.end()
        assert server_processes(paths) == []


def test_a_killed_server_is_started_again_while_somebody_watches(tmp_path: Path) -> None:
    with data_dir(tmp_path / "data") as paths:
        keeper = Keeper(paths.data_dir)
        keeper.ready()
        query(paths, "CREATE TABLE kept AS SELECT 7 AS number")
        killed = server_processes(paths)

        for process in killed:
            # A child may be gone already, because its parent was killed first.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        gone = {process.pid for process in killed}
        wait_for(lambda: not gone & {process.pid for process in server_processes(paths)})
        wait_for(lambda: answers(paths) == (True, True))

        assert query(paths, "SELECT number FROM kept") == [(7,)]
        keeper.end()


def test_two_data_directories_run_side_by_side_however_long_their_paths(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 40) / ("name" * 30)
    with data_dir(deep) as one, data_dir(tmp_path / "two") as two:
        keepers = Keeper(one.data_dir), Keeper(two.data_dir)
        for keeper in keepers:
            keeper.ready()
        query(one, "CREATE TABLE only_here (id int)")

        assert len(str(one.data_dir)) > 107 > len(str(one.postgres_socket))
        assert query(two, "SELECT to_regclass('only_here')") == [(None,)]

        keepers[0].end()
        assert answers(two) == (True, True)
        keepers[1].end()


def test_a_forked_child_that_ends_leaves_the_servers_to_its_parent(tmp_path: Path) -> None:
    with data_dir(tmp_path / "data") as paths:
        keeper = Keeper(paths.data_dir)
        keeper.ready()
        lease = ServerLease(paths, ())
        lease.acquire()

        child = os.fork()
        if child == 0:
            lease.renew_after_fork()
            lease.release()
            os._exit(0)
        os.waitpid(child, 0)
        assert lease.held

        keeper.end()
        assert answers(paths) == (True, True)
        lease.release()
        assert answers(paths) == (False, False)


@as_root
def test_a_second_user_is_not_shut_out_by_the_first(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    with data_dir(tmp_path / "of root") as ours, data_dir(tmp_path / "of another") as given:
        os.chown(given.data_dir, OTHER_UID, OTHER_UID)
        theirs = embedded_paths(given.data_dir)
        first = Keeper(ours.data_dir)
        first.ready()
        second = Keeper(theirs.data_dir, Identity(f"setuid:{OTHER_UID}:{OTHER_UID}", 2, 2))
        second.ready()

        assert theirs.postgres_data.stat().st_uid == OTHER_UID
        assert query(ours, "SELECT 1") == query(theirs, "SELECT 1") == [(1,)]

        # Root may look in, and leaves the other's servers usable.
        guest = Keeper(theirs.data_dir)
        guest.ready()
        second.end()
        assert query(theirs, "SELECT 1") == [(1,)]
        guest.end()
        assert server_processes(theirs) == []
        third = Keeper(theirs.data_dir, Identity(f"setuid:{OTHER_UID}:{OTHER_UID}", 2, 2))
        third.ready()
        third.end()
        first.end()


@as_root
def test_a_folder_of_somebody_else_is_refused_with_what_to_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    with data_dir(tmp_path / "of root") as ours:
        stranger = Keeper(ours.data_dir, Identity(f"setuid:{OTHER_UID}:{OTHER_UID}", 2, 2))
        stranger.process.wait(60)

        assert stranger.process.returncode != 0
        assert "set PITBOSS_DATA_DIR to a folder of your own" in stranger.output
        assert server_processes(ours) == []


@as_root
def test_a_run_directory_that_somebody_else_made_is_refused(tmp_path: Path) -> None:
    with data_dir(tmp_path / "data") as paths:
        paths.run_dir.mkdir()
        os.chown(paths.run_dir, OTHER_UID, OTHER_UID)

        with pytest.raises(EmbeddedServerError, match=f"belongs to uid {OTHER_UID}"):
            make_run_dir(paths)


@as_root
def test_root_can_run_the_servers_as_itself_in_a_user_namespace(tmp_path: Path) -> None:
    """The way round where root may not become another user; chosen by who owns the files."""
    _skip_without_user_namespaces()
    with data_dir(tmp_path / "data") as paths:
        keeper = Keeper(paths.data_dir)
        keeper.ready()
        keeper.end()
        for path in [paths.postgres_data, *paths.postgres_data.rglob("*"), paths.valkey_data]:
            os.chown(path, 0, 0)
        for path in paths.valkey_data.rglob("*"):
            os.chown(path, 0, 0)

        again = Keeper(paths.data_dir)
        again.ready()
        assert query(paths, "SELECT 1") == [(1,)]
        assert {psutil.Process(pid).uids().effective for pid in main_processes(paths)} == {0}
        again.end()


def _skip_without_user_namespaces() -> None:
    command = launch_command(Identity("userns", 0, 0), "wait", [sys.executable, "-c", ""], [])
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip("this machine allows no user namespaces")
