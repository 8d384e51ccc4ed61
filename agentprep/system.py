"""The system: the guest with the mechanisms that govern it, each picked by evidence, and the distribution's names."""

import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from . import boot, init, initrd, machine, pkg
from .errors import AgentprepError
from .evidence import AUTO
from .guest import Guest
from .kernels import Kernel, installed
from .live import Live
from .release import Distro, identified

MECHANISMS = ("boot", "initrd", "packages", "init")


class Picked(NamedTuple):
    """A mechanism and the sentence that proves its use."""

    backend: Any
    evidence: str


class System:
    """The guest and what governs it; every property is found out when it is first asked for, and raises if it must."""

    def __init__(
        self,
        guest: Guest,
        live: Optional[Live] = None,
        read: Optional[Dict[Any, Any]] = None,
        wanted: Optional[Dict[str, str]] = None,
    ) -> None:
        self.guest, self.live = guest, live
        self.wanted = wanted or {}  # mechanisms that the policy names: boot, initrd, packages, init
        self.read: Dict[Any, Any] = {} if read is None else read  # what large files held, by their identity
        self.touched: List[str] = []  # what a walk has written so far, for rules that derive from all of it
        self._found: Dict[str, Any] = {}

    def on(self, guest: Guest) -> "System":
        """The same system as seen on another guest: a draft, or the guest again after a package was installed."""
        return System(guest, self.live, self.read, self.wanted)

    def _once(self, name: str, find: Callable[[], Any]) -> Any:
        if name not in self._found:
            self._found[name] = find()
        return self._found[name]

    @property
    def distro(self) -> Distro:
        found: Distro = self._once("distro", lambda: identified(self.guest))
        return found

    @property
    def kernels(self) -> List[Kernel]:
        found: List[Kernel] = self._once("kernels", lambda: installed(self.guest))
        return found

    @property
    def architecture(self) -> str:
        """x86_64 or aarch64 (or what else the guest's own /bin/sh or init is built for)."""
        found: str = self._once("architecture", lambda: machine.architecture(self.guest))
        return found

    @property
    def firmware(self) -> Picked:
        """`bios` or `uefi`: how the guest's disk is made to boot, not how this machine was booted."""
        found: Picked = self._once("firmware", lambda: Picked(*machine.firmware(self.guest, self.live is not None)))
        return found

    @property
    def boot(self) -> Any:
        """The boot backend; raises Blocked when none or more than one is in use."""
        return self.picked("boot").backend

    @property
    def initrd(self) -> Any:
        """The initrd backend, told which image each kernel's boot entry loads."""
        backend = self.picked("initrd").backend
        backend.named = self._once("images", self._images)
        backend.live = self.live is not None
        return backend

    def _images(self) -> Dict[str, str]:
        try:
            loaded = self.boot.initrds()
        except AgentprepError:
            return {}  # kernel-cmdline tells what is wrong with the boot loader
        return {version: _own(version, paths) for version, paths in loaded.items() if paths}

    @property
    def packages(self) -> Any:
        return self.picked("packages").backend

    @property
    def init(self) -> Any:
        return self.picked("init").backend

    def picked(self, name: str) -> Picked:
        """The backend of boot, initrd, packages or init, with its evidence."""
        modules = {"boot": boot, "initrd": initrd, "packages": pkg, "init": init}
        return Picked(*self._once(name, lambda: modules[name].pick(self.guest, self.wanted.get(name, AUTO))))

    def evidence(self) -> Dict[str, str]:
        """Every mechanism that was detected and why; what could not be detected says so."""
        told = {}
        for name in MECHANISMS:
            try:
                told[name] = self.picked(name).evidence
            except AgentprepError as error:
                told[name] = error.message
        told["firmware"] = "%s: %s" % self.firmware
        return told


def _own(version: str, paths: List[str]) -> str:
    """Of the initrds that a kernel's entries load the one that its tool makes; else the last that names the kernel."""
    named = [path for path in paths if version in path] or paths
    usual = re.compile(r"/(initrd|initramfs)(\.img)?-%s(\.img)?$" % re.escape(version))
    return ([path for path in named if usual.search(path)] or named)[-1]
