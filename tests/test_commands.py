"""Real child processes: output as it comes, limits, signals, side by side."""

import os
import signal
import time

import psutil
import pytest

from agentprep.commands import Commands, end_group
from agentprep.errors import CommandFailed


def run(*argv, **options):
    return Commands().together([argv], options.pop("limit", 20), **options)[0]


def alive(group):
    """The processes of a group that still run; zombies do not."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (ProcessLookupError, psutil.Error):
            continue
    return found


def test_output_code_and_tail():
    done = run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert done.code == 3 and set(done.tail) == {"out", "err"}
    assert run("sh", "-c", "echo out; echo err >&2", merge=False).output == b"out\n"
    with pytest.raises(CommandFailed, match="exit code 3"):
        done.check()


def test_the_environment_is_fixed_and_stdin_is_empty():
    os.environ["AGENTPREP_TEST"] = "leak"
    done = run("sh", "-c", 'echo "$LC_ALL $AGENTPREP_TEST"; cat; pwd')
    assert done.output == b"C \n/\n"


def test_lines_come_while_it_runs():
    lines = []
    run("sh", "-c", r"printf 'a\rb\nc'; sleep 0.2; printf 'd\n'", listener=lambda argv, line: lines.append(line))
    assert [line for line in lines if line] == ["a", "b", "cd"]


def test_two_commands_run_at_the_same_time():
    began = time.time()
    done = Commands().together([("sh", "-c", "sleep 1; echo 1"), ("sh", "-c", "sleep 1; echo 2")], 20)
    assert [one.output for one in done] == [b"1\n", b"2\n"] and time.time() - began < 1.9


def test_a_missing_command_is_named():
    with pytest.raises(CommandFailed, match="no-such-command cannot be started"):
        run("no-such-command")


def test_a_command_that_hangs_is_ended_with_its_children():
    groups = []
    with pytest.raises(CommandFailed, match="did not end within 1 seconds"):
        run("sh", "-c", "sleep 300 & sleep 300", limit=1, started=groups.append)
    assert alive(groups[0]) == []


def test_a_daemon_that_keeps_the_output_open_does_not_hold_us_for_ever():
    groups = []
    with pytest.raises(CommandFailed, match="did not end"):
        run("sh", "-c", "sleep 300 & exit 0", limit=1, started=groups.append)
    assert alive(groups[0]) == []


def test_an_interruption_ends_the_children():
    groups = []

    class Stop(BaseException):
        pass

    def stop(argv, line):
        raise Stop

    with pytest.raises(Stop):
        run("sh", "-c", "trap '' TERM; echo x; sleep 300 & wait; sleep 300", listener=stop, started=groups.append)
    end = time.monotonic() + 10  # what is killed has to be given a processor to end on
    while alive(groups[0]) and time.monotonic() < end:
        time.sleep(0.05)
    assert alive(groups[0]) == []


def test_a_signal_is_told():
    with pytest.raises(CommandFailed, match="ended by signal 9"):
        run("sh", "-c", "kill -9 $$").check()
    end_group(99999999)
    assert signal.SIGKILL == 9


def test_garbage_is_kept_as_text():
    done = run("sh", "-c", r"printf '\377\000\033[2J\n'; head -c 100000 /dev/zero")
    assert done.code == 0 and len(done.output) == 100007 and all(isinstance(line, str) for line in done.tail)
