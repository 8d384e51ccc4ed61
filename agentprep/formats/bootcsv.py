"""BOOTX64.CSV of a vendor's folder on the EFI system partition: what shim's fallback program makes boot entries of.

    loaders(content)              the file names of its lines, in order

Grammar: shim, fallback.c (try_boot_csv, populate_stanza): UTF-16, little-endian, with or without a byte order mark;
each line is file,label,arguments,comment; one without a file or a label is passed over.
"""

import re
from typing import List


def loaders(content: bytes) -> List[str]:
    """The names of the loaders, as they are written; bytes that are no UTF-16 are none of them."""
    text = content[: len(content) & ~1].decode("utf-16-le", "replace").split("\0")[0]
    found = [line.split(",") for line in re.split(r"[\r\n]+", text.lstrip("\ufeff"))]
    return [words[0] for words in found if len(words) > 1 and words[0] and words[1]]
