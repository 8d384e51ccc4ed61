"""Real shells at a terminal, with the generated completions: what Tab offers, and what it leaves on the line.

A command named agentprep stands in for the real one: it prints its arguments, and two runs for `history`.
"""

import subprocess
from pathlib import Path

import pexpect

REPOSITORY = Path(__file__).resolve().parents[2]
GENERATED = REPOSITORY / "packaging" / "generated"
COMMAND = r"""#!/bin/sh
case $* in
    history) echo "0001  2026-11-23T10:00:00Z  prepared         3 changes"; exit ;;
    "history --root"[\ =]/usr) echo "0007  2026-11-23T11:00:00Z  prepared         5 changes"; exit ;;
esac
printf '<%s>' "$@"
echo '<end>'
"""
PROMPT, EVERY = "@@>", "\x18\x01"  # the key that puts all candidates on the line


class Shell:
    """An interactive shell in an empty home, `folder`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "bin").mkdir()
        command = self.folder / "bin" / "agentprep"
        command.write_text(COMMAND)
        command.chmod(0o755)
        self.environment = {
            "PATH": "%s:/usr/local/bin:/usr/bin:/bin" % command.parent, "HOME": str(self.folder), "TERM": "dumb",
            "ZDOTDIR": str(self.folder), "INPUTRC": "/dev/null", "LC_ALL": "C.UTF-8",
        }  # fmt: skip

    def candidates(self, line):
        """What the shell offers for the last word, without what stands there already up to its last =."""
        word = line.split(" ")[-1]
        prefix = word[: word.rfind("=") + 1]
        return {one[len(prefix) :] if one.startswith(prefix) else one for one in self.offered(line)}

    def offered(self, line):
        before = line.split(" ")[1:-1]
        words = self.arguments(line + EVERY)
        assert words[: len(before)] == before, "%r became %r" % (line, words)
        return words[len(before) :]

    def arguments(self, keys):
        """The arguments that a line as it is typed, with what keys do to it, gives the command."""
        self.terminal.send(keys + "\n")
        self.terminal.expect("<end>\r\n")
        told = self.terminal.before
        self.terminal.expect(PROMPT)
        return told[told.rindex("\n") + 2 : -1].split("><")

    def _start(self, argv, *commands):
        self.terminal = pexpect.spawn(
            argv[0], argv[1:], encoding="utf-8", env=self.environment, cwd=str(self.folder), dimensions=(50, 4000),
            timeout=20,
        )  # fmt: skip
        self.terminal.sendline("PS1='@@''>'")
        self.terminal.expect(PROMPT)
        for command in commands:
            self.terminal.sendline(command)
            self.terminal.expect(PROMPT)

    def close(self):
        self.terminal.close(force=True)


class Bash(Shell):
    """bash as its own package has it, and with bash-completion, which loads a command's file when it is asked for."""

    def __init__(self, folder, library=False):
        super().__init__(folder)
        load = ". %s/agentprep.bash" % GENERATED
        if library:
            place = self.folder / "completions"
            place.mkdir()
            (place / "agentprep").symlink_to(GENERATED / "agentprep.bash")
            self.environment["BASH_COMPLETION_USER_DIR"] = str(self.folder)
            load = ". /usr/share/bash-completion/bash_completion"
        self._start(
            ["bash", "--norc", "--noprofile", "-i"], load, "bind 'set bell-style none'",
            "bind 'set enable-bracketed-paste off'", "bind '\"\\C-x\\C-a\": insert-completions'",
        )  # fmt: skip


class Zsh(Shell):
    def __init__(self, folder):
        super().__init__(folder)
        self._start(
            ["zsh", "-f", "-i"], "unset zle_bracketed_paste; unsetopt beep",
            "fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D" % GENERATED,
            "zle -C every complete-word _generic; bindkey '^X^A' every",
            "zstyle ':completion:every:*' completer _all_matches _complete",
            "zstyle ':completion:every:*' insert true",
        )  # fmt: skip


class Fish(Shell):
    """fish is asked by its own `complete -C`; what Tab leaves on the line is its business."""

    def offered(self, line):
        script = "source %s/agentprep.fish; complete -C $argv[1]" % GENERATED
        done = subprocess.run(
            ["fish", "--no-config", "-c", script, line], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.environment, cwd=str(self.folder), check=True, timeout=60,
        )  # fmt: skip
        assert done.stderr == b"", done.stderr.decode()
        return [one.split("\t")[0] for one in done.stdout.decode().splitlines()]

    def close(self):
        pass
