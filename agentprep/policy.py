"""The policy: what agentprep brings about, from the specification, a shipped policy, /etc/agentprep.conf, and flags.

A later source wins. Each value knows where it came from. An unknown key or a bad value is an error (exit code 2) that
names the file, the line, the key, and what is allowed.
"""

import functools
import os
import re
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .distros import FAMILIES
from .errors import Usage

HERE = os.path.dirname(os.path.abspath(__file__))
SHIPPED = ("default", "current")
FILE = "/etc/agentprep.conf"
KINDS = {
    "string_list": "a list of words separated by commas",
    "boolean": "yes or no",
    "integer": "a whole number",
    "string": "a text",
    "option": "one of",
}


class Value(NamedTuple):
    """A value of the policy and the source that it came from."""

    value: Any
    source: str


class Policy:
    """The effective policy; `values` is keyed by (section, key) and by (section, scope, key).

    A scope is a family of distributions, with or without a release: suse, rhel-6, ubuntu-14.04.
    """

    def __init__(self, values: Dict[Tuple[str, ...], Value], scopes: Sequence[str] = ()) -> None:
        self.values, self.scopes = values, tuple(scopes)

    def on(self, family: str, release: str = "") -> "Policy":
        """The policy as it is for guests of a family and release: what is said of the release wins."""
        parts = release.split(".")
        releases = [".".join(parts[:number]) for number in range(len(parts), 0, -1) if release]
        return Policy(self.values, ["%s-%s" % (family, one) for one in releases] + [family])

    def without(self, section: str) -> "Policy":
        """The policy with every list of a section empty: nothing of it is asked for."""
        values = dict(self.values)
        for name, value in values.items():
            if name[0] == section and isinstance(value.value, list):
                values[name] = Value([], "left out")
        return Policy(values, self.scopes)

    def value(self, name: str) -> Value:
        """The value of `section.key`."""
        section, key = name.split(".", 1)
        scoped = (self.values.get((section, scope, key)) for scope in self.scopes)
        return next((value for value in scoped if value is not None), self.values[section, key])

    def scoped(self, section: str) -> Dict[str, Dict[str, Value]]:
        """What a section says of single families and releases: {scope: {key: value}}."""
        found: Dict[str, Dict[str, Value]] = {}
        for name in sorted(name for name in self.values if len(name) == 3 and name[0] == section):
            found.setdefault(name[1], {})[name[2]] = self.values[name]
        return found

    def words(self, name: str) -> List[str]:
        return list(self.value(name).value)

    def text(self, name: str) -> str:
        return str(self.value(name).value)

    def flag(self, name: str) -> bool:
        return bool(self.value(name).value)

    def number(self, name: str) -> int:
        return int(self.value(name).value)


def load(named: Optional[str], settings: Sequence[str] = (), file: Optional[str] = FILE) -> Policy:
    """The policy of a shipped name or a file (None: the default), /etc/agentprep.conf when it exists, and `--set`s."""
    values = _defaults()
    if named in SHIPPED:
        _overlay(values, _file(os.path.join(HERE, str(named) + ".conf"), "policy %s" % named))
    if file and os.path.exists(file) and (named is None or named in SHIPPED):
        _overlay(values, _file(file, file))
    if named is not None and named not in SHIPPED:
        if not os.path.exists(named):
            raise Usage("there is no policy %s" % named, "give a file that exists or one of: %s" % ", ".join(SHIPPED))
        _overlay(values, _file(named, named))
    for setting in settings:
        _overlay(values, _setting(setting))
    return Policy(values)


def _overlay(values: Dict[Tuple[str, ...], Value], later: Dict[Tuple[str, ...], Value]) -> None:
    """The values are those of a later source where it has any: what it says of all guests, or of a whole family, wins
    over what an earlier one said of some of them."""
    for name in later:
        wider = name[1] + "-" if len(name) == 3 else ""
        for old in [old for old in values if len(old) == 3 and (old[0], old[2]) == (name[0], name[-1])]:
            if old[1].startswith(wider):
                del values[old]
    values.update(later)


def documented() -> List[Tuple[str, str, str]]:
    """Every `section.key`, its type in words, and its documentation, in the order of policy.spec."""
    out, comment, section = [], [], ""  # type: List[Tuple[str, str, str]], List[str], str
    with open(os.path.join(HERE, "policy.spec"), "r", encoding="utf-8") as stream:
        for line in stream:
            line = line.strip()
            if line.startswith("#"):
                comment.append(line[1:].strip())
            elif line.startswith("["):
                section, comment = line.strip("[]"), []
            elif "=" in line:
                key, check = (part.strip() for part in line.split("=", 1))
                out.append(("%s.%s" % (section, key), _kind(check), " ".join(comment)))
                comment = []
    return out


def _spec() -> Any:
    from configobj import ConfigObj  # imported where it is used: it takes a third of the start-up time

    return ConfigObj(
        os.path.join(HERE, "policy.spec"), interpolation=False, list_values=False, _inspec=True, encoding="utf-8"
    )


@functools.lru_cache(maxsize=1)  # a constant of the package, read when it is first needed
def _checks() -> Dict[Tuple[str, str], str]:
    return {(section, key): keys[key] for section, keys in _spec().items() for key in keys}


