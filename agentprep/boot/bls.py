"""GRUB 2 whose menu is made at boot from the entries of the Boot Loader Specification in /boot/loader/entries.

Kernel arguments have four stores, and all are made to agree:

- the `options` of each entry, in which RHEL 8 has only ``$kernelopts $tuned_params``
- ``kernelopts`` in grubenv, or the fallback for it that grub2-mkconfig writes into grub.cfg
- /etc/default/grub, from which grub2-mkconfig makes that fallback and, in some releases, the options of every entry
- /etc/kernel/cmdline, from which kernel-install makes the options of the next kernel's entry

Sources: rhboot/grub2's 10_linux, grub-mkconfig and blscfg.c of RHEL 8, 9.0 to 9.4, 10 and Fedora 44: grub2-mkconfig
rewrites every entry in RHEL 9.0 to 9.2 and Fedora, from 9.3 on with --update-bls-cmdline only or when
GRUB_ENABLE_BLSCFG is not set, and RHEL 8's sets ``kernelopts``; with --no-grubenv-update the first and last do not.
"""

import posixpath
from typing import Dict, Iterator, List, Optional, Sequence

from ..changes import Change, Write
from ..errors import CommandFailed
from ..formats import bls, cmdline, grubcfg, grubenv
from ..guest import Guest
from . import bls_entries, bls_stores, grub_menu
from .bls_stores import CMDLINE
from .grub2 import ENABLE, QUIETLY, Grub2, Texts, written
from .grub_defaults import MAIN
from .grub_menu import Listed


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
        told = "%s makes its menu with blscfg, and %s has %d entries of Linux kernels"
        return told % (config, bls_entries.FOLDER, count)

    @property
    def foreseen(self) -> bool:
        return super().foreseen or any(map(self.guest.guessed, self.guest.glob(bls_entries.FOLDER + "/*.conf")))

    # -- what is there ---------------------------------------------------------------------------------------
    def listed(self) -> List[Listed]:
        """The entries of this guest's kernels but the rescue one, then those that are in grub.cfg itself."""
        known = bls_entries.variables(self.guest, self.config or "")
        found = []
        for one in bls_stores.judged(self.guest):
            words = bls_entries.given(one, known)
            entry = grubcfg.Entry(one.title, one.kernel, words, one.initrds, 0, "linux", "", False)
            found.append(Listed(one.title, one.path, entry))
        return found + super().listed()

    def future(self) -> Dict[str, List[str]]:
        return {"future": bls_stores.future(self.guest, self.config or "")}

    def notes(self) -> List[str]:
        told = super().notes()
        if bls_stores.made_by_generator(self.guest, self.defaults.value(ENABLE)) is False:
            told.append("%s would make a menu without blscfg: %s is not true" % (self.generator, ENABLE))
        for one in bls_entries.loaded(self.guest):
            if one.rescue:
                told.append("the rescue entry %r is left as it is" % one.title)
            elif not bls_stores.present(self.guest, one):
                told.append("%s is of %s, which is not in the guest" % (one.path, one.kernel))
        return told

    # -- kernel arguments ------------------------------------------------------------------------------------
    def texts(self, add: Sequence[str], remove: Sequence[str]) -> Texts:
        """The new texts of all stores; /etc/kernel/cmdline is the last, for it must not be older than the defaults."""
        asked = self.config is not None and (add or remove)
        stores = bls_stores.texts(self.guest, self.config or "", add, remove) if asked else {}
        found = super().texts(add, remove)
        found.update(stores)
        return found

    def set_arguments(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        """A GRUB_ENABLE_BLSCFG with which grub2-mkconfig would make another kind of menu is set to what the menu is."""
        other = bls_stores.made_by_generator(self.guest, self.defaults.value(ENABLE)) is False and bool(add or remove)
        if other:
            self.defaults.with_values({ENABLE: "true"})  # raises Blocked before anything is changed
        texts = self.texts(add, remove)
        if other:
            yield from self._enabled()
            texts = self.texts(add, remove)
        for path, text in texts.items():
            yield written(path, text)

    def _enabled(self) -> Iterator[Change]:
        for path, text in self.defaults.with_values({ENABLE: "true"}).items():
            yield written(path, text, "%s makes its menu with blscfg, and kernel-install writes for it" % self.config)

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
        return "" if grubcfg.reads_entries(text) else "it has no blscfg; %s=true in %s brings it back" % (ENABLE, MAIN)

    def affected(self) -> Sequence[str]:
        text = (self.guest.text(self.generator) or "") if self.generator else ""
        quiet = QUIETLY in text and ("BLS_CMDLINE" not in text or self.defaults.value(ENABLE) == "true")
        return () if quiet else [bls_entries.FOLDER + "/*.conf", CMDLINE] + self._environments()

    def _environments(self) -> List[str]:
        return bls_entries.environments(self.guest, self.config or "")

    def generate(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        paths = self.guest.glob(bls_entries.FOLDER + "/*.conf") + self._environments() + [CMDLINE]
        before = {path: self.guest.read(path) for path in paths if self.guest.is_file(path)}
        for path, content in before.items() if self.affected() else ():
            yield Write(path, content or b"", "grub2-mkconfig may rewrite it: a copy is kept")
        yield from super().generate(add, remove)
        if self.foreseen:
            return
        for path, content in before.items():
            made = self._mended(path, content or b"")
            if made != self.guest.read(path) or (path == CMDLINE and self._older(path)):
                yield Write(path, made, "its kernel arguments are as they were before grub2-mkconfig")
        wrong = self.wrong(self.config or "", add, remove)
        if wrong:
            raise CommandFailed("after grub2-mkconfig, %s" % wrong, "look at: grubby --info=ALL")

    def _mended(self, path: str, content: bytes) -> bytes:
        """What the store should hold: of grubenv only the kernel arguments are taken back."""
        now = self.guest.read(path)
        if now is None or posixpath.basename(path) != "grubenv":
            return content
        old = grubenv.values(content).get(bls_entries.SHARED)
        return now if old is None else grubenv.set_value(now, bls_entries.SHARED, old)

    def _older(self, path: str) -> bool:
        """kernel-install of RHEL 10 and Fedora has grub2-mkconfig overwrite the file when the defaults are newer."""
        one, other = self.guest.stat(path), self.guest.stat(MAIN)
        return one is not None and other is not None and one.st_mtime_ns < other.st_mtime_ns
