"""Plan, run, verify, rollback on the toy machine."""

import json
import os
import shutil

import pytest

from agentprep import engine
from agentprep.errors import Blocked, CommandFailed, Conflict, Interrupted
from agentprep.journal import Runs
from tests.snapshots import snapshot
from tests.toys import CFG, CONF, GRUB, IMAGE, RULES, STEPS, machine, step
from tests.trees import policy_of

SILENT = engine.Watch()


def plan(system, steps=STEPS, owed=()):
    return engine.plan(system, policy_of(), steps, RULES, owed)


def run(system, steps=STEPS):
    journal = Runs(system.guest).resumed_or_new("2026-01-01T00:00:00Z")
    told = engine.Told("changed", SILENT)
    engine.run(system.on(system.guest), policy_of(), steps, RULES, journal, told)
    return told


def rollback(system, force=False):
    return engine.rollback(system, policy_of(), Runs(system.guest).latest(), RULES, force, SILENT)


def names(told):
    return [record.id for record in told.records]


def test_a_plan_is_pure_and_shows_each_change_on_top_of_the_last(tmp_path):
    root, system = machine(tmp_path)
    before = snapshot(root)
    told = plan(system)
    assert snapshot(root) == before and system.guest.commands.ran == []
    assert names(told) == ["cmdline", "timeout", "modules", "leftover", "cmdline", "cmdline", "modules", "modules"]
    assert "quiet" not in told.records[1].shown and "-TIMEOUT=5" in told.records[1].shown
    assert [one.status for one in told.findings(STEPS)] == ["would-change"] * 4


def test_a_run_settles_and_the_second_does_nothing(tmp_path):
    root, system = machine(tmp_path)
    assert len(run(system).records) == 8
    assert [argv[0] for argv in system.guest.commands.ran] == ["mkconfig", "mkinitrd"]
    assert plan(system).records == []
    before = snapshot(root)
    told = run(system)
    assert told.records == [] and len(system.guest.commands.ran) == 2 and snapshot(root) == before
    assert told.findings(STEPS)[0].evidence == ("console=ttyS0 is there",)
    assert os.listdir(root + "/boot") == sorted(["grub", "initrd"], key=os.listdir(root + "/boot").index)


def test_a_rollback_is_exact(tmp_path):
    root, system = machine(tmp_path)
    os.chmod(root + GRUB, 0o640)
    os.utime(root + GRUB, ns=(1, 1234567890123456789))
    os.setxattr(root + GRUB, "user.label", b"kept")
    before = snapshot(root)
    run(system)
    assert snapshot(root) != before
    back = rollback(system)
    assert sorted(back.restored) == sorted([GRUB, CFG, CONF, IMAGE, "/etc/leftover"])
    assert snapshot(root) == before
    assert Runs(system.guest).latest() is None


def test_what_a_second_run_changed_is_taken_back_alone(tmp_path):
    root, system = machine(tmp_path)
    run(system, STEPS[:1])
    middle = snapshot(root)
    run(system)
    assert [journal.state for journal in Runs(system.guest).all()] == ["settled", "settled"]
    rollback(system)
    assert snapshot(root) == middle
    rollback(system)
    assert b"quiet" in system.guest.read(GRUB)


def test_a_third_party_edit_stops_the_rollback_before_anything_is_touched(tmp_path):
    root, system = machine(tmp_path)
    run(system)
    with open(root + CONF, "a") as stream:
        stream.write("# admin\n")
    before = snapshot(root)
    with pytest.raises(Conflict, match=CONF):
        rollback(system)
    assert snapshot(root) == before
    back = rollback(system, force=True)
    assert back.kept == (CONF,)
    assert b"quiet" in system.guest.read(GRUB) and b"# admin" in system.guest.read(CONF)


def test_a_derived_file_that_somebody_rebuilt_is_rebuilt_again(tmp_path):
    root, system = machine(tmp_path)
    run(system)
    with open(root + CFG, "w") as stream:
        stream.write("linux console=ttyS0 # a new kernel's\n")
    with pytest.raises(CommandFailed, match="no console"):  # the toy generator now makes one without a console
        rollback(system)


