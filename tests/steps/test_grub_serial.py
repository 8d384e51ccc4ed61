"""GRUB's menu on the serial port, where the policy asks for it."""

from agentprep.steps.grub_serial import STEP
from tests.boot import legacy, mkconfig
from tests.trees import ELF64, brought_about, content, planned, policy_of, system_of

ON = "grub-serial.enabled=yes"
GRUB = "/etc/default/grub"
ARM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00"
LINES = """GRUB_TERMINAL="serial console"
GRUB_SERIAL_COMMAND="serial --speed=115200 --unit=0 --word=8 --parity=no --stop=1"
"""


def test_by_default_it_is_left_as_it_is(tmp_path):
    root = mkconfig.guest(tmp_path)
    changes, (fact,) = planned(STEP, system_of(root))
    assert changes == []
    assert fact == ("ok", "not asked for (grub-serial.enabled); the menu is on the screen only", "")
    with open(root + GRUB, "a") as stream:
        stream.write(LINES)
    changes, (fact,) = planned(STEP, system_of(root))
    assert fact.evidence.endswith('GRUB_TERMINAL="serial console" in /etc/default/grub, line 20')


def test_it_is_set_once_and_its_speed_is_that_of_the_console(tmp_path):
    root = mkconfig.guest(tmp_path)
    (write,) = brought_about(STEP, system_of(root), policy_of(ON))
    assert content(root, GRUB) == mkconfig.MAIN + LINES
    changes, (fact,) = planned(STEP, system_of(root), policy_of(ON))
    assert changes == [] and fact.verdict == "ok" and 'GRUB_TERMINAL="serial console"' in fact.evidence
    changes, facts = planned(STEP, system_of(root), policy_of(ON, "grub-serial.speed=9600"))
    assert b"--speed=9600 " in changes[0].content
    assert [fact.verdict for fact in facts] == ["ok", "warning"] and "9600" in facts[1].evidence


def test_what_is_generated_has_it(tmp_path):
    root = mkconfig.guest(tmp_path)
    brought_about(STEP, system_of(root), policy_of(ON))
    mkconfig.small(root, ("grub-mkconfig", "-o", "/boot/grub/grub.cfg"))
    assert "serial --speed=115200 --unit=0 --word=8 --parity=no --stop=1\n" in content(root, "/boot/grub/grub.cfg")
    assert "terminal_output serial console\n" in content(root, "/boot/grub/grub.cfg")


def test_on_arm64_there_is_nothing_to_do(tmp_path):
    root = mkconfig.guest(tmp_path, {"/bin/sh": ARM})
    changes, (fact,) = planned(STEP, system_of(root), policy_of(ON))
    assert changes == [] and fact.evidence.startswith("not applicable")


def test_grub_legacy_has_it_in_its_menu(tmp_path):
    root = legacy.guest(tmp_path, legacy.SLES_11, {"/bin/sh": ELF64})
    changes, (fact,) = planned(STEP, system_of(root))
    assert changes == [] and fact.evidence.endswith("; the menu is on the screen only")
    (write,) = brought_about(STEP, system_of(root), policy_of(ON))
    menu = content(root, "/boot/grub/menu.lst")
    assert "\n#gfxmenu (hd0,1)/boot/message\n" in menu
    assert "timeout 8\nserial --unit=0 --speed=115200\nterminal --timeout=5 serial console\n" in menu
    changes, facts = planned(STEP, system_of(root), policy_of(ON))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]
    changes, facts = planned(STEP, system_of(root), policy_of(ON, "grub-serial.speed=9600"))
    assert len(changes) == 1 and [fact.verdict for fact in facts] == ["ok", "warning"]


class Firmware:
    """A loader that writes to the firmware's console."""

    name = "systemd-boot"
    shown = "its menu is on the firmware's console"

    def __init__(self, guest):
        pass

    def menu_on_serial(self):
        return self.shown

    def set_menu_on_serial(self, speed):
        return iter(())


class Mute(Firmware):
    shown = ""


def with_loader(root, loader):
    """The system of a tree that is booted by `loader`."""
    system = system_of(root)

    class Booted(type(system)):
        boot = loader(system.guest)

    return Booted(system.guest)


def test_a_loader_on_the_firmwares_console_has_nothing_to_set(tmp_path):
    system = with_loader(mkconfig.guest(tmp_path), Firmware)
    for settings in ((ON,), (ON, "grub-serial.speed=9600")):
        assert list(STEP.changes(system, policy_of(*settings))) == [("ok", Firmware.shown, "")]


def test_a_loader_that_cannot_show_it_has_failed(tmp_path):
    (fact,) = STEP.changes(with_loader(mkconfig.guest(tmp_path), Mute), policy_of(ON))
    assert fact.verdict == "failed" and fact.evidence == "systemd-boot does not show its menu on the serial port"
