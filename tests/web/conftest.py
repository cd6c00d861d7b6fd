"""Pages in a real browser: Debian's Chromium, driven by Playwright. On Debian `apt-get install chromium` brings it."""

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from tests.live.conftest import Pipeline

#: Where a screenshot of each page is left, to be looked at.
SHOTS = Path(__file__).parents[2] / "var" / "screenshots"

#: Milliseconds that a page may take to show what a test waits for; a job has its own time.
PATIENCE = 20_000

#: Milliseconds that a job of these tests may take.
JOB = 180_000

#: How much a finding of axe hinders people before it is an error.
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="session")
def chromium():
    """The browser."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "These tests drive a real browser. On Debian: apt-get install chromium"
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # Without a sandbox of its own, as the tests may run as root; it sees nothing but this service.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """One visitor: a page whose mistakes are noted, and which must not leave the service."""

    def __init__(self, context, root):
        self.root = root
        self.context = context
        self.mistakes = []
        #: Statuses of answers that a test provokes; browsers write an error for each.
        self.expected = set()
        context.set_default_timeout(PATIENCE)
        context.on("request", self._stays)
        self.page = context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.mistakes.append(f"script: {error}"))

    def _stays(self, request):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and not request.url.startswith(self.root):
            self.mistakes.append(f"left the service: {request.url}")

    def _said(self, message):
        # htmx writes one more.
        expected = {f"{told} {code}" for told in ("status of", "Error Code") for code in self.expected}
        if message.type in ("error", "warning") and not any(one in message.text for one in expected):
            self.mistakes.append(f"console: {message.text}")

    def open(self, path):
        """Go to a path of the service; return the page."""
        self.page.goto(self.root + path)
        return self.page

    def look(self, name):
        """Find what hinders people, at the width of a desk and of a phone, in light and in dark; leave screenshots."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        found = []
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for width in (1200, 360):
                self.page.set_viewport_size({"width": width, "height": 800})
                self.page.wait_for_timeout(200)
                self.page.screenshot(path=SHOTS / f"{name}_{scheme}_{width}.png", full_page=True)
                if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    found.append(f"{scheme}, {width} px: wider than the screen")
            violations = Axe().run(self.page).response["violations"]
            self._report(name, scheme, violations)
            for violation in violations:
                if violation["impact"] in SERIOUS:
                    where = [node["html"][:200] for node in violation["nodes"][:3]]
                    found.append(f"{scheme}: {violation['id']}: {violation['help']} {where}")
        self.page.set_viewport_size({"width": 1200, "height": 800})
        self.page.emulate_media(color_scheme="light")
        assert not found, "\n".join(found)

    @staticmethod
    def _report(name, scheme, violations):
        """Leave what axe has found of a page, by how much it hinders people."""
        told = [
            {key: one[key] for key in ("id", "impact", "help")} | {"places": len(one["nodes"])} for one in violations
        ]
        (SHOTS / f"{name}_{scheme}_axe.json").write_text(json.dumps(told, indent=1) + "\n")


@pytest.fixture
def visit(chromium, service):
    """A visitor, whose browser must have had nothing to complain of at the end."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    visitor = Visit(context, service.root)
    yield visitor
    context.close()
    assert not visitor.mistakes, "\n".join(visitor.mistakes)


@pytest.fixture(scope="module")
def made(service):
    """Make pipelines that the tests of a module share; `made(id)` is as `Pipeline` of the live tests."""
    pipelines = []

    def make(pipeline_id=None):
        pipelines.append(Pipeline(service, pipeline_id))
        return pipelines[-1]

    yield make
    for pipeline in pipelines:
        pipeline.delete()


def file_of(name, data):
    """A file for `set_input_files`, as it is."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def csv_file(frame):
    """A frame as a file for `set_input_files`."""
    return file_of("table.csv", frame.to_csv(index=False).encode())
