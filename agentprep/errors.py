"""The few ways in which agentprep can fail, each with the exit code that it ends with.

An error is one sentence for the operator, naming the file or command that is wrong, and a hint that says what to do
next.  It is raised where it is known and caught in ``cli.py`` only.
"""

READY = 0
NOT_READY = 1
USAGE = 2
BLOCKED = 3
HALF_WAY = 4


class AgentprepError(Exception):
    """Something that an operator must read; ``message`` is what is wrong, ``hint`` what to do next."""

    exit_code = NOT_READY

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Usage(AgentprepError):
    """The command line or a policy file cannot be understood; nothing was looked at."""

    exit_code = USAGE


class Unsupported(AgentprepError):
    """The guest is of a kind that agentprep cannot prepare."""

    exit_code = BLOCKED


class Blocked(AgentprepError):
    """The guest is not in a state that a step can start from; nothing was changed by that step."""

    exit_code = BLOCKED


class Malformed(Blocked):
    """A file of the guest cannot be understood; raised by ``formats``, which do not know the file's name."""


class Unknown(AgentprepError):
    """A fact cannot be had here (no such tool, no permission, not a live system); it is not judged."""


class CommandFailed(AgentprepError):
    """A command of the guest ended with an error, took too long, or did not do what it says."""

    exit_code = HALF_WAY


class Conflict(AgentprepError):
    """Somebody changed what agentprep is about to take back; nothing was taken back."""

    exit_code = BLOCKED


class Unsettled(AgentprepError):
    """The run ended, and a requirement still does not hold."""

    exit_code = NOT_READY


class Interrupted(BaseException):
    """A signal asked agentprep to stop; raised in the main thread by the handler that ``cli.py`` installs."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
