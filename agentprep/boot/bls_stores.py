"""Where the kernel arguments of Boot Loader Specification entries are kept, on a guest whose loader is GRUB.

judged(guest)                         the entries that start a kernel of this guest, the rescue one left out
default(guest, config)                the entry that is booted when nobody chooses one
future(guest, config)                 what kernel-install gives the next kernel
texts(guest, config, add, remove)     {path: new text} of grubenv, the entries and /etc/kernel/cmdline, in this order
made_by_generator(guest, value)       whether grub2-mkconfig makes a menu of these entries; None: it knows none

Sources: 20-grub.install of grub2 2.02 (CentOS 8: new entries have ``$kernelopts``) and 2.06 (RHEL 9, Fedora 40: what
/etc/kernel/cmdline says, then /usr/lib/kernel/cmdline, then /proc/cmdline); 10_linux of rhboot/grub2.
"""

import posixpath
from typing import Dict, List, Optional, Sequence

from ..errors import Blocked, Malformed
from ..formats import bls, cmdline, grubenv
from ..guest import Guest
from . import bls_entries, grub_config
from .bls_entries import SHARED, Entry

CMDLINE, SHIPPED = "/etc/kernel/cmdline", "/usr/lib/kernel/cmdline"
INSTALLERS = ("/etc/kernel/install.d/%s", "/usr/lib/kernel/install.d/%s", "/lib/kernel/install.d/%s")
LINUX = "/etc/grub.d/10_linux"

Texts = Dict[str, str]


def judged(guest: Guest) -> List[Entry]:
    return [one for one in bls_entries.loaded(guest) if not one.rescue and present(guest, one)]


def present(guest: Guest, one: Entry) -> bool:
    return guest.is_file(grub_config.placed(guest, one.kernel))


def default(guest: Guest, config: str) -> Optional[Entry]:
    found = judged(guest)
    saved = bls_entries.variables(guest, config).get("saved_entry", "")
    named = [one for one in found if saved in (posixpath.basename(one.path)[:-5], one.title)]
    return next(iter(named + found), None)


def future(guest: Guest, config: str) -> List[str]:
    known, source = bls_entries.variables(guest, config), _source(guest, config)
    if source == SHARED:
        where = (bls_entries.environments(guest, config) + [config])[0]
        return bls.words(_merged(where, known.get(SHARED, ""), (), ()))
    text = (guest.text(CMDLINE) or guest.text(SHIPPED)) if source == CMDLINE else None
    if text is not None:
        return bls.words(_merged(CMDLINE, bls.expanded(_one_line(text), known), (), ()))
    booted = default(guest, config)
    return bls_entries.given(booted, known) if booted else []


def texts(guest: Guest, config: str, add: Sequence[str], remove: Sequence[str]) -> Texts:
    """Raises Blocked where a value has no room, or is decided by a variable that agentprep cannot set."""
    found: Texts = {}
    known = bls_entries.variables(guest, config)
    for path in reversed(bls_entries.environments(guest, config)):  # the one that the loader reads is the last
        content = guest.read(path) or b""
        value = bls_entries.block(guest, path).get(SHARED)
        if value:
            known[SHARED] = _merged(path, value, add, remove)
            made = _set(path, content, known[SHARED])
            found.update({} if made == content else {path: made.decode("utf-8", "surrogateescape")})
    for name in (SHARED, bls_entries.DEFAULT):  # the fallbacks in grub.cfg, which are made from /etc/default/grub
        if known.get(name):
            known[name] = _merged(config, known[name], add, remove)
    for one in judged(guest):
        text = bls_entries.with_arguments(one, known, add, remove)
        found.update({} if text == one.text else {one.path: text})
    found.update(_next_kernels(guest, config, known, add, remove))
    return found


def made_by_generator(guest: Guest, value: str) -> Optional[bool]:
    text = guest.text(LINUX) or ""
    if "GRUB_ENABLE_BLSCFG" not in text or not guest.stat(LINUX).st_mode & 0o111:  # type: ignore[union-attr]
        return None
    unset = '-z "${GRUB_ENABLE_BLSCFG}"' in text and guest.which("new-kernel-pkg") is None
    return value == "true" or (not value and unset)


def _source(guest: Guest, config: str) -> str:
    """Where the next kernel's options come from: kernelopts, /etc/kernel/cmdline, or "" when that is not known."""
    scripts = [guest.text(one % "20-grub.install") or "" for one in INSTALLERS]
    script = next((text for text in scripts if text), "")
    if CMDLINE in script or guest.exists(CMDLINE):
        return CMDLINE
    booted = default(guest, config)
    if SHARED in script or (booted and "$" + SHARED in booted.value):
        return SHARED
    other = [one % name for one in INSTALLERS for name in ("90-loaderentry.install", "20-grub.install")]
    return CMDLINE if any(map(guest.exists, other)) else ""


def _next_kernels(guest: Guest, config: str, known: Dict[str, str], add: Sequence[str], remove: Sequence[str]) -> Texts:
    """The new text of /etc/kernel/cmdline; without it the next kernel would get the running one's arguments."""
    if _source(guest, config) != CMDLINE:
        return {}
    text, booted = guest.text(CMDLINE), default(guest, config)
    if text is not None:
        value = _one_line(text)
    elif booted is not None:
        value = " ".join(bls_entries.given(booted, known))
    else:
        return {}
    made = _merged(CMDLINE, value, add, remove)
    return {} if text is not None and made == value else {CMDLINE: made + "\n"}


def _merged(path: str, value: str, add: Sequence[str], remove: Sequence[str]) -> str:
    try:
        return bls.edited(value, lambda words: cmdline.merge(words, add, remove))
    except Malformed as error:
        raise Blocked("%s: %s" % (path, error.message), error.hint) from None


def _set(path: str, content: bytes, value: str) -> bytes:
    try:
        return grubenv.set_value(content, SHARED, value)
    except Malformed as error:
        raise Blocked("%s: %s" % (path, error.message), error.hint) from None


def _one_line(text: str) -> str:
    """kernel-install reads it as words, on however many lines."""
    return text.rstrip("\n").replace("\r", "").replace("\n", " ")
