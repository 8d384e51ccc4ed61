"""GRUB's own menu on the serial port, as /etc/default/grub asks for it.

serial(defaults)                      the setting by which the menu is on the serial port, or ""
wanted(defaults, speed)               {variable: value} after which it is there at that speed, and on the screen
"""

from typing import Dict

from .grub_defaults import Defaults

PORT = "serial --speed=%d --unit=0 --word=8 --parity=no --stop=1"


def serial(defaults: Defaults) -> str:
    """The setting by which GRUB reads keys from the serial port and writes its menu there, or ""."""
    both = defaults.value("GRUB_TERMINAL").split()
    ways = [both or defaults.value("GRUB_TERMINAL_" + way).split() for way in ("INPUT", "OUTPUT")]
    if not all("serial" in way for way in ways):
        return ""
    name = "GRUB_TERMINAL" if both else "GRUB_TERMINAL_OUTPUT"
    text = '%s="%s" in %s' % (name, defaults.value(name), defaults.where(name))
    return text + ("; GRUB_TIMEOUT=0 leaves no time to use it" if defaults.value("GRUB_TIMEOUT") == "0" else "")


def wanted(defaults: Defaults, speed: int) -> Dict[str, str]:
    values = {} if serial(defaults) else {"GRUB_TERMINAL": "serial console"}
    port = defaults.value("GRUB_SERIAL_COMMAND").split()
    if "--speed=%d" % speed not in port or any(w.startswith("--unit=") and w != "--unit=0" for w in port):
        values["GRUB_SERIAL_COMMAND"] = PORT % speed
    return values
