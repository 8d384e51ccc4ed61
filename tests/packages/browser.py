"""A headless Chromium that can be asked what it did: requests, complaints, pictures."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")  # fmt: skip


class Browser:
    """A page is seen at a width, light or dark, as on a screen or on paper."""

    def __init__(self, driver):
        self.driver = driver

    def see(self, url, width=1280, dark=False, media="screen"):
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.driver.get(url)

    def do(self, command, **more):
        return self.driver.execute_cdp_cmd(command, more)

    def told(self, expression):
        """What an expression is, or becomes; it is the debugger that asks, which no policy of the page forbids."""
        result = self.do("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def requests(self):
        """The addresses that were asked for since the last look."""
        events = [json.loads(one["message"])["message"] for one in self.driver.get_log("performance")]
        return [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        return self.driver.get_log("browser")


@contextmanager
def browser(folder):
    """It is gone when the context ends, and so is all that it wrote."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS + ("--user-data-dir=%s" % folder,):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


class Site:
    """Pages by name on this machine; `asked` are the paths that were asked for."""

    def __init__(self):
        self.pages, self.asked = {}, []
        site = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                page = site.pages.get(self.path.strip("/"))
                self.send_response(404 if page is None else 200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write((page or "").encode("ascii"))

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)

    @property
    def url(self):
        return "http://127.0.0.1:%d/" % self.server.server_address[1]

    @contextmanager
    def open(self):
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()
