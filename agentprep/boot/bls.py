"""GRUB 2 whose menu is made at boot from the entries of the Boot Loader Specification in /boot/loader/entries.

Kernel arguments have four stores, and all are made to agree:

- the `options` of each entry, in which RHEL 8 has only ``$kernelopts $tuned_params``
- ``kernelopts`` in grubenv, or the fallback for it that grub2-mkconfig writes into grub.cfg
- /etc/default/grub, from which grub2-mkconfig makes that fallback and, in some releases, the options of every entry
- /etc/kernel/cmdline, from which kernel-install makes the options of the next kernel's entry

Sources: rhboot/grub2's 10_linux, grub-mkconfig and blscfg.c of RHEL 8, 9.0 to 9.4, 10 and Fedora 44; 20-grub.install of
grub2 2.02 and 2.06; grub2-mkconfig rewrites entries in RHEL 9.0 to 9.2 and Fedora, and from 9.3 with
--update-bls-cmdline only; RHEL 8's sets ``kernelopts``.  All that is left out with --no-grubenv-update.
"""

import posixpath
from typing import Dict, Iterator, List, Optional, Sequence

from ..changes import Change, Write
from ..errors import Blocked, CommandFailed, Malformed
from ..formats import bls, cmdline, grubcfg, grubenv
from ..guest import Guest
from . import bls_entries, grub_config, grub_menu
from .bls_entries import Entry
from .grub2 import Grub2, Texts
from .grub_defaults import MAIN
from .grub_menu import Listed

CMDLINE, SHIPPED = "/etc/kernel/cmdline", "/usr/lib/kernel/cmdline"
INSTALLERS = ("/etc/kernel/install.d/%s", "/usr/lib/kernel/install.d/%s", "/lib/kernel/install.d/%s")
QUIETLY = "--no-grubenv-update"


