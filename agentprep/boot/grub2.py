"""GRUB 2 with grub-mkconfig: a generated grub.cfg, made from /etc/default/grub and the scripts in /etc/grub.d."""

import posixpath
import re
from typing import Dict, Iterator, List, Optional, Sequence

from ..changes import Change, Forget, Run, Write, beside
from ..commands import Completed
from ..errors import Blocked, CommandFailed, Malformed
from ..formats import cmdline, grubcfg
from ..guest import Guest
from . import grub_config, grub_menu
from .grub_config import GENERATORS
from .grub_defaults import MAIN, Defaults
from .grub_menu import Listed

SCRIPTS = "/etc/grub.d/*"
LIBRARY = "grub-mkconfig_lib"  # sourced by the scripts that look for kernels themselves
SERIAL = "serial --speed=%d --unit=0 --word=8 --parity=no --stop=1"


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
        count = len(grub_menu.entries(path, guest.text(path) or ""))
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
        if self.config is not None and not self.foreseen:
            told += grub_menu.others(self.guest, self.config)
        return told

    # -- kernel arguments ------------------------------------------------------------------------------------
    def set_arguments(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        for path, text in self.texts(add, remove).items():
            yield _write(path, text, "boot entries get their kernel arguments from it")

    def texts(self, add: Sequence[str], remove: Sequence[str]) -> Texts:
        """The new texts of all stores that are not as they should be."""
        found = self.defaults.with_arguments(add, remove)
        found.update(self._handwritten(add, remove))
        return found

    def _handwritten(self, add: Sequence[str], remove: Sequence[str]) -> Dict[str, str]:
        """The new texts of those files that hold whole menu entries."""
        texts = {}

        def transform(entry: grubcfg.Entry) -> List[str]:
            return cmdline.merge(entry.arguments, add, remove) if grub_menu.has(self.guest, entry) else entry.arguments

        for path in self._literal() + self._menus()[1:]:
            text = self.guest.text(path) or ""
            try:
                edited = grubcfg.edit(text, transform)
            except Malformed as error:
                raise Blocked("%s, %s" % (path, error.message), error.hint) from None
            if edited != text:
                texts[path] = edited
        for one in self.listed():
            if self._is_opaque(one.script) and not grub_menu.wanted(one.entry, add, remove):
                raise Blocked(
                    "%s writes the entry %r with other arguments, in a way that agentprep cannot edit"
                    % (one.script, one.name),
                    "edit it by hand so that the entry gets: %s; or take its execute permission away"
                    % " ".join(cmdline.merge(one.entry.arguments, add, remove)),
                )
        return texts

    def _literal(self) -> List[str]:
        """The executable scripts that do nothing but print menu entries, such as 40_custom."""
        return [path for path in self.guest.glob(SCRIPTS) if self._runs(path) and self._prints(path)]

    def _runs(self, path: str) -> bool:
        found = self.guest.stat(path)
        return found is not None and self.guest.is_file(path) and bool(found.st_mode & 0o111) and path[-1] != "~"

    def _prints(self, path: str) -> bool:
        text = self.guest.text(path) or ""
        return LIBRARY not in text and bool(re.search(r"(?m)^\s*(linux|linux16|linuxefi)\s+\S*/", text))

    def _is_opaque(self, script: str) -> bool:
        if not script.startswith("/etc/grub.d/") or not self._runs(script) or self._prints(script):
            return False
        return not re.search(r"GRUB_CMDLINE_LINUX|%s" % LIBRARY, self.guest.text(script) or "")

    # -- the generated configuration -------------------------------------------------------------------------
    def stale(self, add: Sequence[str], remove: Sequence[str]) -> str:
        if self.foreseen or self.config is None:
            return ""
        return self.wrong(self.config, add, remove) or self.outdated(self.config)

    def wrong(self, path: str, add: Sequence[str], remove: Sequence[str]) -> str:
        return grub_menu.wrong(self.guest, path, add, remove)

    def unfit(self, path: str, old: str, add: Sequence[str], remove: Sequence[str]) -> str:
        return grub_menu.unfit(self.guest, path, old, add, remove)

    def argv(self, generator: str, output: str) -> Sequence[str]:
        return (posixpath.basename(generator), "-o", output)

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
        yield Run((argv,), leftovers, "the boot menu is made from its sources", tolerate=tolerate)
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
        return _serial(self.defaults)

    def set_menu_on_serial(self, speed: int) -> Iterator[Change]:
        defaults, values = self.defaults, {}
        if not _serial(defaults):
            values["GRUB_TERMINAL"] = "serial console"
        port = defaults.value("GRUB_SERIAL_COMMAND").split()
        if "--speed=%d" % speed not in port or any(w.startswith("--unit=") and w != "--unit=0" for w in port):
            values["GRUB_SERIAL_COMMAND"] = SERIAL % speed
        for path, text in defaults.with_values(values).items():
            yield _write(path, text, "GRUB's menu on the serial port and on the screen")


def _serial(defaults: Defaults) -> str:
    """The setting by which GRUB reads keys from the serial port and writes its menu there, or ""."""
    both = defaults.value("GRUB_TERMINAL").split()
    ways = [both or defaults.value("GRUB_TERMINAL_" + way).split() for way in ("INPUT", "OUTPUT")]
    if not all("serial" in way for way in ways):
        return ""
    name = "GRUB_TERMINAL" if both else "GRUB_TERMINAL_OUTPUT"
    text = '%s="%s" in %s' % (name, defaults.value(name), defaults.where(name))
    return text + ("; GRUB_TIMEOUT=0 leaves no time to use it" if defaults.value("GRUB_TIMEOUT") == "0" else "")


def _holds(arguments: List[str], part: List[str]) -> bool:
    """The part is there in one piece; GRUB's scripts put root=, rootflags= and init= around it."""
    return any(arguments[i : i + len(part)] == part for i in range(len(arguments) - len(part) + 1))


def _write(path: str, text: str, why: str) -> Write:
    return Write(path, text.encode("utf-8", "surrogateescape"), why)
