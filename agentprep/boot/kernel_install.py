"""The command line that kernel-install and sdbootutil give to the entry of the next kernel.

Future(guest, last)                   the store as it is now; `last` are the arguments of the newest entry
Future.arguments()                    {"future": arguments}; nothing where nobody makes entries
Future.texts(add, remove)             {path: new text} after which they are as wanted
Future.notes()                        what of it is odd, in sentences

/etc/kernel/cmdline wins over /usr/lib/kernel/cmdline.  Without both, the next kernel gets what the running one was
started with (/proc/cmdline), be that an installer: then the file is made, from the newest entry.  Only sdbootutil adds
the files of cmdline.d.  Sources: 90-loaderentry.install of systemd 257, create_boot_options() in sdbootutil.
"""

import posixpath
from typing import Dict, List, Optional, Sequence

from ..errors import Blocked, Malformed
from ..formats import cmdline, optionlines
from ..guest import Guest

CMDLINE, SHIPPED = "/etc/kernel/cmdline", "/usr/lib/kernel/cmdline"
DROP_INS = ("/usr/kernel/cmdline.d", "/etc/kernel/cmdline.d")  # the first is what sdbootutil really says
MAKERS = ("sdbootutil", "kernel-install")
# The loader's and kernel-install's own words, which they put into an entry themselves.
NOT_OURS = ("BOOT_IMAGE", "initrd", "systemd.machine_id")


class Future:
    """What decides the arguments of a kernel that is installed tomorrow."""

    def __init__(self, guest: Guest, last: Sequence[str]) -> None:
        self.guest, self.last = guest, cmdline.without(last, NOT_OURS)

    @property
    def maker(self) -> Optional[str]:
        """The path of what makes an entry for a new kernel."""
        return next((path for path in map(self.guest.which, MAKERS) if path), None)

    @property
    def path(self) -> Optional[str]:
        return next((path for path in (CMDLINE, SHIPPED) if self.guest.is_file(path)), None)

    def arguments(self) -> Dict[str, List[str]]:
        if self.maker is None:
            return {}
        return {"future": self._main() + [word for words in self._drop_ins().values() for word in words]}

    def _main(self) -> List[str]:
        return list(self.last) if self.path is None else optionlines.in_file(self.guest.text(self.path) or "")

    def _drop_ins(self) -> Dict[str, List[str]]:
        if self.guest.which(MAKERS[0]) is None:
            return {}
        own = self.guest.names(DROP_INS[1])
        paths = [posixpath.join(DROP_INS[0], name) for name in self.guest.names(DROP_INS[0]) if name not in own]
        paths += [posixpath.join(DROP_INS[1], name) for name in own]
        return {path: optionlines.in_file(self.guest.text(path) or "") for path in paths if self.guest.is_file(path)}

    def texts(self, add: Sequence[str], remove: Sequence[str]) -> Dict[str, str]:
        old = self.arguments().get("future")
        if old is None:
            return {}
        new = cmdline.merge(old, add, remove)
        if new == old and (self.path is not None or not add):
            return {}
        if self._drop_ins() and new != old:
            return self._spread(add, remove)
        text = (self.guest.text(self.path) or "") if self.path else cmdline.join(self.last) + "\n"
        return {CMDLINE: _edited(self.path or CMDLINE, text, cmdline.merge(self._main(), add, remove))}

    def _spread(self, add: Sequence[str], remove: Sequence[str]) -> Dict[str, str]:
        """The new texts where several files make one line: what is unwanted leaves each, what is wanted is in one."""
        texts = {}
        words = dict([(CMDLINE, self._main())] + list(self._drop_ins().items()))
        last = list(words)[-1] if any(cmdline.values(one, "console") for one in self._drop_ins().values()) else CMDLINE
        for path, old in words.items():
            kept = [word for word in cmdline.without(old, remove) if path == last or not _gives(word, add)]
            new = cmdline.merge(kept, add, remove) if path == last else kept
            if new != old:
                texts[path] = _edited(path, self.guest.text(path) or "", new)
        made = [word for path in words for word in optionlines.in_file(texts.get(path, self.guest.text(path) or ""))]
        if cmdline.merge(made, add, remove) != made:
            raise Blocked(
                "%s and %s make one command line, in a way that agentprep cannot edit" % (CMDLINE, DROP_INS[1]),
                "edit them by hand so that they give: %s" % " ".join(cmdline.merge(made, add, remove)),
            )
        return texts

    def notes(self) -> List[str]:
        if self.maker is None:
            return ["nothing makes boot entries here (no kernel-install): those of later kernels are left to you"]
        return []


def _gives(word: str, add: Sequence[str]) -> bool:
    """The word sets what one of `add` sets: the same name, and for a console the same device."""
    names = [cmdline.key(one) for one in add if cmdline.key(one) != "console"]
    devices = [one.partition(",")[0] for one in add if cmdline.key(one) == "console"]
    return cmdline.key(word) in names or word.partition(",")[0] in devices


def _edited(path: str, text: str, new: List[str]) -> str:
    try:
        return optionlines.edited_file(text, lambda old: new)
    except Malformed as error:
        raise Blocked("%s: %s" % (path, error.message), error.hint) from None
