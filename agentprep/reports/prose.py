"""Text of the guest, fit to be shown elsewhere: without control characters and passwords, and cut where it is long.

Sentences are parted into prose and code by the look of their words, so that a path stands out, and so that nothing but
plain words is ever left outside of code: a markdown site makes links and mentions of what is no plain word.
"""

import re
from typing import List, NamedTuple

from ..report import safe


class Part(NamedTuple):
    """Some words of a sentence; `code` when they name something of the guest."""

    code: bool
    text: str


HIDDEN = "(hidden)"
# crypt(5); GRUB 2 manual, 'password_pbkdf2'; GRUB Legacy manual, 'password'; the keys of mount.cifs(8), nm-settings(5),
# wpa_supplicant.conf(5) and dracut.cmdline(7).
SECRETS = (
    re.compile(r"()\$(?:1|2[abxy]?|5|6|7|y|gy|sm3|md5|sha1)\$[^\s:'\"]{4,}"),
    re.compile(r"(grub\.pbkdf2\.sha512\.)[0-9A-Za-z.]+"),
    re.compile(r"(?mi)(^[-+ ]?[ \t]*password[ \t]+(?:--?\w+[ \t]+)?)\S.*$"),
    re.compile(
        r"(?i)(\b(?:password|passwd|passphrase|psk|wep-key[0-3]|secret)[ \t]*=[ \t]*)"
        r"(?:\"[^\"\n]+\"|'[^'\n]+'|[^\s,;\"']+)"
    ),
)  # fmt: skip


PLAIN = re.compile(r"[\n\t -~]*\Z")


def clean(text: str) -> str:
    """The text with no control character but newline and tab, and with each password or hash of one hidden."""
    for pattern in SECRETS:
        text = pattern.sub(r"\1" + HIDDEN, text)
    return text if PLAIN.match(text) else "\t".join(safe(part) for part in text.split("\t"))


WORD = re.compile(r"[\"'(]*[^\W\d_]+(?:['’-][^\W\d_]+)*[\"')]*[.,;:!?]*\Z")
NUMBER = re.compile(r"\(?\d{1,6}(?:(?:\.\d{1,6})+|-[^\W\d_]+)?[,;:]?\Z")
COMMIT = re.compile(r"(?<![^\W_])[a-f]{7,}(?![^\W_])")  # GitHub links a word of seven hexadecimal digits to a commit
BETWEEN = ("-", "=", "+", "GNU/Linux")  # prose where they stand between words
MARKS = re.compile(r"[\"'().,;:!?]+\Z")


def parts(text: str) -> List[Part]:
    """The sentence on one line, as prose and code in turn; what stands between two backticks is code."""
    told: List[Part] = []
    for number, piece in enumerate(re.split(r"`([^`\n]+)`", clean(text))):
        if number % 2:
            told.append(Part(True, " ".join(piece.split()) or piece))
        else:
            _words(piece, told)
    return [one for one in _joined(told) if one.text]


def sentence(text: str) -> List[Part]:
    """The same, with a capital letter where it begins with prose, and not with a command."""
    told = parts(text)
    if told and not told[0].code and not text.startswith(("agentprep ", "sudo ")):
        told[0] = Part(False, told[0].text[:1].upper() + told[0].text[1:])
    return told


def _words(piece: str, told: List[Part]) -> None:
    for space, word in re.findall(r"(\s*)(\S+)", piece):
        told.append(Part(False, " " if space and told else ""))
        between = bool(told[-1].text) and word in BETWEEN
        known = WORD.match(word) and not COMMIT.search(word)
        if between or known or NUMBER.match(word) or MARKS.match(word):
            told.append(Part(False, word))
        else:
            before, name, after = _bare(word)
            told += [Part(False, before), Part(True, name), Part(False, after)]
    if piece[-1:].isspace():
        told.append(Part(False, " "))


def _bare(word: str) -> List[str]:
    """What stands before a name, the name, and the punctuation after it: `(a(5),` is `(`, `a(5)`, `,`."""
    name = word.rstrip(".,;:!?")
    if not name:
        return ["", word, ""]
    before, after = "", word[len(name) :]
    if name[0] == "(" and len(name) > 2 and (name[-1] == ")" or name.count("(") > name.count(")")):
        before, name = "(", name[1:]
    if len(name) > 1 and name[-1] in "\"'" and name.count(name[-1]) % 2:
        name, after = name[:-1], name[-1] + after
    elif len(name) > 1 and name[0] in "\"'" and name.count(name[0]) % 2:
        before, name = before + name[0], name[1:]
    if name[-1] == ")" and len(name) > 1 and name.count(")") > name.count("("):
        name, after = name[:-1], ")" + after
    return [before, name, after]


def _joined(told: List[Part]) -> List[Part]:
    """Parts of a kind that follow each other are one; two names with only a space between them as well."""
    joined: List[Part] = []
    for one in [part for part in told if part.text]:
        if joined and joined[-1].code == one.code:
            joined[-1] = Part(one.code, joined[-1].text + one.text)
        elif one.code and len(joined) > 1 and joined[-1].text == " ":
            joined.pop()
            joined[-1] = Part(True, joined[-1].text + " " + one.text)
        else:
            joined.append(one)
    return joined


def shortened(text: str, limit: int, whole: str) -> str:
    """The text itself, or its beginning, at most `limit` characters, and a last line that says where the whole is."""
    if len(text) <= limit:
        return text
    kept = text[:limit]
    kept = kept[: kept.rfind("\n") + 1] if "\n" in kept else kept + "\n" if kept else ""
    left = text[len(kept) :].count("\n") + (0 if text.endswith("\n") else 1)
    return kept + "[%d more %s; %s]\n" % (left, "line" if left == 1 else "lines", whole)
