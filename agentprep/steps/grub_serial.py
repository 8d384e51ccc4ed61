"""GRUB's own menu on the serial port."""

import re
from typing import Iterator, List

from ..formats import cmdline
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """The boot menu is shown on the serial port as well as on the screen, at the console's speed."""
    speed, wanted = policy.number("grub-serial.speed"), policy.flag("grub-serial.enabled")
    if wanted and system.architecture == "aarch64":
        yield Fact("ok", "not applicable: on arm64 GRUB has the firmware's console, which is the serial port")
        return
    shown = system.boot.menu_on_serial()
    if not wanted:
        yield Fact("ok", "not asked for (grub-serial.enabled); %s" % (shown or "the menu is on the screen only"))
        return
    yield from system.boot.set_menu_on_serial(speed)
    shown = system.boot.menu_on_serial()
    if not shown:
        yield Fact("failed", "%s does not show its menu on the serial port" % system.boot.name, "set it by hand")
        return
    yield Fact("ok", shown)
    given = [found.group(1) for found in map(_SPEED.match, _consoles(policy)) if found]
    if given and int(given[-1]) != speed and _has_a_speed(system, speed):
        yield Fact(
            "warning", "the menu is shown at %d bits per second, the kernel's messages at %s" % (speed, given[-1]),
            "set grub-serial.speed to the speed of console= in kernel-cmdline.add",
        )  # fmt: skip


def _has_a_speed(system: System, speed: int) -> bool:
    """The loader drives the port by itself; one that writes to the firmware's console has no speed to set."""
    return any(system.boot.set_menu_on_serial(speed + 1))


def _consoles(policy: Policy) -> List[str]:
    """The console= arguments that the policy adds."""
    return [word for word in policy.words("kernel-cmdline.add") if cmdline.key(word) == "console"]


_SPEED = re.compile(r"console=ttyS\d+,(\d+)")

STEP = Step(
    id="grub-serial",
    title="GRUB shows its menu on the serial port too",
    reason="Azure shows a virtual machine's console only as a serial port. With GRUB's menu there, an older kernel can "
    "be chosen and a command line edited when the machine does not boot. The screen keeps the menu, for use elsewhere.",
    source="Microsoft, Azure Serial Console for Linux (GRUB and single-user mode); GRUB manual, 'terminal_output' and "
    "'serial'; grub-mkconfig 2.06: GRUB_TERMINAL overrides GRUB_TERMINAL_INPUT and GRUB_TERMINAL_OUTPUT; GRUB 0.97, "
    "stage2/builtins.c: serial_func, terminal_func",
    remedy='Set in /etc/default/grub: GRUB_TERMINAL="serial console" and GRUB_SERIAL_COMMAND="serial --speed=115200 '
    '--unit=0 --word=8 --parity=no --stop=1"; then run: update-grub, or grub2-mkconfig -o /boot/grub2/grub.cfg\n'
    "With GRUB Legacy put into menu.lst or grub.conf, behind timeout: serial --unit=0 --speed=115200, then terminal "
    "--timeout=5 serial console; and comment out splashimage and gfxmenu.",
    changes=changes,
)
