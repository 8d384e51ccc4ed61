"""Documents as a strict reader of the standard library takes them."""

from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import HealthCheck, settings

from agentprep.reports import rendered
from agentprep.reports.prose import clean

FORMATS = ("junit", "markdown", "html")
SLOWLY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
VOID = ("meta", "input", "br", "rect")


def one_line(text):
    return " ".join(clean(text).split())


def suite_of(told, **more):
    return ElementTree.fromstring(rendered("junit", told, **more).encode("ascii")).find("testsuite")


class Page(HTMLParser):
    """A page as a strict reader takes it: every element is closed by its own end tag."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.ids, self.links, self.text, self.style = (
            [],
            set(),
            set(),
            [],
            [],
            [],
            "",
        )
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        names = [name for name, _ in attributes]
        assert len(set(names)) == len(names)
        self.attributes.update(names)
        given_ = dict(attributes)
        self.ids += [given_["id"]] if "id" in given_ else []
        self.links += [given_["href"]] if "href" in given_ else []
        if tag not in VOID:
            self.open.append(tag)

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open[-1:] == ["style"]:
            self.style += text
        else:
            self.text.append(text)

    def handle_comment(self, text):
        raise AssertionError("a comment: " + text)
