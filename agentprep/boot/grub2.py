"""GRUB 2 with grub-mkconfig: a generated grub.cfg, made from /etc/default/grub and the scripts in /etc/grub.d."""

import posixpath
from typing import Dict, Iterator, List, Optional, Sequence

from ..changes import Change, Forget, Run, Write, beside
from ..commands import Completed
from ..errors import Blocked, CommandFailed, Unsupported
from ..formats import cmdline, grubcfg
from ..guest import Guest
from ..kernels import NO_KERNEL
from . import bls_entries, bls_stores, grub_by_hand, grub_config, grub_menu, grub_scripts, grub_terminal
from .grub_config import GENERATORS
from .grub_defaults import MAIN, Defaults
from .grub_menu import Listed
from .grub_scripts import SCRIPTS

ENABLE = "GRUB_ENABLE_BLSCFG"  # of Red Hat's grub2-mkconfig: the menu is made from /boot/loader/entries

QUIETLY = "--no-grubenv-update"  # Red Hat's: neither grubenv nor the entries are rewritten

Texts = Dict[str, str]


class Grub2:
    """The GRUB 2 of a guest; nothing is remembered, so that each answer is about what is there now."""

    name = "GRUB 2"
    by_entries = False  # the menu of this system's kernels is in grub.cfg itself
    sources = (MAIN, "/etc/default/grub.d/*", SCRIPTS, "/etc/kernel/cmdline")

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    @classmethod
    def probe(cls, guest: Guest) -> Optional[str]:
        """The evidence: a menu of kernels, not a stub or a leftover, and something to make it from."""
        path = cls(guest).config
        maker = cls(guest).generator or (MAIN if guest.exists(MAIN) else None)
        if path is None or maker is None:
            return None
        found = grub_menu.entries(path, guest.text(path) or "")
        if all("$" in entry.kernel.rpartition("/")[2] for entry in found):
            raise Unsupported(
                "%s names its kernel by a variable (%s), as Azure Linux 2 does; agentprep does not know who sets it"
                % (path, found[0].kernel),
                "have the menu made by grub2-mkconfig -o %s, then run agentprep again" % path,
            )
        count = len(found)
        return "%s has %d entries of Linux kernels, and %s is there" % (path, count, maker)

    @property
    def config(self) -> Optional[str]:
        """The generated configuration that the loader reads, if its menu comes from where this class looks."""
        found = grub_config.live(self.guest)
        if found is None or grubcfg.reads_entries(self.guest.text(found.path) or "") != self.by_entries:
            return None
        return found.path

    @property
    def generator(self) -> Optional[str]:
        """The path of the guest's grub-mkconfig."""
        return next((path for path in map(self.guest.which, GENERATORS) if path), None)

    @property
    def defaults(self) -> Defaults:
        return Defaults(self.guest, self.generator)

    @property
    def foreseen(self) -> bool:
        return self.config is None or self.guest.guessed(self.config)

    # -- what is there ---------------------------------------------------------------------------------------
    def arguments(self) -> Dict[str, List[str]]:
        told = self.future()
        for one in self.listed():
            twins = ["%s (#%d)" % (one.name, number) for number in range(2, len(told) + 2)]
            told[next(name for name in [one.name] + twins if name not in told)] = one.entry.arguments
        return told

    def future(self) -> Dict[str, List[str]]:
        return self.defaults.future()

    def listed(self) -> List[Listed]:
        """Every entry of a kernel that this guest has, in the order of the menu."""
        return [one for path in self._menus() for one in grub_menu.listed(self.guest, path)]

    def _menus(self) -> List[str]:
        config = self.config
        text = (self.guest.text(config) or "") if config else ""
        custom = posixpath.join(posixpath.dirname(config), "custom.cfg") if config else ""
        # 41_custom has it read at boot
        return ([config] if config else []) + ([custom] if "custom.cfg" in text and self.guest.exists(custom) else [])

    def initrds(self) -> Dict[str, List[str]]:
        return grub_menu.initrds(self.guest, self.listed())

    def without_initrd(self) -> List[str]:
        return [one.name for one in self.listed() if not one.entry.initrds]

    def notes(self) -> List[str]:
        defaults, told = self.defaults, []
        for name in ("GRUB_CMDLINE_LINUX_XEN_REPLACE", "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT"):
            if defaults.value(name):
                told.append("%s: %s is for Xen and was left alone" % (defaults.where(name), name))
        if self.mixed:
            told.append("%s would make the menu of the entries in %s" % (self.generator, bls_entries.FOLDER))
        if self.config is not None and not self.foreseen:
            told += grub_menu.others(self.guest, self.config)
            told += ["%s is a menu that GRUB does not read" % one for one in grub_config.leftovers(self.guest)]
        return told

    # -- kernel arguments ------------------------------------------------------------------------------------
    def set_arguments(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        for path, text in self.texts(add, remove).items():
            yield written(path, text)

    def texts(self, add: Sequence[str], remove: Sequence[str]) -> Texts:
        """The new texts of all stores that are not as they should be."""
        found = self.defaults.with_arguments(self._by_hand(add, remove) + list(add), remove)
        found.update(grub_scripts.texts(self.guest, self._menus()[1:], add, remove))
        grub_scripts.refuse_opaque(self.guest, self.listed(), add, remove)
        if self.mixed:
            found.update(bls_stores.texts(self.guest, self.config or "", add, remove))
        return found

    def _by_hand(self, add: Sequence[str], remove: Sequence[str]) -> List[str]:
        """What a menu that is made anew for the wanted arguments' sake would lose."""
        if self.by_entries or self.foreseen or not (add or remove):
            return []
        named = [cmdline.key(word) for word in add if cmdline.key(word) != "console"]
        found = grub_by_hand.given(self.guest, self.config or "", self.defaults, self.listed())
        return [word for word in cmdline.without(found, remove) if word not in add and cmdline.key(word) not in named]

    @property
    def mixed(self) -> bool:
        """grub-mkconfig would make a menu of the entries in /boot/loader/entries, which this menu is not."""
        made = bls_stores.made_by_generator(self.guest, self.defaults.value(ENABLE))
        return not self.by_entries and made is True and bool(bls_stores.judged(self.guest))

    # -- the generated configuration -------------------------------------------------------------------------
    def stale(self, add: Sequence[str], remove: Sequence[str]) -> str:
        if self.foreseen or self.config is None:
            return ""
        return self.wrong(self.config, add, remove) or self.outdated(self.config)

    def wrong(self, path: str, add: Sequence[str], remove: Sequence[str]) -> str:
        return grub_menu.wrong(self.guest, path, add, remove)

    def unfit(self, path: str, old: str, add: Sequence[str], remove: Sequence[str]) -> str:
        if self.mixed and grubcfg.reads_entries(self.guest.text(path) or ""):
            return self._lost(path, add, remove)
        return grub_menu.unfit(self.guest, path, old, add, remove)

    def _lost(self, path: str, add: Sequence[str], remove: Sequence[str]) -> str:
        """What the menu's kernels would lose if /boot/loader/entries took the place of the entries that they have."""
        known = bls_entries.variables(self.guest, path)
        given = [(one, bls_entries.given(one, known)) for one in bls_stores.judged(self.guest)]
        for one in self.listed():
            image = grub_config.placed(self.guest, one.entry.kernel)
            theirs = [words for entry, words in given if grub_config.placed(self.guest, entry.kernel) == image]
            if one.entry.recovery or NO_KERNEL.search(posixpath.basename(image)):
                continue
            if not theirs:
                return "%s has no entry of %s, which the old menu has" % (bls_entries.FOLDER, image)
            lacking = [word for word in cmdline.merge(one.entry.arguments, add, remove) if word not in theirs[0]]
            if lacking:
                return "the entry of %s in %s lacks %s" % (image, bls_entries.FOLDER, " ".join(lacking))
        return ""

    def argv(self, generator: str, output: str) -> Sequence[str]:
        quietly = (QUIETLY,) if QUIETLY in (self.guest.text(generator) or "") else ()
        return (posixpath.basename(generator),) + quietly + ("-o", output)

    def affected(self) -> Sequence[str]:
        """Files that the generator changes besides its output."""
        return ()

    def outdated(self, path: str) -> str:
        """The first entry that was made before the sources said what they say now."""
        defaults = self.defaults
        always, normal = (defaults.arguments(name) for name in ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"))
        for one in grub_menu.listed(self.guest, path):
            expected = always if one.entry.recovery else always + normal
            if one.script.endswith("_linux") and not _holds(one.entry.arguments, expected):
                return "the entry %r was made before %s said %r" % (one.name, MAIN, " ".join(expected))
        return ""

    def generate(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        config, generator = self.config, self.generator
        if config is None or generator is None:
            raise Blocked(
                "%s is to be made anew, and the guest has no grub-mkconfig" % (config or "grub.cfg"),
                "install the package that has it: grub-common on Debian and Ubuntu, grub2-tools on RHEL, grub2 on SUSE",
            )
        made = beside(config)
        failed: List[Completed] = []
        leftovers = (made.path, made.path + ".new")

        def tolerate(done: Completed) -> str:
            failed.append(done)
            return "%s failed; %s is the old one" % (posixpath.basename(generator or ""), config)

        argv = tuple(self.argv(generator, made.path))
        yield Run(
            (argv,), leftovers + tuple(self.affected()), "the boot menu is made from its sources", tolerate=tolerate
        )
        unknown = failed or self.guest.guessed(made.path)
        wrong = "" if unknown else self.unfit(made.path, config, add, remove)
        if failed or wrong:
            for path in leftovers:
                if self.guest.exists(path):
                    yield Forget(path, "it was made by a generator that failed")
        if failed:
            failed[0].check("%s is the old one still; see what is wrong with: %s -o /dev/null" % (config, argv[0]))
        if wrong:
            raise CommandFailed(
                "%s made a menu that is not right: %s" % (argv[0], wrong),
                "%s is the old one still; see what is made with: %s" % (config, argv[0]),
            )
        yield Write(config, made, "the boot menu is made from its sources", mode=0o600, derived=True)

    # -- the menu on the serial port -------------------------------------------------------------------------
    def menu_on_serial(self) -> str:
        return grub_terminal.serial(self.defaults)

    def set_menu_on_serial(self, speed: int) -> Iterator[Change]:
        values = grub_terminal.wanted(self.defaults, speed)
        for path, text in self.defaults.with_values(values).items():
            yield written(path, text, "GRUB's menu on the serial port and on the screen")


def _holds(arguments: List[str], part: List[str]) -> bool:
    """The part is there in one piece; GRUB's scripts put root=, rootflags= and init= around it.

    On btrfs those of Red Hat and SUSE put ``${extra_cmdline}``, for snapshots, into it (SUSE_BTRFS_SNAPSHOT_BOOTING).
    """
    arguments = [word for word in arguments if word != "${extra_cmdline}"]
    return any(arguments[i : i + len(part)] == part for i in range(len(arguments) - len(part) + 1))


def written(path: str, text: str, why: str = "boot entries get their kernel arguments from it") -> Write:
    return Write(path, text.encode("utf-8", "surrogateescape"), why)
