"""What the bench reads out of strace's log."""

import pytest

from tests.bench.trace import read
from tests.bench.tree import seconds

# Lines of strace 6.1 -f, shortened.
LOG = r"""7 execve("/usr/sbin/chroot", ["chroot", "/tree", "agentprep", "run"], 0x7ffe /* 3 vars */) = 0
7 execve("/usr/local/bin/agentprep", ["agentprep", "run"], 0x7ffe /* 3 vars */) = -1 ENOENT (No such file or directory)
7 execve("/usr/bin/agentprep", ["agentprep", "run"], 0x7ffe /* 3 vars */) = 0
7 openat(AT_FDCWD, "/var/lib/agentprep/lock", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3
8 execve("/usr/sbin/sshd", ["sshd", "-T"], 0x7ffe /* 5 vars */ <unfinished ...>
7 openat(AT_FDCWD, "/etc/fstab", O_RDONLY|O_CLOEXEC) = 4
8 <... execve resumed>) = 0
8 openat(AT_FDCWD, "/etc/ssh/sshd_config", O_RDONLY) = 3
8 openat(AT_FDCWD, "/dev/null", O_RDWR) = 4
8 openat(AT_FDCWD, "/var/log/none/x", O_WRONLY|O_CREAT, 0600) = -1 ENOENT (No such file or directory)
"""


def test_a_run_whose_children_only_read():
    trace = read(LOG.splitlines())
    assert trace.started == {"/usr/sbin/chroot": 1, "/usr/bin/agentprep": 1, "/usr/sbin/sshd": 1}
    assert trace.writes == []


def test_writes_of_children_and_only_of_children():
    trace = read(
        LOG.splitlines()
        + [
            '8 openat(AT_FDCWD, "/var/log/x", O_WRONLY|O_APPEND) = 5',
            '7 rename("/a", "/b") = 0',
            '9 unlink("/a" <unfinished ...>',
        ]
    )
    assert trace.writes == [
        ("/usr/sbin/sshd", 'openat(AT_FDCWD, "/var/log/x", O_WRONLY|O_APPEND)'),
        ("a fork of /usr/bin/agentprep", 'unlink("/a")'),
    ]


def test_seconds_of_a_shell_and_of_what_it_started():
    assert seconds("0m0.000000s 0m0.010000s\n1m2.500000s 0m0.250000s\n") == pytest.approx(62.76)
