"""What of the guest's own makes the ssh host keys that are missing, each time sshd starts: found by what it says."""

import posixpath
import re

from .guest import Guest

FOLDERS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system")
OVERRIDES = "/etc/systemd/system/"
# SUSE's unit, and the scripts of releases before systemd (RHEL 6: do_rsa_keygen; SLES 11: ssh-keygen at `start`).  The
# jobs and scripts of Debian and Ubuntu make none: their package does once, when it is configured.
STARTERS = tuple(folder + "/sshd.service" for folder in FOLDERS) + ("/etc/init.d/sshd", "/etc/init.d/ssh")
CALL = re.compile(r"(?mi)sshd-gen-keys-start|^[^#\n]*\b(ssh-)?keygen")
# Debian 13's unit; that first boot is none where /etc/machine-id is empty (machine-id(5), 'First Boot Semantics').
ONCE = re.compile(r"(?m)^[ \t]*ConditionFirstBoot[ \t]*=[ \t]*(yes|true|on|1)\b")
# RHEL 6's script and RHEL 7's program ask this variable; later ones do not.
SWITCH, SWITCHED = "AUTOCREATE_SERVER_KEYS", "/etc/sysconfig/sshd"
SAYS = r"(?m)^[ \t]*(?:export[ \t]+)?%s=[\"']?(\w*)" % SWITCH


def made_at_boot(guest: Guest) -> str:
    """The unit or script that makes host keys which are missing, or ""."""
    for path in [one for folder in FOLDERS for one in guest.glob(folder + "/sshd-keygen*.service")]:
        masked = guest.canonical(OVERRIDES + posixpath.basename(path)) == "/dev/null"
        if guest.is_file(path) and not masked and not ONCE.search(guest.text(path) or ""):
            return "" if _off(guest, "/usr/sbin/sshd-keygen") else path
    for path in STARTERS:
        if guest.is_file(path) and CALL.search(guest.text(path) or ""):
            return "" if _off(guest, path) else path
    return ""


def _off(guest: Guest, program: str) -> bool:
    """The program asks the switch, which says no."""
    if not guest.is_file(program) or SWITCH not in (guest.text(program) or ""):
        return False
    found = re.findall(SAYS, guest.text(SWITCHED) or "")
    return bool(found) and found[-1] == "NO"
