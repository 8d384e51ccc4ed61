"""What the front ends of rpm say when they fail, and what to do about it."""

import posixpath
import re
from typing import NamedTuple, Sequence, Tuple

from ..commands import Completed
from ..errors import CommandFailed


class Remedy(NamedTuple):
    """What is wrong when one of the patterns is in what a front end said, and what to do about it."""

    words: Tuple[str, ...]
    wrong: str
    remedy: str


DAMAGED = (
    "DB_RUNRECOVERY|rpmdb: (Thread|BDB0113|damaged)|cannot open (Packages|rpmdb)|disk image is malformed|"
    "[Rr]pmdb.*(corrupt|open failed)|file is not a database"
)
# The words of yum 3.2 and 3.4, dnf 4 and 5, microdnf, tdnf and zypper 1.3 to 1.14, in the order in which they decide:
# what is wrong with the guest before what is wrong with the package.  {repository} is the distribution row's.
REMEDIES = (
    Remedy(
        (DAMAGED,),
        "rpm's database is damaged",
        "look at it with: rpm -qa; mend it with: rm -f /var/lib/rpm/__db.*; rpm --rebuilddb; then run agentprep again",
    ),
    Remedy(
        ("No space left on device", "more space needed on", "[Nn]eed.* space", "[Ii]nsufficient space"),
        "the disk is full",
        "free some space with: {tool} clean all; then run agentprep again",
    ),
    Remedy(
        ("is locked by the application", "[Aa]nother app is (currently )?holding", "[Ww]aiting for .* lock",
         "[Cc]an't create .*lock", "[Ff]ailed to (obtain|acquire) .*lock"),
        "another program holds the lock",
        "wait until it has ended (see: ps -C dnf,yum,zypper,packagekitd,rpm), then run agentprep again",
    ),
    Remedy(
        ("GPG check FAILED", "is not signed", "[Pp]ublic key for .* is not installed", "NOKEY",
         "[Ss]ignature verification failed", "[Uu]nknown (GPG )?key"),
        "a signature cannot be verified",
        "import the key of its repository: rpm --import FILE; then run agentprep again",
    ),
    Remedy(
        ("[Cc]ould ?n[o']t resolve", "[Nn]ame or service not known", "Could not retrieve mirrorlist",
         "Cannot find a valid baseurl", "Cannot (download|prepare internal mirrorlist)", "All mirrors were tried",
         "Failed to (download metadata|synchronize cache)", "[Nn]etwork is unreachable", "Timeout exceeded",
         "[Cc]onnection (failed|refused|timed out)", r"Download \(curl\) error", "Valid metadata not found"),
        "the repositories cannot be reached",
        "give the guest a way to {repository} (or a local mirror), then run agentprep again",
    ),
    Remedy(
        ("no enabled repos", "No repositories (are )?(defined|available)"),
        "the guest has no repository",
        "{register}add {repository}, then run agentprep again",
    ),
    Remedy(
        ("[Cc]onflicts with", "conflicting requests", "[Pp]rotected packages", "deinstallation of", "nothing provides",
         r"\s+Requires: ", "[Tt]ransaction (check|test) [Ee]rror"),
        "it does not go with what is installed",
        "see why with: {tool} install {packages}; install it by hand if that is wanted",
    ),
    Remedy(
        ("Unable to find a match", "No match for argument", "No package .* available", "No matching [Pp]ackages",
         "No provider of", "not found in package names", "No packages? (found|matches)",
         "Installed package .* not available"),
        "no repository of the guest has the package",
        "{register}add {repository}, then run agentprep again",
    ),
)  # fmt: skip
UNREGISTERED = r"not registered|[Nn]o valid subscription|register (this|the) system|subscription-manager to register"
REGISTER = "register the guest (subscription-manager register, or SUSEConnect -r CODE), "

# What zypper(8) says of its exit codes, where its words may be missing.
CODES = {6: "No repositories defined", 7: "is locked by the application", 104: "No provider of"}
NOTES = {102: "zypper asks for a reboot", 103: "zypper asks to be started again",
         106: "zypper left out a repository that it could not read",
         107: "a script of a package failed, says zypper"}  # fmt: skip


def failure(done: Completed, packages: Sequence[str], repository: str) -> CommandFailed:
    """The error of an installation that ended so."""
    tool, named = posixpath.basename(done.argv[0]), " ".join(packages)
    told = "\n".join(done.tail + ((CODES.get(done.code, ""),) if tool == "zypper" else ()))
    found = next((one for one in REMEDIES if re.search("|".join(one.words), told)), None)
    if found is None:
        last = next((line for line in reversed(done.tail) if line.strip()), "see its output")
        return CommandFailed(
            "%s could not install %s (exit code %d): %s" % (tool, named, done.code, last.strip()),
            "run it by hand: %s install %s" % (tool, named),
        )
    register = REGISTER if re.search(UNREGISTERED, told) else ""
    remedy = found.remedy.format(tool=tool, packages=named, repository=repository, register=register)
    return CommandFailed("%s cannot be installed: %s" % (named, found.wrong), remedy)


def note(done: Completed) -> str:
    """What an exit code of zypper says that is no failure, or ""."""
    return NOTES.get(done.code, "") if posixpath.basename(done.argv[0]) == "zypper" else ""
