"""The layer rule: a file of agentprep imports only from rows above its own."""

import ast
import os

import agentprep

HERE = os.path.dirname(agentprep.__file__)
ROWS = (
    ("__init__", "errors", "formats"),
    ("signals",),
    ("commands", "filters"),
    ("guest",),
    ("changes", "enter"),
    ("verdicts",),
    (
        "policy",
        "distros",
        "journal",
        "kernels",
        "live",
        "evidence",
        "accounts",
        "devices",
        "mounts",
        "swaps",
        "machine",
        "selinux",
    ),
    ("modules", "preflight", "release"),
    ("boot", "initrd", "pkg", "init", "net"),
    ("system",),
    ("step", "provisioner", "hostkeys", "by_hand"),
    ("steps", "deprovision"),
    ("engine",),
    ("report",),
    ("session", "terminal", "reports", "unattended", "vhd"),
    ("arguments", "output"),
    ("guest_commands",),
    ("cli",),
    ("__main__",),
)
ROW = {name: number for number, names in enumerate(ROWS) for name in names}


def sources():
    for folder, _, names in os.walk(HERE):
        for name in sorted(names):
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                yield os.path.relpath(path, HERE)[:-3].split(os.sep), path


def imported(parts, path):
    """The modules of agentprep that a file imports, as the first part of their name."""
    with open(path, encoding="utf-8") as stream:
        tree = ast.parse(stream.read())
    package = ["agentprep"] + parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = base + (node.module.split(".") if node.module else [])
            names = [module + [alias.name] for alias in node.names]
        else:
            continue
        for name in names:
            if name[0] == "agentprep":
                known = len(name) > 1 and name[1] in ROW
                yield name[1] if known else "__init__"


def test_every_file_has_a_row():
    unknown = {parts[0] for parts, _ in sources()} - set(ROW)
    assert not unknown, "give these a row: %s" % sorted(unknown)


def test_imports_point_upwards():
    wrong = []
    for parts, path in sources():
        for name in imported(parts, path):
            same_package = name == parts[0]
            if not same_package and ROW[name] > ROW[parts[0]]:
                wrong.append("%s imports %s" % ("/".join(parts), name))
    assert not wrong, "\n".join(wrong)


def test_formats_do_no_io():
    allowed = {"agentprep", "typing", "re", "posixpath", "fnmatch", "string", "struct", "io", "bz2", "lzma", "zlib",
               "shlex", "uuid", "itertools", "functools", "enum", "stat", "codecs", "unicodedata", "collections",
               "binascii", "bisect", "errno", "os.path", "math", "contextlib", "operator", "abc", "textwrap",
               "difflib"}  # fmt: skip
    wrong = []
    for parts, path in sources():
        if parts[0] != "formats":
            continue
        with open(path, encoding="utf-8") as stream:
            tree = ast.parse(stream.read())
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            wrong += ["/".join(parts) + " imports " + name for name in names if name.split(".")[0] not in allowed]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "print"):
                wrong.append("/".join(parts) + " calls " + node.func.id)
    assert not wrong, "\n".join(wrong)


def test_only_the_command_line_prints_and_exits():
    for parts, path in sources():
        with open(path, encoding="utf-8") as stream:
            tree = ast.parse(stream.read())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                assert parts[0] in ("cli", "__main__"), "/".join(parts)
            if isinstance(node, ast.Attribute) and node.attr == "exit" and getattr(node.value, "id", "") == "sys":
                assert parts[0] in ("cli", "__main__"), "/".join(parts)
