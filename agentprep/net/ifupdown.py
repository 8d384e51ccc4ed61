"""ifupdown: /etc/network/interfaces, Debian's own."""

import fnmatch
import posixpath
import re
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ..changes import Change, Write
from ..formats import interfaces
from ..formats import lines as lines_
from ..formats.sections import without_lines
from ..guest import Guest
from .profile import CARD, WHY, Plain, Profile

MAIN = "/etc/network/interfaces"
OWN = "/etc/network/interfaces.d/eth0"  # no dot: source-directory passes over names with one
HOTPLUG = "allow-hotplug %s\n" % CARD
STANZA = "# The first network card on Azure; written by agentprep.\n%siface %s inet dhcp\n" % (HOTPLUG, CARD)


class Ifupdown(Plain):
    """networking.service, which runs ifup for what the interfaces file names."""

    name = "ifupdown"

    @staticmethod
    def probe(guest: Guest, init: Any) -> Optional[str]:
        """Evidence: networking.service starts at boot."""
        link = init.enabled("networking")
        return "%s starts ifupdown" % link if link else None

    def texts(self) -> Dict[str, str]:
        """The main file and every file that it sources, in the order of reading."""
        found: Dict[str, str] = {}
        todo = [MAIN]
        while todo:
            path = todo.pop(0)
            text = self.guest.text(path) if path not in found and self.guest.is_file(path) else None
            if text is not None:
                found[path] = text
                todo += [one for pattern, plain in _sources(path, text) for one in self._matches(pattern, plain)]
        return found

    def profile(self) -> Profile:
        """DHCP when eth0 is brought up by an `inet dhcp` stanza."""
        found = self._stanzas()
        up = interfaces.brought_up([stanza for _, stanza in found], CARD)
        for path, stanza in found:
            if stanza.keyword != "iface" or stanza.words[:2] != (up or CARD, "inet"):
                continue
            told = "`iface %s` in %s" % (" ".join(stanza.words), path)
            if stanza.words[2:3] != ("dhcp",):
                return Profile(problem="%s gives no address by DHCP" % told,
                               remedy="change it to: iface %s inet dhcp" % stanza.words[0])  # fmt: skip
            if up:
                return Profile("%s, brought up %s" % (told, "as %s" % up if up != CARD else "at boot"))
        return Profile()

    def add(self) -> Iterator[Change]:
        """eth0 has a stanza and is brought up when it appears; the other stanzas are as they were."""
        stanza = any(one.keyword == "iface" and one.words[:1] == (CARD,) for _, one in self._stanzas())
        text = HOTPLUG if stanza else STANZA
        main = self.guest.text(MAIN)
        if main is None:
            yield Write(MAIN, ("auto lo\niface lo inet loopback\n\n" + text).encode(), WHY)
        elif any(_reads(pattern, plain) for pattern, plain in _sources(MAIN, main)) and not self.guest.exists(OWN):
            yield Write(OWN, text.encode(), WHY)
        else:
            new = "".join(lines_.ended(lines_.split(main), "\n")) + "\n" + text
            yield Write(MAIN, new.encode("utf-8", "surrogateescape"), WHY)

    def unbind(self) -> Iterator[Change]:
        """No stanza of eth0 sets a hardware address: Azure lets no packet through that comes from another one."""
        for path, text in self.texts().items():
            bound = {
                option.line
                for stanza in interfaces.stanzas(text)
                if stanza.keyword == "iface" and stanza.words[:1] == (CARD,)
                for option in stanza.options
                if option.key == "hwaddress"
            }
            if bound:
                new = without_lines(text, bound)
                why = "%s has a hardware address of its own on Azure" % CARD
                yield Write(path, new.encode("utf-8", "surrogateescape"), why)

    def _stanzas(self) -> List[Tuple[str, interfaces.Stanza]]:
        return [(path, stanza) for path, text in self.texts().items() for stanza in interfaces.stanzas(text)]

    def _matches(self, pattern: str, plain: bool) -> List[str]:
        if not plain:
            return self.guest.glob(pattern)
        return [
            posixpath.join(folder, name)
            for folder in self.guest.glob(pattern)
            for name in self.guest.names(folder)
            if re.match(r"[a-zA-Z0-9_-]+$", name)
        ]


def _sources(path: str, text: str) -> List[Tuple[str, bool]]:
    """Patterns of sourced files, and (True) of folders; relative ones start from the file's own folder."""
    found = [stanza for stanza in interfaces.stanzas(text) if stanza.keyword in ("source", "source-directory")]
    return [
        (posixpath.join(posixpath.dirname(path), word), stanza.keyword == "source-directory")
        for stanza in found
        for word in stanza.words
    ]


def _reads(pattern: str, plain: bool) -> bool:
    return fnmatch.fnmatchcase(posixpath.dirname(OWN) if plain else OWN, pattern)
