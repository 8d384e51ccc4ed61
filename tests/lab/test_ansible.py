"""The Ansible role on a real guest, over SSH and sudo: it tells what it would change, changes it once, ends well."""

import json

from .controller import HOST, Controller, free_port
from .scene import agentprep, seen, status

RUN = "Check, prepare or roll back"


def test_the_role_prepares_a_guest_tells_the_truth_and_powers_it_off(lab):
    controller = Controller(lab.folder / "controller", free_port(), "operator", ansible_become_password="lab-operator")
    reports = lab.folder / "reports"
    with lab.source("systemd-boot") as vm:
        vm.push({"/home/operator/.ssh/authorized_keys": controller.key.encode()})
        vm.ssh_at(controller.port)
        before = seen(vm, "/etc", "/boot")

        vm.sh("fallocate -l $(($(stat -f --format='%a * %S' /boot/efi) - 8000000)) /boot/efi/filler", check=True)
        full = controller.play(agentprep_state="prepared")
        assert full.code == 2
        assert full.recap["failed"] == 1
        said = full.task("Fail with what agentprep says")
        assert "/boot/efi" in said
        assert "What to do:" in said
        vm.sh("rm /boot/efi/filler", check=True)

        ahead = controller.play("--check", "--diff", agentprep_state="prepared")
        assert (ahead.code, ahead.recap["changed"]) == (0, 1)
        assert "changed: [guest]" in ahead.task(RUN)
        assert "+++ /etc/kernel/cmdline" in ahead.task(RUN)
        after_check = seen(vm, "/etc", "/boot")
        changed = {path for path in {*before, *after_check} if before.get(path) != after_check.get(path)}
        assert changed <= {"/boot/efi"}, "its time of change is that of the filler"

        done = controller.play(agentprep_state="prepared", agentprep_poll=15)
        assert (done.code, done.recap["changed"]) == (0, 1)
        assert "changed: [guest]" in done.task(RUN)
        prepared = seen(vm, "/etc", "/boot")
        assert prepared != after_check
        assert set(status(agentprep(vm, "check")).values()) <= {"ok", "warning", "person"}

        again = controller.play(agentprep_state="prepared", agentprep_poll=5)
        assert (again.code, again.recap["changed"]) == (0, 0)
        assert "ok: [guest]" in again.task(RUN)
        assert seen(vm, "/etc", "/boot") == prepared

        reports.mkdir()
        last = controller.play(
            agentprep_state="deprovisioned", agentprep_poweroff=True, agentprep_poll=5,
            agentprep_report_folder=str(reports), agentprep_report_formats=["json", "html"],
        )  # fmt: skip
        assert last.code == 0, "the machine went off before the play had its answer"
        assert (last.recap["failed"], last.recap["unreachable"], last.recap["changed"]) == (0, 0, 1)
        assert "ok: [guest]" in last.task(RUN)
        assert "changed: [guest]" in last.task("Deprovision")
        assert "ok: [guest -> localhost]" in last.task("Wait until the target is off")
        vm.wait_poweroff(10)
    document = json.loads((reports / f"{HOST}.json").read_text())
    assert document["result"]["verdict"] == "done"
    assert "/etc/hostname" in [change.get("path") for change in document["changes"] if change["one_way"]]
    assert "<html" in (reports / f"{HOST}.html").read_text()
