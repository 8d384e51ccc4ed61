"""What /etc/default/grub and its drop-ins give together, as grub-mkconfig sees it, and edits of what decides it."""

import os
import subprocess
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentprep.boot import grub_menu
from agentprep.boot.grub_defaults import Defaults
from agentprep.errors import Blocked
from agentprep.formats import cmdline
from agentprep.guest import Guest
from tests.boot import mkconfig
from tests.boot.mkconfig import CLOUD, KDUMP, MAIN
from tests.trees import To, content

ADD = ["console=ttyS0,115200n8", "earlyprintk=ttyS0,115200", "rootdelay=300"]
REMOVE = ["rhgb", "quiet", "crashkernel"]
OURS = " ".join(ADD)
LVM = "rd.lvm.lv=vg/root console=ttyS1 rootdelay=300 quiet_boot console=ttyS0,115200n8 earlyprintk=ttyS0,115200"
GRUB = "/etc/default/grub"
KDUMP_CFG = "/etc/default/grub.d/kdump-tools.cfg"
CLOUD_CFG = "/etc/default/grub.d/50-cloudimg-settings.cfg"

# files, and what a future entry and a future recovery entry (None: there is none) get once the arguments are set
TABLE = [
    ({}, OURS, "single " + OURS),
    ({KDUMP_CFG: KDUMP}, OURS, "single " + OURS),
    ({CLOUD_CFG: CLOUD}, "console=tty1 " + OURS, "single console=tty1 " + OURS),
    ({CLOUD_CFG: CLOUD, KDUMP_CFG: KDUMP}, "console=tty1 " + OURS, "single console=tty1 " + OURS),
    ({GRUB: None}, OURS, "single " + OURS),
    ({GRUB: ""}, OURS, "single " + OURS),
    (
        {GRUB: "GRUB_CMDLINE_LINUX='rd.lvm.lv=vg/root console=ttyS1 rhgb crashkernel=auto rootdelay=30 quiet_boot'\n"
         "GRUB_CMDLINE_LINUX_DEFAULT='quiet splash' # it's \"nice\""},
        LVM + " splash",
        "single " + LVM,
    ),
    (
        {GRUB: "GRUB_CMDLINE_LINUX=\"acpi_osi='Windows 2012' quiet console=tty0 console=ttyS0\"\n"
         'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX net.ifnames=0"\n'
         'export GRUB_CMDLINE_LINUX_DEFAULT="quiet \\\n splash"\nGRUB_DISABLE_RECOVERY=true\n'},
        '"acpi_osi=Windows 2012" console=tty0 %s net.ifnames=0 splash' % OURS,
        None,
    ),
    ({GRUB: 'GRUB_CMDLINE_LINUX="a=1"\r\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\r\n'}, "a=1 " + OURS, "single a=1 " + OURS),
    (  # tuned's plugin `bootloader` appends the last line (_grub2_default_env_patch(), tuned 2.4 to 2.24)
        {GRUB: 'GRUB_CMDLINE_LINUX="crashkernel=auto rd.lvm.lv=vg/root rhgb quiet"\nGRUB_DISABLE_RECOVERY="true"\n'
         'GRUB_CMDLINE_LINUX_DEFAULT="${GRUB_CMDLINE_LINUX_DEFAULT:+$GRUB_CMDLINE_LINUX_DEFAULT }\\$tuned_params"\n'},
        "rd.lvm.lv=vg/root %s $tuned_params" % OURS, None,
    ),
    ({GRUB: "GRUB_CMDLINE_LINUX=caf\udce9"}, "caf\udce9 " + OURS, "single caf\udce9 " + OURS),
    (
        {"/etc/default/grub.d/99-x.cfg": 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX console=tty1 foo"\n'},
        "console=tty1 %s foo" % OURS, "single console=tty1 %s foo" % OURS,
    ),
    (
        {GRUB: "", "/etc/default/grub.d/99-x.cfg": 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX console=tty1 foo"\n'},
        "console=tty1 foo " + OURS, "single console=tty1 foo " + OURS,
    ),
    ({GRUB: 'GRUB_CMDLINE_LINUX="a -- b"\nGRUB_CMDLINE_LINUX_DEFAULT=c\n'}, "a %s -- b c" % OURS,
     "single a %s -- b" % OURS),
    ({GRUB: 'GRUB_CMDLINE_LINUX="quiet"\nGRUB_CMDLINE_LINUX_DEFAULT="rootdelay=5 earlyprintk=vga"\n'}, OURS,
     "single " + OURS),
    ({GRUB: 'GRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0,9600 quiet console=tty0"\n'}, "console=tty0 " + OURS,
     "single console=tty0 " + OURS),
]  # fmt: skip


def defaults(root):
    return Defaults(Guest(root), "/usr/sbin/grub-mkconfig")


def apply(root, texts):
    for path, text in texts.items():
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        with open(root + path, "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))


def made(root, mkconfig_of):
    """What the entries of the newest kernel get from a grub-mkconfig: without root= and ro."""
    result = mkconfig_of(root, ("grub-mkconfig", "-o", "/boot/grub/made.cfg"))
    assert not (result or (0,))[0], result
    found = grub_menu.entries("made.cfg", content(root, "/boot/grub/made.cfg"))
    one = [entry for entry in found if mkconfig.KERNELS[-1] in entry.kernel and entry.submenu]
    names = ["future (recovery)" if entry.recovery else "future" for entry in one]
    return dict(zip(names, [entry.arguments[2:] for entry in one]))


@pytest.mark.parametrize("files, normal, recovery", TABLE)
def test_arguments_are_set_where_they_are_decided(tmp_path, files, normal, recovery):
    root = mkconfig.guest(tmp_path, files)
    apply(root, defaults(root).with_arguments(ADD, REMOVE))
    future = defaults(root).future()
    assert " ".join(future["future"]) == normal
    assert (" ".join(future["future (recovery)"]) if "future (recovery)" in future else None) == recovery
    assert defaults(root).with_arguments(ADD, REMOVE) == {}


@pytest.mark.skipif(not mkconfig.installed(), reason="no grub-mkconfig here (apt-get install grub2-common)")
@pytest.mark.parametrize("files", [files for files, _, _ in TABLE])
def test_the_real_grub_mkconfig_agrees_before_and_after(tmp_path, files):
    root = mkconfig.guest(tmp_path, files)
    assert made(root, mkconfig.real) == defaults(root).future()
    apply(root, defaults(root).with_arguments(ADD, REMOVE))
    assert made(root, mkconfig.real) == defaults(root).future()


def test_an_edit_changes_the_assignments_and_no_other_byte(tmp_path):
    root = mkconfig.guest(tmp_path, {KDUMP_CFG: KDUMP, CLOUD_CFG: CLOUD})
    assert defaults(root).with_arguments(ADD, REMOVE) == {
        GRUB: MAIN.replace('"quiet"', '""').replace('LINUX=""', 'LINUX="console=tty1 %s"' % OURS),
        KDUMP_CFG: KDUMP.replace(" crashkernel=384M-:128M", ""),
        CLOUD_CFG: CLOUD.replace('"console=tty1 console=ttyS0"', '""'),
    }


def test_what_a_later_file_overrides_is_cleaned_but_moves_nothing(tmp_path):
    late = {"/etc/default/grub.d/z.cfg": "GRUB_CMDLINE_LINUX_DEFAULT=nosplash\n"}
    root = mkconfig.guest(tmp_path, dict(late, **{GRUB: 'GRUB_CMDLINE_LINUX_DEFAULT="quiet console=tty9"\n'}))
    texts = defaults(root).with_arguments(ADD, REMOVE)
    assert texts == {GRUB: 'GRUB_CMDLINE_LINUX_DEFAULT="console=tty9"\nGRUB_CMDLINE_LINUX="%s"\n' % OURS}


def test_what_would_come_back_with_a_drop_in_gone_is_cleaned_though_nothing_else_is_wrong(tmp_path):
    main = 'GRUB_CMDLINE_LINUX="%s"\nGRUB_CMDLINE_LINUX_DEFAULT=quiet\n' % OURS
    late = {"/etc/default/grub.d/z.cfg": "GRUB_CMDLINE_LINUX_DEFAULT=\n"}
    root = mkconfig.guest(tmp_path, dict(late, **{GRUB: main}))
    assert defaults(root).with_arguments(ADD, REMOVE) == {GRUB: main.replace("quiet", '""')}


def test_only_what_is_asked_for_goes(tmp_path):
    root = mkconfig.guest(tmp_path, {GRUB: 'GRUB_CMDLINE_LINUX="resume=UUID=1 quiet"\n', KDUMP_CFG: KDUMP})
    assert defaults(root).with_arguments([], ["resume"]) == {GRUB: 'GRUB_CMDLINE_LINUX="quiet"\n'}
    assert defaults(root).with_arguments([], ["resume=UUID=2"]) == {}


def test_recovery_words_are_cleaned_too(tmp_path):
    root = mkconfig.guest(tmp_path, {GRUB: 'GRUB_CMDLINE_LINUX_RECOVERY="single quiet"\nGRUB_CMDLINE_LINUX=x\n'})
    texts = defaults(root).with_arguments([], ["quiet"])
    assert texts == {GRUB: 'GRUB_CMDLINE_LINUX_RECOVERY="single"\nGRUB_CMDLINE_LINUX=x\n'}


def test_a_grub_mkconfig_that_does_not_source_the_folder_is_believed(tmp_path):
    root = mkconfig.guest(tmp_path, {KDUMP_CFG: KDUMP, "/usr/sbin/grub-mkconfig": "#!/bin/sh\n. /etc/default/grub\n"})
    assert defaults(root).future()["future"] == ["quiet"]
    assert Defaults(Guest(root), None).future()["future"] == ["quiet", "crashkernel=384M-:128M"]


@pytest.mark.parametrize(
    "files, named",
    [
        ({GRUB: 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="a\n'}, "/etc/default/grub, line 2: "),
        ({GRUB: "if true; then GRUB_CMDLINE_LINUX=a; fi\n"}, "/etc/default/grub, line 1: "),
        ({GRUB: 'GRUB_CMDLINE_LINUX="$(cat /proc/cmdline)"\n'}, "/etc/default/grub, line 1: "),
        ({KDUMP_CFG: "\n\nGRUB_CMDLINE_LINUX_DEFAULT=`x`\n"}, "/etc/default/grub.d/kdump-tools.cfg, line 3: "),
        ({GRUB: '\nEXTRA=quiet\nGRUB_CMDLINE_LINUX="$EXTRA a"\n'}, "/etc/default/grub, line 3: "),
        ({GRUB: '\nGRUB_CMDLINE_LINUX="root=$GRUB_DEVICE"\n'}, "/etc/default/grub, line 2: "),
        ({GRUB: 'GRUB_CMDLINE_LINUX=b\nGRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX a"\n'}, "/etc/default/grub, "),
    ],
)
def test_what_cannot_be_edited_is_named_with_its_line(tmp_path, files, named):
    root = mkconfig.guest(tmp_path, dict(files, **{"/boot/grub/grub.cfg": ""}))
    with pytest.raises(Blocked) as caught:
        defaults(root).with_arguments(ADD, REMOVE)
    assert caught.value.message.startswith(named) and caught.value.hint


def test_a_carriage_return_that_stops_the_shell_is_named(tmp_path):
    root = mkconfig.guest(tmp_path, {GRUB: MAIN.replace("\n", "\r\n"), "/boot/grub/grub.cfg": ""})
    assert mkconfig.small(root, ("grub-mkconfig", "-o", "/boot/grub/made.cfg"))[0] == 127
    with pytest.raises(Blocked, match="/etc/default/grub, line 5: ") as caught:
        defaults(root)
    assert "sed" in caught.value.hint


def test_a_folder_in_the_place_of_the_file_is_blocked(tmp_path):
    root = mkconfig.guest(tmp_path, {GRUB: None, GRUB + "/x": "", "/boot/grub/grub.cfg": ""})
    with pytest.raises(Blocked, match="/etc/default/grub is not a regular file"):
        defaults(root)


def test_a_bashism_is_blocked_where_sh_is_dash_and_edited_where_it_is_bash(tmp_path):
    files = {GRUB: 'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX+=" quiet"\n', "/boot/grub/grub.cfg": "", "/bin/dash": ""}
    root = mkconfig.guest(tmp_path / "dash", dict(files, **{"/bin/sh": To("dash")}))
    with pytest.raises(Blocked, match="/etc/default/grub, line 2: dash"):
        defaults(root)
    root = mkconfig.guest(tmp_path / "bash", dict(files, **{"/bin/sh": To("bash")}))
    apply(root, defaults(root).with_arguments(ADD, REMOVE))
    shown = subprocess.check_output(["bash", "-c", '. %s; echo "$GRUB_CMDLINE_LINUX"' % (root + GRUB)]).decode()
    assert shown.split() == ["a"] + ADD


NAMES = st.sampled_from(["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_TIMEOUT"])
WORD = ["quiet", "splash", "console=tty0", "console=ttyS0", "console=ttyS0,9600", "rootdelay=1", "a=b", "rhgb"]
WORDS = st.lists(st.sampled_from(WORD))
LINES = st.builds(
    lambda name, form, words, comment: form % {"name": name, "words": " ".join(words)} + comment,
    NAMES,
    st.sampled_from(
        [
            '%(name)s="%(words)s"',
            "%(name)s='%(words)s'",
            '%(name)s="$%(name)s %(words)s"',
            'export %(name)s="%(words)s ${%(name)s}"',
            "#%(name)s='%(words)s'",
        ]
    ),  # fmt: skip
    WORDS,
    st.sampled_from(["\n", ' # it\'s "so"\n', "\n\n"]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(LINES, max_size=6), st.lists(LINES, max_size=3))
def test_whatever_is_assigned_the_shell_agrees_and_a_second_edit_is_none(main, late):
    with tempfile.TemporaryDirectory() as folder:
        root = mkconfig.guest(folder, {GRUB: "".join(main), "/etc/default/grub.d/z.cfg": "".join(late)})
        assert made(root, mkconfig.small) == defaults(root).future()
        before = defaults(root)
        apply(root, before.with_arguments(ADD, REMOVE))
        after = defaults(root)
        assert made(root, mkconfig.small) == after.future()
        for given_arguments in after.future().values():
            assert cmdline.merge(given_arguments, ADD, REMOVE) == given_arguments
        assert after.with_arguments(ADD, REMOVE) == {}
        assert after.value("GRUB_TIMEOUT") == before.value("GRUB_TIMEOUT")
