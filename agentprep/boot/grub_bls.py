"""SUSE's grub2-bls: a GRUB 2 without grub.cfg that reads the same entries as systemd-boot, from the same place.

sdbootutil installs it as EFI/opensuse/grubbls.efi (grub.efi beside a shim), makes the entries, and leaves its mark.
GRUB reads one line of options, with its own quoting.  Sources: sdbootutil and update-bootloader of openSUSE.
"""

from typing import List, Optional, Sequence

from ..errors import Blocked, Malformed
from ..formats import bls, cmdline
from ..guest import Guest
from ..kernels import partitions
from . import esp
from .esp import Entry
from .grub_config import SUSE, loader_type
from .systemd_boot import SystemdBoot, merged


class GrubBls(SystemdBoot):
    """The grub2-bls of a guest; nothing is remembered."""

    name = "grub2-bls"

    @classmethod
    def probe(cls, guest: Guest) -> Optional[str]:
        """The evidence: sdbootutil installed a loader that is not systemd-boot, and there are entries for it."""
        marks = [path for root in partitions(guest) for path in guest.glob(root + "/EFI/*/installed_by_sdbootutil")]
        said = loader_type(guest)
        if said not in ("grub2-bls", "") or SystemdBoot.name in esp.loaders(guest).values():
            return None
        if not marks and said != "grub2-bls":
            return None
        return cls(guest).proof("%s says LOADER_TYPE=%s" % (SUSE, said) if said else "%s is there" % marks[0])

    def read(self, entry: Entry) -> List[str]:
        found = _options(self.guest.text(entry.path) or "")
        try:
            return bls.words(found.value) if found else []
        except Malformed as error:
            raise Blocked("%s: %s" % (entry.path, error.message), error.hint) from None

    def edited(self, text: str, add: Sequence[str], remove: Sequence[str]) -> str:
        found = _options(text)
        if found is None:
            return bls.added(text, "options", cmdline.join(add)) if add else text
        return bls.replaced(text, {found: bls.edited(found.value, lambda old: merged(old, add, remove))})

    def menu_on_serial(self) -> str:
        return "GRUB shows its menu on the firmware's console, which on Azure is the serial port too"


def _options(text: str) -> Optional[bls.Field]:
    """The one line of options that GRUB reads."""
    return next((field for field in bls.loaded(text) if field.key == "options"), None)
