"""A toy machine: two files that decide, two generators that derive, four steps; all that the engine has to do."""

import re

from agentprep.changes import Beside, Remove, Run, Write, beside
from agentprep.errors import Blocked, CommandFailed
from agentprep.step import Fact, Rule, Step
from tests.trees import make_tree, system_of

GRUB, CFG, CONF, IMAGE = "/etc/default/grub", "/boot/grub/grub.cfg", "/etc/dracut.conf.d/azure.conf", "/boot/initrd"
WANTED = 'add_drivers+=" hv_vmbus "\n'


def words(guest):
    return re.search(r'CMDLINE="(.*)"', guest.text(GRUB) or "").group(1).split()


def cmdline(system, policy):
    text = system.guest.text(GRUB)
    if text is None:
        raise Blocked("%s is missing" % GRUB, "reinstall grub")
    now = words(system.guest)
    new = [word for word in now if word != "quiet"] + ([] if "console=ttyS0" in now else ["console=ttyS0"])
    if new != now:
        yield Write(GRUB, text.replace(" ".join(now), " ".join(new)).encode(), "console")
    yield Fact("ok", "console=ttyS0 is there")


def timeout(system, policy):
    text = system.guest.text(GRUB) or ""
    if "TIMEOUT=5" in text:
        yield Write(GRUB, text.replace("TIMEOUT=5", "TIMEOUT=1").encode(), "faster")


def modules(system, policy):
    if system.guest.text(CONF) != WANTED:
        yield Write(CONF, WANTED.encode(), "drivers")


def leftover(system, policy):
    if system.guest.exists("/etc/leftover"):
        yield Remove("/etc/leftover", "it binds the old card")


def derive_cfg(system, policy, cause):
    guest = system.guest
    wrong = cause or ("stale" if "console=ttyS0" not in (guest.text(CFG) or "") else "")
    if wrong:
        made = beside(CFG).path
        yield Run((("mkconfig", made),), (made,), wrong)
        if not guest.guessed(made) and "console" not in (guest.text(made) or ""):
            raise CommandFailed("mkconfig made no console")
        yield Write(CFG, Beside(made), wrong, derived=True)


def derive_image(system, policy, cause):
    guest = system.guest
    wrong = cause or ("stale" if "hv_vmbus" not in (guest.text(IMAGE) or "") else "")
    if wrong:
        made = beside(IMAGE).path
        yield Run((("mkinitrd", made),), (made,), wrong)
        yield Write(IMAGE, Beside(made), wrong, derived=True)


def step(name, changes):
    return Step(name, "The %s is right" % name, "why", "source", "by hand", changes)


STEPS = tuple(step(one.__name__, one) for one in (cmdline, timeout, modules, leftover))
RULES = (Rule("cmdline", (GRUB,), derive_cfg), Rule("modules", ("/etc/dracut.conf.d/*",), derive_image))


def mkconfig(root, argv):
    with open(root + GRUB) as source, open(root + argv[1], "w") as out:
        out.write("linux " + re.search(r'CMDLINE="(.*)"', source.read()).group(1))


def mkinitrd(root, argv):
    try:
        with open(root + CONF) as source:
            text = source.read()
    except FileNotFoundError:
        text = "bare"
    with open(root + argv[1], "w") as out:
        out.write(text + "x" * (2 << 20))


def machine(folder, **files):
    tree = {GRUB: 'TIMEOUT=5\nCMDLINE="ro quiet"\n', CFG: "linux ro quiet", IMAGE: "bare" + "x" * (2 << 20),
            "/etc/leftover": "mac\n", "/etc/hostname": "vm\n"}  # fmt: skip
    tree.update(files.get("files", {}))
    root = make_tree(folder, tree)
    return root, system_of(root, {"mkconfig": mkconfig, "mkinitrd": mkinitrd})
