"""modprobe.d files as distributions ship and hardening guides write them; the grammar is compared with modprobe's."""

import os
import shutil
import subprocess
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentprep.formats.modprobe import LIFTED, disabled, disabled_by_arguments, floppy, statements, without_lines

# Red Hat's CIS profile, Debian's intel-microcode and Ubuntu's blacklist.conf, each in part.
HARDENED = """# Disable per security requirements
install cramfs /bin/false
blacklist cramfs
install udf /bin/true
# The microcode module attempts to apply a microcode update when
  blacklist  hid-hyperv\t# mouse
install usb-storage /bin/true
options hv_netvsc ring_size=256
alias net-pf-10 off
alias char-major-10-1 psmouse
install snd-pcm /sbin/modprobe --ignore-install snd-pcm && /usr/lib/alsa/modprobe-post-install snd-pcm
install hv_utils echo "hv_utils; not here" >&2; \\
   /bin/false
softdep hv_storvsc pre: scsi_transport_fc
"""


def test_a_hardened_file_disables_these():
    assert [(d.name, d.line, d.how) for d in disabled(HARDENED)] == [
        ("cramfs", 2, "install"),
        ("cramfs", 3, "blacklist"),
        ("udf", 4, "install"),
        ("hid_hyperv", 6, "blacklist"),
        ("usb_storage", 7, "install"),
        ("net_pf_10", 9, "alias"),
        ("hv_utils", 12, "install"),
    ]
    assert disabled(HARDENED)[0].text == "install cramfs /bin/false"


@pytest.mark.parametrize(
    "command,inert",
    [
        ("/bin/true", True),
        ("/bin/false", True),
        ("/usr/bin/true", True),
        ("/sbin/nologin", True),
        ("/usr/sbin/nologin", True),
        (":", True),
        ("/bin/:", True),
        ("/dev/null", True),
        ("true # never", True),
        ("/bin/true;", True),
        ("exit 0", True),
        (" ", True),
        ("# nothing to run", True),
        ("/bin/true\r", True),
        ("/bin/echo hi >/dev/null 2>&1; /bin/false", True),
        ('logger "udf; asked for" && /bin/true', True),
        ("/bin/true; /sbin/modprobe --ignore-install udf", False),
        ("/sbin/modprobe --ignore-install udf; /bin/true", False),
        ("echo loading; insmod /lib/udf.ko", False),
        ("> /dev/null modprobe -i udf || true", False),
        ("true `modprobe -i udf`", False),
        ("true $(modprobe -i udf)", False),
        ("/usr/local/bin/load-udf", False),
        ("echo hi", False),
        ("/bin/true 'open", False),
        ("'' true", False),
    ],
)
def test_an_install_command_disables_when_it_loads_nothing(command, inert):
    assert [d.name for d in disabled("install udf " + command)] == (["udf"] if inert else [])


@pytest.mark.parametrize(
    "text,module,covered",
    [
        ("blacklist hid-hyperv", "hid_hyperv", True),
        ("blacklist hid_hyperv", "hid-hyperv", True),
        ("blacklist hid_hyperv", "kernel/drivers/hid/hid-hyperv.ko.xz", True),
        ("blacklist hv_*", "hv_vmbus", False),  # kmod compares blacklisted names literally
        ("install hv_* /bin/true", "hv_vmbus", True),
        ("install hv[-_]vmbus /bin/true", "hv_vmbus", True),
        ("install hv[^a]vmbus /bin/true", "hv_vmbus", True),
        ("install hv[z-a]vmbus /bin/true", "hv_vmbus", False),
        ("alias hv-* off", "hv_vmbus", True),
        ("blacklist udf", "isofs", False),
        ("blacklist udf\r", "udf", False),
    ],
)
def test_which_modules_a_statement_covers(text, module, covered):
    assert [d.covers(module) for d in disabled(text)] == [covered]


def test_the_lines_named_become_comments_and_nothing_else_changes():
    new = without_lines(HARDENED, {4, 13})
    assert new == HARDENED.replace("install udf", LIFTED + "install udf").replace(
        "install hv_utils", LIFTED + "install hv_utils"
    ).replace("   /bin/false", LIFTED + "   /bin/false")
    assert {d.name for d in disabled(new)} == {"cramfs", "hid_hyperv", "usb_storage", "net_pf_10"}
    assert without_lines(new, {4, 13}) == new
    assert without_lines(HARDENED, {1, 5, 99}) == HARDENED
    assert without_lines("blacklist udf \\\n", {1}) == LIFTED + "blacklist udf \\\n"


