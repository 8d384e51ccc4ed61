"""Headers of init scripts are read as chkconfig and insserv read them; insserv's notes are edited as it writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.formats import initscript

SSHD = """\
#!/bin/bash
#
# sshd\t\tStart up the OpenSSH server daemon
#
# chkconfig: 2345 55 25
# description: SSH is a protocol for secure remote shell access. \\
#              This service starts up the OpenSSH server daemon.
### BEGIN INIT INFO
# Provides: sshd
# Required-Start: $local_fs $network $syslog
# Required-Stop: $local_fs $syslog
# Should-Start: $syslog
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: Start up the OpenSSH server daemon
### END INIT INFO
# Provides: other
"""
START = "TARGETS = rsyslog ssh cron\nINTERACTIVE =\nssh: rsyslog\ncron: rsyslog\n"


def test_a_header_with_both_kinds():
    found = initscript.header(SSHD)
    assert (found.levels, found.start, found.stop, found.lsb) == ("2345", 55, 25, True)
    assert found.provides == ("sshd",) and found.start_after == ("$local_fs", "$network", "$syslog", "$syslog")
    assert found.stop_before == ("$local_fs", "$syslog")
    assert (found.default_start, found.default_stop) == (("2", "3", "4", "5"), ("0", "1", "6"))


@pytest.mark.parametrize(
    "text, levels, start, lsb",
    [
        ("", None, None, False),
        ("# chkconfig: - 85 15\n", "", 85, False),
        ("#chkconfig: 35 8 92 \n", "35", 8, False),
        ("# chkconfig: 345 80\n", None, None, False),
        ("# chkconfig: 789 80 20\n", None, None, False),
        ("### BEGIN INIT INFO\n# Default-Start:\n### END INIT INFO\n", None, None, True),
        ("### BEGIN INIT INFO\n# Default-Start: 3\n", None, None, False),
    ],
)
def test_other_headers(text, levels, start, lsb):
    found = initscript.header("#!/bin/sh\n" + text)
    assert (found.levels, found.start, found.lsb, found.default_start) == (levels, start, lsb, ())


def test_facilities_of_insserv_conf():
    text = (
        "# x\n$network\t+networking +ifupdown\n$remote_fs $local_fs +mountnfs # y\n<interactive> udev\n$network route\n"
    )
    assert initscript.facilities(text) == {
        "$network": ["networking", "ifupdown", "route"], "$remote_fs": ["$local_fs", "mountnfs"],
    }  # fmt: skip


def test_notes_for_startpar_list_the_script():
    started = initscript.with_start(START, "waagent", ["networking", "rsyslog", "ssh"])
    assert started == START.replace("ssh cron", "ssh cron waagent") + "waagent: rsyslog ssh\n"
    assert initscript.with_start(started, "waagent", ["rsyslog", "ssh"]) == started
    assert initscript.with_start(START, "alone", []) == START.replace("ssh cron", "ssh cron alone")
    assert initscript.with_start("", "first", ["x"]) == "TARGETS = first\n"
    stop = "TARGETS = rsyslog sendsigs\nsendsigs: rsyslog"
    stopped = initscript.with_stop(stop, "waagent", ["rsyslog", "sendsigs", "ssh"])
    assert stopped == "TARGETS = waagent rsyslog sendsigs\nsendsigs: rsyslog waagent\nrsyslog: waagent\n"
    assert initscript.with_stop(stopped, "waagent", ["rsyslog"]) == stopped


@given(st.text(alphabet="#: \nabT=$-2\\", max_size=80), st.lists(st.sampled_from(["a", "b", "ab"])))
def test_any_text_is_read_and_edited_once(text, needs):
    initscript.header(text), initscript.facilities(text)
    for edit in (initscript.with_start, initscript.with_stop):
        once = edit(text, "b", needs)
        assert edit(once, "b", needs) == once
