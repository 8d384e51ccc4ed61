#!/usr/bin/env python3
"""Writes the manual, the conf file and the shells' completions, from templates/ and the same records as --help has.

usage: generate.py [FOLDER]      into packaging/generated, or FOLDER; `make generated` runs it
The same bytes come out whatever the Python, the locale, the terminal and the working folder.
"""

import os
import sys
from typing import Dict

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import completion  # noqa: E402
import conffile  # noqa: E402
import manpage  # noqa: E402


def texts() -> Dict[str, str]:
    """Every generated file by its name."""
    return {
        "agentprep.8": manpage.manual(),
        "agentprep.conf.5": manpage.format_manual(),
        "agentprep.conf": conffile.text(),
        "agentprep.bash": completion.bash(),
        "_agentprep": completion.zsh(),
        "agentprep.fish": completion.fish(),
    }


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "generated")
    os.makedirs(folder, exist_ok=True)
    for name, text in texts().items():
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)


if __name__ == "__main__":
    main()
