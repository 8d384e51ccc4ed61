"""What a kernel that is installed tomorrow will be started with by GRUB Legacy, and where that is decided.

- Debian and Ubuntu: update-grub makes the entries between its marks from options that it keeps there as comments
- SUSE: perl-Bootloader (0.4.89) copies the newest entry of the same flavour; /etc/sysconfig/bootloader is for the first
- Red Hat: new-kernel-pkg calls `grubby --copy-default`, which copies the default entry (findTemplate() in grubby.c)
"""

from typing import Dict, List, Sequence

from ..errors import Blocked, Malformed
from ..formats import automagic, cmdline, grublegacy, shelledit, shellvars
from ..formats.automagic import Option
from ..formats.grublegacy import Entry
from ..guest import Guest

SYSCONFIG = "/etc/sysconfig/bootloader"
NAMES = {"DEFAULT_APPEND": "future", "FAILSAFE_APPEND": "future (recovery)", "RT_APPEND": ""}  # no real-time kernel yet
COPIERS = ("grubby", "new-kernel-pkg")


class Future:
    """The menu at `path`, whose entries of this guest's kernels are `own`, and the tool that adds to it."""

    def __init__(self, guest: Guest, path: str, own: Sequence[Entry]) -> None:
        self.guest, self.path, self.own = guest, path, own
        self.text = guest.text(path) or "" if path else ""
        tool = guest.which("update-grub")
        self.debian = automagic.BEGIN in self.text or (tool and automagic.BEGIN in (guest.text(tool) or ""))
        self.suse = guest.text(SYSCONFIG)
        self.copied = any(guest.which(name) for name in COPIERS)

    def told(self) -> Dict[str, List[str]]:
        told: Dict[str, List[str]] = {}
        if self.debian:
            return self._automagic(self.text)
        if self.suse is not None:
            script = self._script(self.suse)
            for name, kind in NAMES.items():
                for place in shellvars.contributions([script], name) if kind else []:
                    told[kind] = shelledit.words(script, place.assignment)
        if "future" not in told and (self.copied or self.suse is not None) and self.own:
            told["future"] = self._template().arguments
        return told

    def notes(self) -> List[str]:
        if not self.debian and self.suse is None and not self.copied:
            return ["nothing in the guest adds entries for new kernels to %s" % self.path]
        if self.debian and any(entry.kind == grublegacy.XEN for entry in grublegacy.entries(self.text)):
            return ["%s: xenkopt is for Xen and is left alone" % self.path]
        return []

    def with_arguments(self, texts: Dict[str, str], add: Sequence[str], remove: Sequence[str]) -> Dict[str, str]:
        """The new texts of the menu and of what else decides about future kernels, given those with edited entries."""
        texts = dict(texts)
        if self.debian:
            texts[self.path] = self._edited(texts[self.path], add, remove)
        elif self.suse is not None:
            texts[SYSCONFIG] = self._appended(self.suse, add, remove)
        return texts

    def with_arguments_of(
        self, texts: Dict[str, str], versions: Sequence[str], add: Sequence[str], remove: Sequence[str]
    ) -> Dict[str, str]:
        """As with_arguments(), for some of the kernels that are there; only Debian's tool makes their entries anew."""
        text = texts.get(self.path, "")
        try:
            for version in versions if self.debian and automagic.options(text) else []:
                old = automagic.of_kernel(text, version)
                new = cmdline.merge(old, add, remove)
                text = automagic.with_kernel(text, version, new) if old and new != old else text
        except Malformed as error:
            raise Blocked("%s, %s" % (self.path, error.message), error.hint) from None
        return dict(texts, **{self.path: text}) if self.debian else texts

    def _template(self) -> Entry:
        number = grublegacy.default(self.text)
        return next((entry for entry in self.own if entry.number == number), self.own[0])

    # -- Debian ----------------------------------------------------------------------------------------------
    def _automagic(self, text: str) -> Dict[str, List[str]]:
        try:
            return automagic.future(text)
        except Malformed as error:
            raise Blocked("%s, %s" % (self.path, error.message), error.hint + " " + self.path) from None

    def _edited(self, text: str, add: Sequence[str], remove: Sequence[str]) -> str:
        """`kopt` has the arguments, for all kinds of entries; what would contradict them behind it is gone."""
        told = list(self._automagic(text).values())
        told += [option.words for option in automagic.options(text) if option.always]
        if all(cmdline.merge(words, add, remove) == words for words in told):
            return text
        root = [word for word in (self._template().arguments if self.own else []) if _belongs_to_root(word)]
        if root:
            text = automagic.with_kopt(text, root)
        names = sorted({cmdline.key(word) for word in add})
        others = [word for option in automagic.options(text) if option.name in (automagic.NORMAL, automagic.RECOVERY)
                  for word in option.words if cmdline.key(word) == "console" and "console" in names]  # fmt: skip

        def transform(option: Option) -> List[str]:
            if option.always:
                return cmdline.merge(option.words + [word for word in others if word not in option.words], add, remove)
            if option.name in (automagic.NORMAL, automagic.RECOVERY):
                return cmdline.without(option.words, list(remove) + names)
            return option.words

        text = automagic.edit(text, transform)
        for kind, words in self._automagic(text).items():
            if cmdline.merge(words, add, remove) != words:
                raise Blocked(
                    "%s: %s kernels would get %r from update-grub's options" % (self.path, kind, " ".join(words)),
                    "write there by hand, between its marks: # kopt=root=... ro %s" % " ".join(add),
                )
        return text

    # -- SUSE ------------------------------------------------------------------------------------------------
    def _appended(self, text: str, add: Sequence[str], remove: Sequence[str]) -> str:
        for name in NAMES:
            script = self._script(text)
            if shellvars.evaluate([script], name):
                place = shellvars.contributions([script], name)[-1]
                text = shelledit.edit_words(script, place.assignment, lambda old: cmdline.merge(old, add, remove))
        return text

    def _script(self, text: str) -> shellvars.Script:
        try:
            return shellvars.Script(text, SYSCONFIG)
        except Malformed as error:
            raise Blocked("%s, %s" % (SYSCONFIG, error.message), error.hint) from None


def _belongs_to_root(word: str) -> bool:
    return word in ("ro", "rw") or cmdline.key(word) in ("root", "rootflags", "rootfstype")
