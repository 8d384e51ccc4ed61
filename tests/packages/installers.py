"""What the files for unattended installers and image builders hold, as each one's own reader takes it."""

import re
import subprocess
from xml.etree import ElementTree

import yaml
from pykickstart.constants import KS_SCRIPT_POST
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

from tests.lab.install import REPOSITORY

PACKAGING = REPOSITORY / "packaging"
KICKSTARTS = {"rhel%s.ks" % release: "RHEL" + release for release in ("7", "8", "9", "10")}
FRAGMENT = PACKAGING / "kickstart/agentprep-post.ks"
PRESEED = PACKAGING / "preseed/debian.cfg"
AUTOINSTALL = PACKAGING / "autoinstall/user-data"
AUTOYAST = PACKAGING / "autoyast/sles15.xml"
CLOUD_INIT = PACKAGING / "cloud-init/user-data"
PACKER = PACKAGING / "packer"
MKOSI = PACKAGING / "mkosi"
YAST = "{http://www.suse.com/1.0/yast2ns}"
TYPE = "{http://www.suse.com/1.0/configns}type"


def kickstart(name, change=lambda text: text):
    """The parsed kickstart, by the syntax of its release."""
    handler = makeVersion(KICKSTARTS[name])
    KickstartParser(handler).readKickstartFromString(change((PACKAGING / "kickstart" / name).read_text()))
    return handler


def posts(handler):
    """The two %post scripts: outside of the new system, and in it."""
    outside, inside = [script for script in handler.scripts if script.type == KS_SCRIPT_POST]
    return outside, inside


def preseed(text):
    """[(owner, question, type, value)] as debconf-set-selections reads them: a backslash at the end joins lines."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    words = [line.split(None, 3) for line in lines if line.strip() and not line.startswith("#")]
    return [(one[0], one[1], one[2], one[3] if one[3:] else "") for one in words]


def late_command(text):
    (command,) = [value for _, question, _, value in preseed(text) if question == "preseed/late_command"]
    return command


def autoinstall(text):
    return yaml.safe_load(text)["autoinstall"]


def autoyast(text):
    return ElementTree.fromstring(text)


def chroot_script(profile):
    (script,) = profile.iter(YAST + "script")
    return script.find(YAST + "source").text


def shell():
    """{name: script} of every shell script in these files."""
    found = {}
    for name in KICKSTARTS:
        for place, script in zip(("outside", "inside"), posts(kickstart(name))):
            found["%s %s" % (name, place)] = script.script
    found["debian.cfg"] = late_command(PRESEED.read_text())
    for number, command in enumerate(autoinstall(AUTOINSTALL.read_text())["late-commands"]):
        found["user-data %d" % number] = command
    found["sles15.xml"] = chroot_script(autoyast(AUTOYAST.read_text()))
    for number, command in enumerate(yaml.safe_load(CLOUD_INIT.read_text())["runcmd"]):
        found["cloud-init %d" % number] = command
    for script in sorted(PACKER.glob("*.sh")) + sorted(MKOSI.glob("mkosi.*.chroot")):
        found["%s %s" % (script.parent.name, script.name)] = script.read_text()
    return found


def shellcheck(script):
    """What shellcheck says of a script for any /bin/sh; nothing, when it is well."""
    text = script if script.startswith("#!") else "#!/bin/sh\n" + script
    done = subprocess.run(["shellcheck", "-"], input=text, stdout=subprocess.PIPE, encoding="utf-8")
    return done.stdout
