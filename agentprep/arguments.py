"""The command line's grammar: the manual page, the completions and `--help` are made from it."""

import argparse
from typing import NoReturn

from . import __version__
from .errors import Usage

EXITS = (
    (0, "ready, or done"),
    (1, "not ready, or not brought about"),
    (2, "the command line or a policy is wrong"),
    (3, "unsupported or blocked: nothing was changed"),
    (4, "failed half-way: run and rollback are both safe then"),
)
ACTIONS = ("check", "convert", "finish", "unfinish")  # of agentprep vhd
LIMITS = ("document", "gen1", "gen2", "upload")
FORMATS = ("text", "json", "junit", "markdown", "html")
COMMANDS = (
    ("check", "say of every requirement whether it holds; changes nothing"),
    ("plan", "show every change that a run would make, as diffs; changes nothing"),
    ("run", "bring everything about, verify it, then deprovision"),
    ("rollback", "take back what the last run changed"),
    ("history", "list the runs that are on record"),
    ("explain", "say what a requirement is, why, and how to do it by hand"),
    ("policy", "print the effective policy and where each value came from"),
    ("vhd", "check a disk image outside the guest, or make it the fixed VHD that Azure takes"),
)


class Arguments(argparse.ArgumentParser):
    """argparse whose errors are ours."""

    def error(self, message: str) -> NoReturn:
        raise Usage(message, "see: %s --help" % self.prog)


def parser() -> argparse.ArgumentParser:
    common = Arguments(add_help=False, argument_default=argparse.SUPPRESS)
    every = common.add_argument_group("options of every command")
    every.add_argument("--root", metavar="DIR", help="the guest is the tree mounted at DIR")
    every.add_argument("--policy", metavar="FILE|NAME", help="a policy file, or a shipped one: default, current")
    every.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", help="one value of the policy")
    every.add_argument("--json", action="store_true", help="one JSON document on standard output")
    every.add_argument("--quiet", action="store_true", help="only what is wrong, and how it ended")
    every.add_argument("--verbose", action="store_true", help="more: titles, sources, the output of commands")
    every.add_argument("--color", choices=("auto", "always", "never"), help="colours (default: on a terminal)")
    top = Arguments(
        prog="agentprep", parents=[common], epilog=_epilog(), formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Make this Linux guest ready to be uploaded to Azure.",
    )  # fmt: skip
    top.add_argument("--version", action="version", version="agentprep " + __version__)
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, words in COMMANDS:
        one = commands.add_parser(name, parents=[common], help=words, description=words[0].upper() + words[1:] + ".")
        if name in ("check", "plan", "run", "vhd"):
            one.add_argument("--format", choices=FORMATS, help="text, or one document of this kind on standard output")
        if name in ("check", "plan", "run"):
            one.add_argument(
                "--skip", metavar="ID", action="append", default=[], help="leave a requirement out; several with commas"
            )
            one.add_argument(
                "--only", metavar="ID", action="append", default=[], help="only this requirement; several with commas"
            )
        if name in ("plan", "run"):
            one.add_argument("--no-deprovision", action="store_true", help="leave out the part that cannot be undone")
        if name == "run":
            one.add_argument("--yes", action="store_true", help="do not ask before the part that cannot be undone")
            one.add_argument("--poweroff", action="store_true", help="power the machine off as the last act")
            one.add_argument(
                "--unattended", action="store_true",
                help="as the systemd units do: ask nothing, and only where service.run or agentprep.run= allows it",
            )  # fmt: skip
        if name == "rollback":
            one.add_argument("number", nargs="?", metavar="RUN", help="back to before that run (see history)")
            one.add_argument("--force", action="store_true", help="leave files that somebody edited since as they are")
        if name == "vhd":
            one.add_argument("action", choices=ACTIONS, metavar="ACTION", help="check, convert, finish or unfinish")
            one.add_argument("file", metavar="FILE", help="a disk image")
            one.add_argument("target", nargs="?", metavar="VHD", help="convert: the fixed VHD to make of it")
            one.add_argument("--force", action="store_true", help="convert: replace a VHD that is there already")
            one.add_argument("--generation", choices=("1", "2"), help="the disk is for a VM of this generation")
            one.add_argument("--limit", choices=LIMITS, help="the largest size that is right (default: by generation)")
        if name == "explain":
            one.add_argument("id", nargs="?", metavar="ID", help="the requirement; without it all are listed")
    return top


def _epilog() -> str:
    return "exit codes:\n" + "".join("  %d  %s\n" % one for one in EXITS)