class BLS(Grub2):
    """The GRUB 2 of a guest and its entries; nothing is remembered."""

    name = "BLS"
    by_entries = True

    @classmethod
    def probe(cls, guest: Guest) -> Optional[str]:
        """The evidence: the live grub.cfg has blscfg make the menu, and there are entries for it."""
        config = cls(guest).config
        count = len(bls_entries.loaded(guest)) if config else 0
        if not count:
            return None
        return "%s makes its menu with blscfg, and %s has %d entries of Linux kernels" % (
            config, bls_entries.FOLDER, count,
        )  # fmt: skip

    @property
    def foreseen(self) -> bool:
        return super().foreseen or any(map(self.guest.guessed, self.guest.glob(bls_entries.FOLDER + "/*.conf")))

    # -- what is there ---------------------------------------------------------------------------------------
    def listed(self) -> List[Listed]:
        """The entries of this guest's kernels but the rescue one, then those that are in grub.cfg itself."""
        known = self._variables()
        found = []
        for one in self._judged():
            words = bls_entries.arguments(one.value, known)
            entry = grubcfg.Entry(one.title, one.kernel, words, one.initrds, 0, "linux", "", False)
            found.append(Listed(one.title, one.path, entry))
        return found + super().listed()

    def _judged(self) -> List[Entry]:
        return [one for one in bls_entries.loaded(self.guest) if not one.rescue and self._has(one)]

    def _has(self, one: Entry) -> bool:
        return self.guest.is_file(grub_config.placed(self.guest, one.kernel))

    def _variables(self) -> Dict[str, str]:
        return bls_entries.variables(self.guest, self.config or "")

    def future(self) -> Dict[str, List[str]]:
        """What kernel-install gives the next kernel."""
        source = self._source()
        if source == bls_entries.SHARED:
            return {"future": bls_entries.arguments("$" + source, self._variables())}
        if source == CMDLINE:
            text = self.guest.text(CMDLINE) or self.guest.text(SHIPPED)
            if text is not None:
                return {"future": bls.words(_one_line(text))}
        default = self._default()
        return {"future": bls_entries.arguments(default.value, self._variables()) if default else []}

    def _source(self) -> str:
        """Where the next kernel's options come from: kernelopts, /etc/kernel/cmdline, or "" when that is not known."""
        scripts = [self.guest.text(one % "20-grub.install") or "" for one in INSTALLERS]
        script = next((text for text in scripts if text), "")
        if CMDLINE in script or self.guest.exists(CMDLINE):
            return CMDLINE
        default = self._default()
        if "kernelopts" in script or (default and "$kernelopts" in default.value):
            return bls_entries.SHARED
        other = [one % name for one in INSTALLERS for name in ("90-loaderentry.install", "20-grub.install")]
        return CMDLINE if any(map(self.guest.exists, other)) else ""

    def _default(self) -> Optional[Entry]:
        """The entry that is booted when nobody chooses one."""
        found = self._judged()
        saved = self._variables().get("saved_entry", "")
        named = [one for one in found if saved in (posixpath.basename(one.path)[:-5], one.title)]
        return next(iter(named + found), None)

    def notes(self) -> List[str]:
        told = super().notes()
        for one in bls_entries.loaded(self.guest):
            if one.rescue:
                told.append("the rescue entry %r is left as it is" % one.title)
            elif not self._has(one):
                told.append("%s is of %s, which is not in the guest" % (one.path, one.kernel))
        enabled = self.defaults.value("GRUB_ENABLE_BLSCFG")
        if enabled and enabled != "true":
            where = self.defaults.where("GRUB_ENABLE_BLSCFG")
            told.append("%s: GRUB_ENABLE_BLSCFG=%s, but %s has a menu made by blscfg" % (where, enabled, self.config))
        return told

    # -- kernel arguments ------------------------------------------------------------------------------------
    def texts(self, add: Sequence[str], remove: Sequence[str]) -> Texts:
        """The new texts of all stores; /etc/kernel/cmdline is the last, for it must not be older than the defaults."""
        found = super().texts(add, remove)
        config = self.config
        if config is None or not (add or remove):
            return found
        known = self._variables()
        live = bls_entries.environments(self.guest, config)
        fallback = not live or not bls_entries.block(self.guest, live[0]).get(bls_entries.SHARED)
        for path in live:
            found.update(self._environment(path, add, remove))
            if path == live[0] and path in found:
                known.update(grubenv.values(found[path].encode("utf-8", "surrogateescape")))
        for name in (bls_entries.SHARED,) if fallback else ():  # grub2-mkconfig makes it from the defaults
            if known.get(name):
                known[name] = bls.edited(known[name], lambda words: cmdline.merge(words, add, remove))
        for one in self._judged():
            text = bls_entries.with_arguments(one, known, add, remove)
            if text != one.text:
                found[one.path] = text
        found.update(self._next_kernels(known, add, remove))
        return found

    def _environment(self, path: str, add: Sequence[str], remove: Sequence[str]) -> Texts:
        content = self.guest.read(path) or b""
        value = bls_entries.block(self.guest, path).get(bls_entries.SHARED)
        if not value:
            return {}
        try:
            new = bls.edited(value, lambda words: cmdline.merge(words, add, remove))
            made = grubenv.set_value(content, bls_entries.SHARED, new)
        except Malformed as error:
            raise Blocked("%s: %s" % (path, error.message), error.hint) from None
        return {} if made == content else {path: made.decode("utf-8", "surrogateescape")}

    def _next_kernels(self, known: Dict[str, str], add: Sequence[str], remove: Sequence[str]) -> Texts:
        """The new text of /etc/kernel/cmdline; without that file the next kernel would get the running one's."""
        if self._source() != CMDLINE:
            return {}
        text = self.guest.text(CMDLINE)
        default = self._default()
        if text is not None:
            value = _one_line(text)
        elif default is not None:
            value = " ".join(bls_entries.arguments(default.value, known))
        else:
            return {}
        try:
            made = bls.edited(value, lambda words: cmdline.merge(words, add, remove))
        except Malformed as error:
            raise Blocked("%s: %s" % (CMDLINE, error.message), error.hint) from None
        return {} if text is not None and made == value else {CMDLINE: made + "\n"}

    # -- the generated configuration -------------------------------------------------------------------------
    def wrong(self, path: str, add: Sequence[str], remove: Sequence[str]) -> str:
        for name, _, entry in self.listed():
            if not grub_menu.wanted(entry, add, remove):
                merged = " ".join(cmdline.merge(entry.arguments, add, remove))
                return "the entry %r gets %r instead of %r" % (name, " ".join(entry.arguments), merged)
        for name, value, _ in bls_entries.assignments(self.guest.text(path) or ""):
            words = bls.words(value) if name in (bls_entries.SHARED, bls_entries.DEFAULT) else []
            if words and cmdline.merge(words, add, remove) != words:
                return "%s has %s=%r for entries without arguments of their own" % (path, name, value)
        return ""

    def outdated(self, path: str) -> str:
        return ""

    def unfit(self, path: str, old: str, add: Sequence[str], remove: Sequence[str]) -> str:
        text = self.guest.text(path) or ""
        grub_menu.entries(path, text)
        if grubcfg.reads_entries(text):
            return ""
        return "it has no blscfg; GRUB_ENABLE_BLSCFG=true in %s brings it back" % MAIN

    def argv(self, generator: str, output: str) -> Sequence[str]:
        quietly = (QUIETLY,) if QUIETLY in (self.guest.text(generator) or "") else ()
        return (posixpath.basename(generator),) + quietly + ("-o", output)

    def _stores(self) -> List[str]:
        paths = self.guest.glob(bls_entries.FOLDER + "/*.conf") + bls_entries.environments(
            self.guest, self.config or ""
        )
        return [path for path in paths + [CMDLINE] if self.guest.is_file(path)]

    def generate(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        before = {path: self.guest.read(path) for path in self._stores()}
        yield from super().generate(add, remove)
        if self.foreseen:
            return
        for path, content in before.items():
            made = self._mended(path, content or b"")
            if made != self.guest.read(path):
                yield Write(path, made, "grub2-mkconfig changed it; its kernel arguments are as they were")
        wrong = self.wrong(self.config or "", add, remove)
        if wrong:
            raise CommandFailed("after grub2-mkconfig %s" % wrong, "look at: grubby --info=ALL")

    def _mended(self, path: str, content: bytes) -> bytes:
        """What the store should hold: of grubenv only the kernel arguments are taken back."""
        now = self.guest.read(path)
        if now is None or posixpath.basename(path) != "grubenv":
            return content
        old = grubenv.values(content).get(bls_entries.SHARED)
        return now if old is None else grubenv.set_value(now, bls_entries.SHARED, old)


def _one_line(text: str) -> str:
    """kernel-install reads it as words, on however many lines."""
    return text.rstrip("\n").replace("\r", "").replace("\n", " ")