# What LISA's Floppy test asks for: see its verify_floppy_module_is_blacklisted.
@pytest.mark.parametrize(
    "text,passes",
    [
        ("blacklist floppy", True),
        ("install floppy /bin/true", True),
        ("install floppy /bin/true  # no drive\nblacklist floppy", True),
        ("install floppy /bin/false", False),
        ("install floppy /bin/false\nblacklist floppy", False),
        ("install floppy /bin/true\ninstall floppy /bin/false", True),
        ("install flop* /bin/false\ninstall floppy /bin/true", False),
        ("install floppy   /bin/true", False),  # modprobe prints the blanks, LISA looks for one
        ("install floppy /bin/trueish", False),
        ("# blacklist floppy", False),
        ("blacklist floppy\r", False),
        ("alias floppy off", False),  # modprobe prints nothing, which LISA takes for a loaded module
        ("", False),
    ],
)
def test_floppy(text, passes):
    assert floppy(text) is passes


@pytest.mark.parametrize(
    "argument,names",
    [
        ("modprobe.blacklist=floppy,hid-hyperv", {"floppy", "hid_hyperv"}),
        ("module_blacklist=hv_storvsc", {"hv_storvsc"}),
        ("module-blacklist=hv_storvsc", {"hv_storvsc"}),
        ('modprobe.blacklist="udf,isofs"', {"udf", "isofs"}),
        ('"modprobe.blacklist=udf"', {"udf"}),
        ("rd.driver.blacklist=nouveau", {"nouveau"}),
        ("rdblacklist=nouveau", {"nouveau"}),
        ("blacklist=udf", {"udf"}),
        ("initcall_blacklist=hv_acpi_init,algif_hash_init", {"hv_vmbus"}),
        ("modprobe.blacklist=", set()),
        ("modprobe.blacklist", set()),
        ("xmodprobe.blacklist=udf", set()),
        ("nomodule_blacklist=udf", set()),
    ],
)
def test_arguments(argument, names):
    assert disabled_by_arguments(["ro", argument, "quiet"]) == names


def modprobe_says(folder, text):
    path = os.path.join(folder, "one.conf")
    with open(path, "w", newline="") as conf:
        conf.write(text)
    said = subprocess.run(["modprobe", "-C", path, "-c"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return [line for line in said.decode().split("\n") if line.startswith(("blacklist ", "install ", "alias "))]


WORDS = ["blacklist", "install", "alias", "options", "a-b", "c_d", "x[a-]y", "[-]", "/bin/true", "off", "#", "#x"]
WORDS += ["\\", "\\\n", "\n", "\n", "\n", "\n#", "blacklist\tq", "\t", " ", ",", "B-"]


@pytest.mark.skipif(not shutil.which("modprobe"), reason="no modprobe here to compare with")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(WORDS)).map(lambda words: " ".join(words) + "\n"))
def test_the_grammar_is_modprobe_s(text):
    with tempfile.TemporaryDirectory() as folder:
        given_by_the_machine = modprobe_says(folder, "")
        said = [line for line in modprobe_says(folder, text) if line not in given_by_the_machine]
    ours = {"blacklist": [], "install": [], "alias": []}
    for s in statements(text):
        rest = {"blacklist": "", "install": " " + s.rest, "alias": " " + (s.rest.split() + [""])[0]}
        if s.command in ours:
            ours[s.command].append(f"{s.command} {s.name}{rest[s.command]}")
    assert ours["blacklist"] + ours["install"] == [line for line in said if not line.startswith("alias")]
    assert [line.replace("-", "_") for line in ours["alias"]] == [
        line.replace("-", "_") for line in said if line.startswith("alias")
    ]


PIECES = ["blacklist ", "install ", "udf", " /bin/true", "\\\n", "\n", "#", "\r", "alias a off", "\\", " "]
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


@given(texts, st.sets(st.integers(0, 9)))
def test_lifting_is_lossless_done_once_and_touches_only_the_lines_named(text, lines):
    new = without_lines(text, lines)
    assert without_lines(new, lines) == new
    assert len(new.split("\n")) == len(text.split("\n"))
    gone = {s.line for s in statements(text)} - {s.line for s in statements(new)}
    for s in statements(text):
        named = bool(lines & set(range(s.line, s.line + s.lines)))
        assert (s.line in gone) == named
    for old, now in zip(text.split("\n"), new.split("\n")):
        assert now in (old, LIFTED + old)


@given(st.binary(), st.text())
def test_nothing_is_raised(content, module):
    text = content.decode("utf-8", "surrogateescape")
    for found in disabled(text) + disabled("install " + text) + disabled("alias %s off" % text):
        found.covers(module)
    floppy(text)
    disabled_by_arguments([text, "modprobe.blacklist=" + text])
