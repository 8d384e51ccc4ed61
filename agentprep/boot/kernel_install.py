"""The command line that kernel-install and sdbootutil give to the entry of the next kernel.

Future(guest, last)                   the store as it is now; `last` are the arguments of the newest entry
Future.arguments()                    {"future": arguments}; nothing where nobody makes entries
Future.texts(add, remove)             {path: new text} after which they are as wanted
Future.notes()                        what of it is odd, in sentences

/etc/kernel/cmdline wins over /usr/lib/kernel/cmdline.  Without both, the next kernel gets what the running one was
started with (/proc/cmdline), be that an installer: then the file is made, from the newest entry.  Only sdbootutil adds
the files of cmdline.d, each twice.  Sources: 90-loaderentry.install of systemd 257, create_boot_options of sdbootutil.
"""

import posixpath
import re
from typing import Dict, List, Optional, Sequence

from ..errors import Blocked, Malformed
from ..formats import cmdline, optionlines
from ..guest import Guest

CMDLINE, SHIPPED = "/etc/kernel/cmdline", "/usr/lib/kernel/cmdline"
DROP_INS = ("/usr/kernel/cmdline.d", "/etc/kernel/cmdline.d")  # the first is what sdbootutil really says
CONFIGURATION = ("/etc/kernel/install.conf", "/usr/lib/kernel/install.conf")
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
        if self.path is None:
            return {"future": list(self.last) + self._words(self._drop_ins())}
        return {"future": self._words([self.path] + self._drop_ins())}

    @property
    def _by_sdbootutil(self) -> bool:
        return self.maker is not None and posixpath.basename(self.maker) == MAKERS[0]

    def _drop_ins(self) -> List[str]:
        if not self._by_sdbootutil:
            return []
        own = self.guest.names(DROP_INS[1])
        paths = [posixpath.join(DROP_INS[0], name) for name in self.guest.names(DROP_INS[0]) if name not in own]
        paths += [posixpath.join(DROP_INS[1], name) for name in own]
        return [path for path in paths if self.guest.is_file(path)]

    def _words(self, paths: Sequence[str]) -> List[str]:
        texts = [self.guest.text(path) or "" for path in paths]
        if self._by_sdbootutil:  # its `while read` drops a last line without an end
            texts = [text[: text.rfind("\n") + 1] for text in texts]
        return [word for text in texts for word in optionlines.in_file(text)]

    def texts(self, add: Sequence[str], remove: Sequence[str]) -> Dict[str, str]:
        if self.maker is None:
            return {}
        main = self._text(self.path) if self.path else cmdline.join(self.last) + "\n"
        texts = {CMDLINE: main}
        texts.update({path: self._text(path) for path in self._drop_ins()})
        new = cmdline.merge(_all(texts), add, remove)
        if new == self.arguments()["future"] and (self.path is not None or not add):
            return {}
        if len(texts) == 1:
            return {CMDLINE: _edited(self.path or CMDLINE, main, new)}
        return {path: text for path, text in _spread(texts, add, remove).items() if text != self.guest.text(path)}

    def _text(self, path: str) -> str:
        text = self.guest.text(path) or ""
        return text + "\n" if text and not text.endswith("\n") and self._by_sdbootutil else text

    def notes(self) -> List[str]:
        if self.maker is None:
            return ["nothing makes boot entries here (no kernel-install): those of later kernels are left to you"]
        for path in CONFIGURATION:
            if re.search(r"(?m)^layout=[\"']?uki", (self.guest.text(path) or "") if self.guest.is_file(path) else ""):
                return ["%s says layout=uki: a later kernel is made into an image that cannot be changed" % path]
        return []


def _spread(texts: Dict[str, str], add: Sequence[str], remove: Sequence[str]) -> Dict[str, str]:
    """The new texts where several files make one line: what is wanted is in the first, what is not in none.

    sdbootutil reads the others twice.  Consoles move from them to the first, where ours can be the last.
    """
    made, moved = {}, []
    main = next(iter(texts))
    console = any(cmdline.key(word) == "console" for word in add)
    for path, text in list(texts.items())[1:]:
        kept = cmdline.without(optionlines.in_file(text), remove)
        moved += [word for word in kept if console and cmdline.key(word) == "console"]
        made[path] = _edited(path, text, [word for word in kept if not _gives(word, add)])
    first = optionlines.in_file(texts[main])
    first += [word for index, word in enumerate(moved) if word not in first + moved[:index]]
    return dict({main: _edited(main, texts[main], cmdline.merge(first, add, remove))}, **made)


def _all(texts: Dict[str, str]) -> List[str]:
    return [word for text in texts.values() for word in optionlines.in_file(text)]


def _gives(word: str, add: Sequence[str]) -> bool:
    """The word has the name of one of `add`."""
    return cmdline.key(word) in [cmdline.key(one) for one in add]


def _edited(path: str, text: str, new: List[str]) -> str:
    try:
        return optionlines.edited_file(text, lambda old: new)
    except Malformed as error:
        raise Blocked("%s: %s" % (path, error.message), error.hint) from None
