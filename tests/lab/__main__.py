"""The lab: real guests for agentprep.

usage: python3 -m tests.lab setup          install what the lab needs (Debian, root)
       python3 -m tests.lab list           the guests, and which are in the cache
       python3 -m tests.lab build [GUEST]  build guests that the cache lacks (all, or one)
       python3 -m tests.lab boot [GUEST]   boot a throw-away copy and show its facts
       python3 -m tests.lab demo           agentprep on a real guest, with proof
"""

import sys
import tempfile
from pathlib import Path

from . import guests, host
from .demo import demo
from .disks import overlay
from .machine import Machine

FACTS = "cat /proc/cmdline; cat /proc/swaps; uname -r; ls -l /boot; systemctl --failed --no-legend; systemd-analyze"


def boot(name):
    with tempfile.TemporaryDirectory(prefix="lab-boot-") as work:
        disk = overlay(guests.disk(name), Path(work) / "disk.qcow2")
        with Machine(disk, Path(work) / "console.log") as vm:
            print(f"guest agent after {vm.connect():.1f} s")
            print(f"systemd: {guests.settle(vm)}, login prompt after {vm.seconds():.1f} s")
            print(vm.out(FACTS))
            start = vm.seconds()
            vm.poweroff()
            print(f"powered off in {vm.seconds() - start:.1f} s")


def main(argv):
    verb, names = argv[:1], argv[1:]
    if any(name not in guests.GUESTS for name in names):
        raise SystemExit(f"lab: the guests are {', '.join(guests.GUESTS)}")
    if verb == ["setup"]:
        print("lab: installed", " ".join(host.install_missing()) or "nothing, all is here")
    elif verb == ["list"]:
        for name in guests.GUESTS:
            made = list(host.cache().glob(f"{name}-{guests.key(name)}.*"))
            print(f"{name:18} {'built' if made else 'not built':11} {guests.GUESTS[name].about}")
    elif verb == ["build"]:
        for name in names or guests.GUESTS:
            print(guests.disk(name))
    elif verb == ["demo"]:
        return demo()
    elif verb == ["boot"]:
        boot(names[0] if names else "bookworm-source")
    else:
        raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