def test_a_cut_between_source_and_derived_is_owed(tmp_path):
    root, system = machine(tmp_path)

    def cut(root_, argv):
        raise KeyboardInterrupt

    only = STEPS[1:2]
    handlers = system.guest.commands.handlers
    real, handlers["mkconfig"] = handlers["mkconfig"], cut
    assert names(plan(system, STEPS)) and names(plan(system, only))[:1] == ["timeout"]
    with open(root + CFG, "w") as stream:
        stream.write("linux console=ttyS0")
    with open(root + IMAGE, "w") as stream:
        stream.write("hv_vmbus")
    with pytest.raises(KeyboardInterrupt):
        run(system, only)
    assert plan(system, only).records == [], "nothing is to be seen in the files"
    journal = Runs(system.guest).latest()
    assert journal.owed() == [GRUB] and journal.state == "cut"
    assert names(plan(system, only, journal.owed())) == ["cmdline", "cmdline"]
    handlers["mkconfig"] = real
    with open(root + GRUB, "a") as stream:
        stream.write('CMDLINE="ro console=ttyS0"\n'.replace("CMDLINE", "# CMDLINE"))
    with open(root + GRUB, "w") as stream:
        stream.write('TIMEOUT=1\nCMDLINE="ro console=ttyS0"\n')
    run(system, only)
    assert Runs(system.guest).latest().state == "settled" and Runs(system.guest).latest().owed() == []


def test_before_the_first_command_a_failure_is_taken_back_at_once(tmp_path):
    root, system = machine(tmp_path)
    before = snapshot(root)

    def stopped(system_, policy):
        if not system_.guest.guessed("/x") and type(system_.guest).__name__ == "Guest":
            raise Interrupted("SIGTERM")
        return
        yield

    with pytest.raises(Interrupted):
        run(system, STEPS[:3] + (step("stopped", stopped),))
    assert snapshot(root) == before and Runs(system.guest).latest() is None


def test_after_the_first_command_the_journal_stays(tmp_path):
    root, system = machine(tmp_path)
    before = snapshot(root)
    handlers = system.guest.commands.handlers
    real, handlers["mkinitrd"] = handlers["mkinitrd"], lambda root_, argv: (1, "no space")
    with pytest.raises(CommandFailed, match="no space"):
        run(system)
    assert b"bare" in system.guest.read(IMAGE), "the old image is in place"
    assert Runs(system.guest).latest().state == "cut"
    shutil.copytree(root, str(tmp_path) + "-copy", symlinks=True)
    handlers["mkinitrd"] = real
    run(system)
    assert plan(system).records == [] and len(Runs(system.guest).all()) == 1
    rollback(system)
    assert snapshot(root) == before


def test_a_blocked_step_stops_a_run_but_not_a_plan(tmp_path):
    root, system = machine(tmp_path)

    def stuck(system_, policy):
        raise Blocked("two loaders", "remove one")
        yield

    steps = (step("stuck", stuck),) + STEPS
    told = plan(system, steps)
    assert told.findings(steps)[0].status == "blocked" and len(told.records) == 8
    before = snapshot(root)
    with pytest.raises(Blocked, match="stuck: two loaders") as caught:
        run(system, steps)
    assert "--skip stuck" in caught.value.hint
    assert snapshot(root) == before


def test_the_lock_names_the_other(tmp_path):
    root, system = machine(tmp_path)
    runs = Runs(system.guest)
    lock = runs.lock()
    with pytest.raises(Blocked, match="pid %d" % os.getpid()):
        runs.lock()
    os.close(lock)
    os.close(runs.lock())


def test_a_torn_line_of_the_journal_is_as_if_it_were_not_there(tmp_path):
    root, system = machine(tmp_path)
    before = snapshot(root)
    run(system, STEPS[:1])
    path = root + "/var/lib/agentprep/runs/0001/journal"
    with open(path, "a") as stream:
        stream.write('{"change": 99, "pa')
    journal = Runs(system.guest).latest()
    assert journal.settled
    journal.mark("settled")
    with open(path) as stream:
        for line in stream:
            json.loads(line)
    rollback(system)
    assert snapshot(root) == before


def test_a_journal_that_cannot_be_read_is_an_error(tmp_path):
    root, system = machine(tmp_path)
    run(system, STEPS[:1])
    with open(root + "/var/lib/agentprep/runs/0001/journal", "w") as stream:
        stream.write("garbage\n")
    with pytest.raises(Blocked, match="journal cannot be read"):
        Runs(system.guest).all()


def test_the_state_folder_is_for_root_only(tmp_path):
    root, system = machine(tmp_path)
    os.close(Runs(system.guest).lock())
    run(system)
    assert os.stat(root + "/var/lib/agentprep").st_mode & 0o777 == 0o700
    assert os.stat(root + "/var/lib/agentprep/runs/0001/journal").st_mode & 0o777 == 0o600
