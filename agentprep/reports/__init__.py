"""The report as a document for others: test results for a pipeline, a comment for a pull request, a page for people."""

import time
from typing import Mapping, Optional

from ..verdicts import Report
from . import html, junit, markdown


def rendered(name: str, report: Report, seconds: Optional[Mapping[str, float]] = None, clock: float = 0) -> str:
    """The report as one document of the format `name`: junit, markdown or html.

    `seconds` is how long each requirement took, where that is known; `clock` is when the report was made, in seconds
    since 1970, and the present when it is 0.
    """
    now = time.gmtime(clock or time.time())
    if name == "junit":
        return junit.document(report, seconds or {}, now)
    return {"markdown": markdown.document, "html": html.document}[name](report, now)