def _defaults() -> Dict[Tuple[str, ...], Value]:
    validator = _validator()
    return {name: Value(validator.get_default_value(check), "default") for name, check in _checks().items()}


def _validator() -> Any:
    try:
        from configobj.validate import Validator
    except ImportError:  # configobj < 5.0.7 ships it as a top-level module
        from validate import Validator
    return Validator()


def _file(path: str, source: str) -> Dict[Tuple[str, ...], Value]:
    from configobj import ConfigObj, ConfigObjError

    if os.path.exists(path) and not os.path.isfile(path):
        raise Usage("policy file %s cannot be read: it is no regular file" % path, "give a readable file")
    try:
        with open(path, "rb") as stream:
            content = stream.read(1 << 20)
        lines = content.decode("utf-8").splitlines()
        config = ConfigObj(lines, interpolation=False)
    except OSError as error:
        raise Usage("policy file %s cannot be read: %s" % (path, error.strerror), "give a readable file") from None
    except UnicodeDecodeError:
        raise Usage("policy file %s is not UTF-8 text" % path, "see `agentprep policy` for what it may hold") from None
    except ConfigObjError as error:
        first = (getattr(error, "errors", None) or [error])[0]
        raise Usage("policy file %s: %s" % (path, first), "each line is `key = value` below a [section]") from None
    values: Dict[Tuple[str, ...], Value] = {}
    for section, keys in config.items():
        if not isinstance(keys, dict):
            raise _unknown(path, lines, (section,))
        for key, value in keys.items():
            if isinstance(value, dict):
                _known_scope(key, section, path, lines)
                for inner, inner_value in value.items():
                    checked = _checked(section, inner, inner_value, path, _line(lines, (section, key, inner)))
                    values[section, key, inner] = Value(checked, source)
            else:
                values[section, key] = Value(_checked(section, key, value, path, _line(lines, (section, key))), source)
    return values


def _setting(setting: str) -> Dict[Tuple[str, ...], Value]:
    match = re.match(r"([a-z-]+)\.([a-z_]+)=(.*)$", setting, re.S)
    if not match:
        raise Usage("--set %s is not section.key=value" % setting, "for example: --set limits.command=3600")
    section, key, text = match.groups()
    value: Any = text
    if _checks().get((section, key), "").startswith("string_list"):
        value = [word for word in re.split(r"\s+", text) if word]
    return {(section, key): Value(_checked(section, key, value, "--set", 0), "--set")}


def _checked(section: str, key: str, value: Any, path: str, line: int) -> Any:
    place = "%s, line %d" % (path, line) if line else path
    checks = _checks()
    if (section, key) not in checks:
        sections = sorted({name for name, _ in checks})
        keys = sorted(name for one, name in checks if one == section)
        known = "[%s] may hold: %s" % (section, ", ".join(keys)) if keys else "sections are: %s" % ", ".join(sections)
        raise Usage("%s: unknown key %s in [%s]" % (place, key, section), known)
    check = checks[section, key]
    if check.startswith("string_list") and isinstance(value, str):
        value = [value] if value else []
    validator = _validator()
    kinds = sys.modules[type(validator).__module__].ValidateError  # its module's name depends on the version
    try:
        return validator.check(check, value)
    except kinds:
        raise Usage("%s: %s in [%s] cannot be %r" % (place, key, section, value), "it is %s" % _kind(check)) from None


def _known_scope(scope: str, section: str, path: str, lines: List[str]) -> None:
    """Raises Usage when a subsection is named after no family of the table of distributions."""
    family, _, release = scope.partition("-")
    if family in FAMILIES and (release == "" if scope == family else re.match(r"\d+(\.\d+)*$", release)):
        return
    header = re.compile(r"\s*\[\[\s*%s\s*\]\]" % re.escape(scope))
    line = next((number for number, line in enumerate(lines, 1) if header.match(line)), 0)
    raise Usage(
        "%s, line %d: [[%s]] in [%s] is no family of distributions" % (path, line, scope, section),
        "families are: %s; one of its releases is written so: rhel-8" % ", ".join(FAMILIES),
    )


def _unknown(path: str, lines: List[str], names: Tuple[str, ...]) -> Usage:
    sections = sorted({section for section, _ in _checks()})
    return Usage(
        "%s, line %d: %s stands outside a section" % (path, _line(lines, names), names[-1]),
        "sections are: %s" % ", ".join("[%s]" % section for section in sections),
    )


def _line(lines: List[str], names: Tuple[str, ...]) -> int:
    depth = 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if depth < len(names) - 1 and re.match(r"\[+\s*%s\s*\]+" % re.escape(names[depth]), text):
            depth += 1
        elif depth == len(names) - 1 and re.match(r"[\"']?%s[\"']?\s*=" % re.escape(names[-1]), text):
            return number
    return 0


def _kind(check: str) -> str:
    name, _, rest = check.partition("(")
    if name == "option":
        return "one of " + ", ".join(re.findall(r'"([^"]*)"', rest.split("default=")[0]))
    limits = re.findall(r"(min|max)=(\d+)", rest)
    return KINDS.get(name, name) + (" from %s to %s" % (limits[0][1], limits[1][1]) if len(limits) == 2 else "")
