"""The unattended installations are right by their installers' own readers, and say the same as agentprep's policy."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agentprep.policy import load
from tests.packages import installers

# AutoYaST's types, by the path of the element below the profile; a name without a type is a string or a map.
# SUSE, AutoYaST Guide; the schema of YaST's modules (src/autoyast-rnc of each), by which this profile was judged once.
BOOLEANS = {
    "general/mode/confirm", "general/mode/confirm_base_product_license", "general/mode/second_stage",
    "report/warnings/show", "report/errors/show", "suse_register/do_registration",
    "networking/keep_install_network", "networking/dns/dhcp_hostname", "firewall/enable_firewall",
    "firewall/start_firewall", "partitioning/drive/initialize", "kdump/add_crash_kernel", "users/user/encrypted",
    "scripts/chroot-scripts/script/chrooted",
}  # fmt: skip
INTEGERS = {"report/warnings/timeout", "report/errors/timeout", "bootloader/global/timeout"}
SYMBOLS = {"partitioning/drive/partitions/partition/filesystem", "partitioning/drive/partitions/partition/mountby"}
LISTS = {
    "add-on/add_on_products", "firewall/zones", "firewall/zones/zone/services", "partitioning",
    "partitioning/drive/partitions", "software/products", "software/patterns", "software/packages",
    "services-manager/services/enable", "users", "users/user/authorized_keys", "scripts/chroot-scripts",
}  # fmt: skip
STRINGS = {
    "add-on/add_on_products/listentry/media_url", "add-on/add_on_products/listentry/product",
    "add-on/add_on_products/listentry/product_dir", "language/language", "keyboard/keymap", "timezone/hwclock",
    "timezone/timezone", "networking/dns/hostname", "firewall/default_zone", "firewall/zones/zone/name",
    "firewall/zones/zone/services/service", "partitioning/drive/device", "partitioning/drive/disklabel",
    "partitioning/drive/use", "partitioning/drive/partitions/partition/mount",
    "partitioning/drive/partitions/partition/size", "bootloader/global/append", "software/products/product",
    "software/patterns/pattern", "software/packages/package", "services-manager/default_target",
    "services-manager/services/enable/service", "users/user/username", "users/user/user_password",
    "users/user/authorized_keys/listentry", "scripts/chroot-scripts/script/filename",
    "scripts/chroot-scripts/script/interpreter", "scripts/chroot-scripts/script/source",
}  # fmt: skip
# The keys of Ubuntu's autoinstall reference that are used: type, and of a mapping its keys.
# Canonical, autoinstall reference manual; subiquity's autoinstall-schema.json, by which the file was judged once.
AUTOINSTALL = {
    "version": int, "locale": str, "keyboard": {"layout": str}, "timezone": str, "source": {"id": str},
    "identity": {"hostname": str, "username": str, "password": str},
    "ssh": {"install-server": bool, "allow-pw": bool, "authorized-keys": [str]},
    "storage": {"layout": {"name": str, "match": {"size": str}}, "swap": {"size": int}},
    "packages": [str], "updates": str, "late-commands": [str], "shutdown": str,
}  # fmt: skip


def wrong(value, kind, path="autoinstall"):
    """What of a value is not of its kind, as text; extra and missing keys are told as well."""
    if isinstance(kind, dict) and isinstance(value, dict):
        told = ["%s.%s" % (path, key) for key in set(value) ^ set(kind)]
        return told + [text for key in set(value) & set(kind) for text in wrong(value[key], kind[key], f"{path}.{key}")]
    if isinstance(kind, list) and isinstance(value, list):
        return [text for one in value for text in wrong(one, kind[0], path + "[]")]
    return [] if type(value) is kind else ["%s is %r" % (path, value)]


@pytest.mark.parametrize("name", sorted(installers.KICKSTARTS))
def test_a_kickstart_is_clean_by_ksvalidator(name, tmp_path):
    path = installers.PACKAGING / "kickstart" / name
    done = validated(path, installers.KICKSTARTS[name])
    assert done.returncode == 0 and "Checking kickstart file" in done.stdout, done.stdout
    broken = tmp_path / name
    broken.write_text(path.read_text().replace("reqpart --add-boot", "reqpart --add-swap"))
    assert validated(broken, installers.KICKSTARTS[name]).returncode == 1


def validated(path, release):
    command = [str(Path(sys.executable).with_name("ksvalidator")), "-v", release, str(path)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")


@pytest.mark.parametrize("name", sorted(installers.KICKSTARTS))
def test_a_kickstart_lays_the_disk_out_for_azure_and_boots_from_it(name):
    commands = installers.kickstart(name).commands
    assert [part.mountpoint for part in commands["partition"].partitions] == ["/"]
    assert commands["reqpart"].reqpart and commands["reqpart"].addBoot
    assert not commands["logvol"].lvList and not commands["autopart"].autopart
    assert (commands["timezone"].timezone, commands["timezone"].isUtc) == ("Etc/UTC", True)
    assert commands["reboot"].eject and commands["rootpw"].lock


@pytest.mark.parametrize("name", sorted(installers.KICKSTARTS))
def test_a_kickstart_ends_with_the_fragment_that_all_share(name):
    text = (installers.PACKAGING / "kickstart" / name).read_text()
    assert text.endswith("%end\n\n" + installers.FRAGMENT.read_text())
    outside, inside = installers.posts(installers.kickstart(name))
    assert (outside.inChroot, inside.inChroot) == (False, True)
    assert outside.errorOnFail and inside.errorOnFail
    assert inside.logfile.startswith("/var/log/anaconda/"), "deprovisioning removes that folder"


@pytest.mark.parametrize("release", sorted(installers.KICKSTARTS.values()))
def test_a_kickstart_of_somebodys_own_can_include_the_fragment(release, tmp_path):
    own = tmp_path / "own.ks"
    own.write_text("reboot\n%%packages\n@core\n%%end\n%%include %s\n" % installers.FRAGMENT)
    assert validated(own, release).returncode == 0
    own.write_text(own.read_text() + "%post\n")  # it is read to its end
    assert validated(own, release).returncode == 1


@pytest.mark.parametrize("name", sorted(installers.KICKSTARTS))
def test_a_kickstart_reserves_no_memory_for_a_crash_kernel(name):
    text = (installers.PACKAGING / "kickstart" / name).read_text()
    assert "\n%addon com_redhat_kdump --disable\n%end\n" in text


@pytest.mark.parametrize("name", sorted(installers.KICKSTARTS))
def test_a_kickstart_installs_what_the_first_boot_cannot_fetch(name):
    """A machine that is registered nowhere has no repository then; one name too many stops the installation."""
    packages = set(installers.kickstart(name).packages.packageList)
    modules = "python36" if name == "rhel7.ks" else "python3"
    assert packages >= {modules + "-" + module for module in ("configobj", "distro", "psutil")}
    assert packages >= {"WALinuxAgent", "cloud-init", "cloud-utils-growpart", "hyperv-daemons", "dracut-config-generic"}
    assert ("gdisk" in packages) == (name != "rhel10.ks"), (
        "RHEL 10 has none (RHEL-36093), whatever Microsoft's page says"
    )


def test_the_preseed_is_taken_by_debconf():
    done = subprocess.run(
        ["debconf-set-selections", "--checkonly", "--verbose", str(installers.PRESEED)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0 and "error" not in done.stdout, done.stdout


def test_the_preseed_makes_no_swap_and_no_lvm():
    answers = {question: value for _, question, _, value in installers.preseed(installers.PRESEED.read_text())}
    recipe = answers["partman-auto/expert_recipe"]
    parts = [part.split() for part in recipe.partition("::")[2].split(" .") if part.strip()]
    assert [part[3] for part in parts] == ["free", "ext4", "ext4"]
    assert re.findall(r"mountpoint\{ (\S+) \}", recipe) == ["/boot", "/"]
    assert all(int(part[0]) <= int(part[1]) and (part[2] == "-1" or int(part[1]) <= int(part[2])) for part in parts)
    assert "swap" not in recipe and recipe.partition(" ::")[0] == answers["partman-auto/choose_recipe"]
    assert answers["partman-auto/method"] == "regular" and answers["partman-basicfilesystems/no_swap"] == "false"
    assert answers["grub-installer/force-efi-extra-removable"] == "true"


def test_the_autoinstall_has_only_keys_of_the_reference():
    text = installers.AUTOINSTALL.read_text()
    assert text.startswith("#cloud-config\n")
    found = installers.autoinstall(text)
    assert wrong(found, AUTOINSTALL) == []
    assert (found["version"], found["shutdown"], found["updates"]) == (1, "reboot", "all")
    assert found["storage"]["layout"]["name"] == "direct" and found["storage"]["swap"]["size"] == 0
    assert wrong(dict(found, swap=0), AUTOINSTALL) and wrong(dict(found, version="1"), AUTOINSTALL)


def test_the_autoyast_profile_is_xml_whose_types_are_yasts():
    done = subprocess.run(["xmllint", "--noout", str(installers.AUTOYAST)], stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    profile = installers.autoyast(installers.AUTOYAST.read_text())
    assert profile.tag == installers.YAST + "profile"
    assert mistyped(profile) == []
    profile.find(".//%sconfirm" % installers.YAST).attrib.clear()
    assert mistyped(profile) == ["general/mode/confirm"]


def mistyped(profile):
    """Paths of elements that YaST does not know, or whose content is not of their type."""
    typed = (("boolean", BOOLEANS), ("integer", INTEGERS), ("symbol", SYMBOLS), ("list", LISTS))
    kinds = {path: kind for kind, paths in typed for path in paths}
    maps = {path.rpartition("/")[0] for path in set(kinds) | STRINGS}
    told = []

    def walk(element, path):
        kind, text = element.get(installers.TYPE), (element.text or "").strip()
        known = path in kinds or path in STRINGS or any((one + "/").startswith(path + "/") for one in maps)
        right = {"boolean": text in ("true", "false"), "integer": text.isdigit()}.get(kind, True)
        if not known or kind != kinds.get(path) or not right:
            told.append(path)
        for child in element:
            walk(child, path + "/" + child.tag.replace(installers.YAST, ""))

    for section in profile:
        walk(section, section.tag.replace(installers.YAST, ""))
    return told


def test_the_autoyast_profile_lays_the_disk_out_for_azure():
    profile = installers.autoyast(installers.AUTOYAST.read_text())
    wanted = {
        "mount": ["/boot", "/"], "filesystem": ["ext4", "xfs"], "mountby": ["uuid", "uuid"], "lvm2": [],
        "add_crash_kernel": ["false"], "hwclock": ["UTC"], "second_stage": ["false"],
    }  # fmt: skip
    assert {name: [one.text for one in profile.iter(installers.YAST + name)] for name in wanted} == wanted


def cmdlines():
    """{file: the kernel's arguments that it sets, whether its initrd sleeps rootdelay=}."""
    found = {}
    for name in installers.KICKSTARTS:
        found[name] = (installers.kickstart(name).commands["bootloader"].appendLine, False)
    answers = {question: value for _, question, _, value in installers.preseed(installers.PRESEED.read_text())}
    found["debian.cfg"] = (answers["debian-installer/add-kernel-opts"], True)
    commands = "\n".join(installers.autoinstall(installers.AUTOINSTALL.read_text())["late-commands"])
    found["user-data"] = (re.search(r"\$GRUB_CMDLINE_LINUX ([^\\]*)", commands).group(1), True)
    append = installers.autoyast(installers.AUTOYAST.read_text()).find(".//%sappend" % installers.YAST)
    found["sles15.xml"] = (append.text, False)
    return found


@pytest.mark.parametrize("name", sorted(cmdlines()))
def test_the_kernel_gets_what_the_policy_gives(name):
    given, sleeps = cmdlines()[name]
    policy = load(None, [])
    wanted = list(policy.value("kernel-cmdline.add").value)
    if sleeps:
        wanted[-1] = "rootdelay=%d" % policy.value("kernel-cmdline.longest_sleep").value
    assert given.split() == wanted


@pytest.mark.parametrize("name", sorted(installers.shell()))
def test_shellcheck_has_nothing_to_say(name):
    assert installers.shellcheck(installers.shell()[name]) == ""
