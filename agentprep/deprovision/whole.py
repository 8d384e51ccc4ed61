"""What deprovisioning leaves on purpose is named: users with their passwords and keys, and other secrets in homes."""

import posixpath
from typing import Iterator, List, Sequence

from ..accounts import homes, keys, passwords
from ..by_hand import POWER_OFF
from ..guest import Guest
from ..mounts import inside
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

SECRETS = (".ssh/id_*", ".netrc", ".git-credentials", ".pgpass", ".my.cnf", ".aws/credentials", ".azure/*.json",
           ".docker/config.json", ".kube/config", ".config/gcloud/credentials.db", ".vault-token")  # fmt: skip
KNOWN = ".ssh/known_hosts"
# Rights that were given to the user whom a provisioner made.
SUDOERS = ("/etc/sudoers.d/waagent", "/etc/sudoers.d/90-cloud-init-users")
REMEDY = "before others get VMs of this disk, delete such users as root: userdel -r NAME; or lock them: passwd -l NAME"


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """agentprep itself deletes no user: that would end the work of whoever moves this one machine."""
    guest = system.guest
    found = passwords(guest)
    if found.empty:
        yield Fact("warning", "no password is needed to log in as %s" % ", ".join(found.empty),
                   "lock them as root: passwd -l NAME")  # fmt: skip
    if found.usable:
        yield Fact("note", "these users keep their passwords: %s" % ", ".join(found.usable), REMEDY)
    allowed = ["%s (%s)" % one for one in keys(guest)]
    if allowed:
        yield Fact("note", "these users still let in the owners of keys: %s" % ", ".join(allowed), REMEDY)
    secrets = left(guest, SECRETS)
    if secrets:
        yield Fact("note", "private keys and passwords were left: %s" % ", ".join(secrets), "remove what is secret")
    places = left(guest, (KNOWN,)) + [path for path in SUDOERS if guest.exists(path)]
    if places:
        yield Fact("note", "left as well: %s" % ", ".join(places))
    yield Fact("ok", "agentprep has deleted no user%s" % (
        "; waagent deletes the one that it made" if policy.flag("deprovision.user") else ""))  # fmt: skip


def left(guest: Guest, patterns: Sequence[str]) -> List[str]:
    """What matches in any home, apart from public keys."""
    found = homes(guest, inside(guest))
    paths = [path for home in found.deep for pattern in patterns for path in guest.glob(posixpath.join(home, pattern))]
    return [path for path in paths if not path.endswith(".pub")]


STEP = Step(
    id="deprovision",
    title="Nothing of this machine is left on the disk but what is named here",
    reason="A disk from which VMs are made must not carry this machine's keys, ids, agent state, histories and "
    "logs: that is deprovisioning, and it cannot be undone. Users, their passwords, public keys and files stay, "
    "since the machine may be moved rather than copied; what stays is named. Each part can be left out by its own "
    "id with --skip, all of it with --no-deprovision.",
    source="Microsoft, Information for non-endorsed distributions, last step; Marketplace VM certification; LISA, "
    "verify_no_pre_exist_users and verify_bash_history_is_empty",
    remedy="As root: waagent -force -deprovision; then see the remedy of each deprovision-... id; then: " + POWER_OFF,
    changes=changes,
    one_way=True,
)
