"""An rpm and its front ends that behave, for trees: the database is a text of `name<TAB>version` lines.

    files = {"/var/lib/rpm/rpmdb.sqlite": database("bash-5.1.8-9.el9", "NetworkManager-1:1.54-1.el9")}
    commands = handlers({"WALinuxAgent": {"/usr/sbin/waagent": Program("..."), "/etc/waagent.conf": "..."}})

Installing a package that `handlers` was told of puts its files there; any other is in no repository.  A package of
`conflicts` is refused as long as the other is installed, as by Conflicts: in its spec file.
"""

import os
import posixpath
from typing import Any, Dict, List, Mapping

from tests.trees import Argv, Content, Handler, make_tree

PATHS = ("/usr/lib/sysimage/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/Packages.db", "/var/lib/rpm/rpmdb.sqlite",
         "/var/lib/rpm/Packages.db", "/var/lib/rpm/Packages")  # fmt: skip


def database(*packages: str) -> str:
    """The database of packages, each NAME-[EPOCH:]VERSION-RELEASE."""
    parts = [package.rsplit("-", 2) for package in packages]
    return "".join("%s\t%s-%s\n" % (name, version, release) for name, version, release in parts)


def listed(root: str) -> Dict[str, str]:
    """What the tree's database lists: name -> version."""
    with open(_where(root)) as stream:
        return dict(line.rstrip("\n").split("\t") for line in stream)


def handlers(brings: Mapping[str, Mapping[str, Content]], conflicts: Mapping[str, str] = {}) -> Dict[str, Handler]:  # noqa: B006
    """rpm, dnf, microdnf, tdnf, yum and zypper of a guest whose repositories have the packages of `brings`."""

    def put(root: str, names: List[str], gone: List[str]) -> None:
        have = {name: version for name, version in listed(root).items() if name not in gone}
        for name in names:
            have.setdefault(name, "1-1")
            missing = {path: what for path, what in brings[name].items() if not os.path.lexists(root + path)}
            make_tree(root, missing, minimal=False)
        with open(_where(root), "w") as stream:
            stream.write("".join("%s\t%s\n" % one for one in sorted(have.items())))

    def install(root: str, argv: Argv) -> Any:
        tool, have = posixpath.basename(argv[0]), listed(root)
        verb = next((place for place, word in enumerate(argv) if word in ("install", "reinstall", "list", "shell")), 0)
        assert verb, argv
        names = [name for name in argv[verb + 1 :] if name[0] not in "-!" and name != "available"]
        gone = [name[1:] for name in argv[verb + 1 :] if name.startswith("!") and name[1:] in have]
        if argv[verb] == "shell":
            with open(root + names[0]) as stream:
                lines = [line.split() for line in stream if line.split()[1:]]
            names = [name for line in lines if line[0] == "install" for name in line[1:]]
            gone = [name for line in lines if line[0] == "remove" for name in line[1:]]
        absent = [name for name in names if name not in brings]
        if absent and (tool != "yum" or len(absent) == len(names) or argv[verb] == "list"):
            return (
                (104, "No provider of '%s' found." % absent[0])
                if tool == "zypper"
                else (1, "No match for argument: %s" % absent[0])
            )
        if argv[verb] == "list":
            return 0
        names = [name for name in names if name not in absent]
        if "--allowerasing" in argv:
            gone += [conflicts[name] for name in names if conflicts.get(name) in have]
        bad = [name for name in names if conflicts.get(name) in have and conflicts[name] not in gone]
        if bad:
            return (4 if tool == "zypper" else 1), "%s conflicts with %s" % (bad[0], conflicts[bad[0]])
        put(root, names, gone)
        return 0

    def rpm(root: str, argv: Argv) -> Any:
        have = listed(root)
        if argv[1] == "-qa":
            with open(_where(root)) as stream:
                return 0, stream.read()
        names = [name for name in argv[2:] if not name.startswith("-")]
        absent = [name for name in names if name not in have]
        return len(absent), "".join("package %s is not installed\n" % name for name in absent)

    return dict({"rpm": rpm}, **dict.fromkeys(("dnf", "dnf5", "microdnf", "tdnf", "yum", "zypper"), install))


def _where(root: str) -> str:
    return next(root + path for path in PATHS if os.path.isfile(root + path))
