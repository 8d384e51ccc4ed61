"""rpm and its front ends that behave: the database is a list of lines in place of the real one's file.

A line is NAME, a tab, [EPOCH:]VERSION-RELEASE, as `rpm -qa --qf` prints it; what a package brings is named by the tree.
"""

import os
from typing import Any, Callable, Dict, List, Tuple

from tests.roots import read, write
from tests.roots.pieces import Files
from tests.trees import Handler, make_tree

OLD, NEW = "/var/lib/rpm/Packages", "/var/lib/rpm/rpmdb.sqlite"
SYSIMAGE, NDB = "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/Packages.db"


def listed(**versions: str) -> str:
    """The database's content; an underscore in a name stands for a minus."""
    return "".join("%s\t%s\n" % (name.replace("_", "-"), version) for name, version in sorted(versions.items()))


def database(root: str) -> str:
    return next(path for path in (SYSIMAGE, NDB, NEW, OLD) if os.path.exists(root + path))


def packages(root: str) -> Dict[str, str]:
    return dict(line.split("\t") for line in read(root, database(root)).decode().splitlines())


def rpm(root: str, argv: Tuple[str, ...]) -> Any:
    have = packages(root)
    if argv[1] == "-qa":
        assert argv[2:5] == ("--nodigest", "--nosignature", "--qf"), argv
        return 0, "".join("%s\t%s\n" % one for one in have.items())
    assert argv[1] == "-q", argv
    if argv[2] == "--changelog":
        log = "/usr/share/doc/%s.changelog" % argv[3]
        return 0, read(root, log).decode() if os.path.exists(root + log) else "* - nobody\n- first build\n"
    missing = [name for name in argv[2:] if name not in have]
    return len(missing), "".join("package %s is not installed\n" % name for name in missing)


def removed(root: str, names: List[str]) -> None:
    """The packages are no more; of NetworkManager also what its package brought."""
    kept = ["%s\t%s\n" % one for one in packages(root).items() if one[0] not in names]
    write(root, database(root), "".join(kept).encode())
    if "NetworkManager" in names:
        for path in ["/etc/rc.d/init.d/NetworkManager"] + [
            "/etc/rc.d/rc%d.d/%s" % (level, name) for level in range(7)
            for name in os.listdir(root + "/etc/rc.d/rc%d.d" % level) if name.endswith("NetworkManager")
        ]:  # fmt: skip
            os.unlink(root + path)


def installs(brings: Callable[[], Files], **versions: str) -> Handler:
    """The handler of yum, dnf, tdnf or zypper, in whose repositories there are these packages, the agent's first."""
    there = {name.replace("_", "-"): version for name, version in versions.items()}
    agent = next(iter(there))

    def run(root: str, argv: Tuple[str, ...]) -> Any:
        words = [word for word in argv[1:] if not word.startswith("-")]
        if words[:1] in (["list"], ["refresh"], ["clean"], ["makecache"]):
            return 0
        if words[:1] == ["shell"]:  # of yum: what goes, and what comes in the same transaction
            script = [line.split() for line in read(root, words[1]).decode().splitlines() if line]
            assert script[-1] == ["run"], script
            removed(root, [name for line in script if line[0] == "remove" for name in line[1:]])
            words = ["install"] + [name for line in script if line[0] == "install" for name in line[1:]]
        assert words[:1] in (["install"], ["in"]), argv
        wanted = [word for word in words[1:] if word not in packages(root)]
        assert set(wanted) <= set(there), argv
        if agent in wanted:
            make_tree(root, brings(), minimal=False)
        lines = "".join("%s\t%s\n" % (name, there[name]) for name in wanted)
        write(root, database(root), read(root, database(root)) + lines.encode())
        return 0, "Complete!\n"

    return run
