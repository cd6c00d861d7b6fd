"""The guide: each snippet runs against a real service and prints what is shown; the site fetches nothing elsewhere."""

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest

from app.auth import digest
from app.errors import InvalidParameters
from app.payloads import strict_yaml
from app.payloads.explaining import check_explaining
from app.payloads.parameters import PredictParameters, TrainParameters, check
from app.pipelines import registry
from app.settings import Settings
from conftest import Service, start_service

ROOT = Path(__file__).parents[1]
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))}

#: Where the guide's reader has the service.
ADDRESS = "http://127.0.0.1:8080"

#: What is run (bash, python), checked (yaml), compared with what the block before has printed (text), or for the eye
#: alone, as it needs a terminal or another machine (console).
FENCES = {"bash", "python", "yaml", "text", "console"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: The pages that have commands for the eye alone: `make serve`, which does not end, and `cf push`.
FOR_THE_EYE = {"first-model.md", "deployment.md", "operation.md"}

#: Whose tables are filled by the benchmarks; it shows how to run those.
MEASURED = {"scaling.md"}

#: Pages that are read with a service that wants keys.
KEYED = {"keys.md", "security.md"}

#: Variables that others read: pip, the platform, and the snippets' own key.
OTHERS_VARIABLES = {"PIP_EXTRA_INDEX_URL", "VCAP_SERVICES"}

#: Seconds that one snippet may take.
PATIENCE = 120

#: Shown output may leave out what differs from machine to machine, by three dots.
LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A fenced block of a page."""

    fence: str
    text: str


def blocks(page):
    return [Block(*found) for found in BLOCK.findall(PAGES[page])]


class Reader:
    """Who follows a page: in a folder with the examples, a shell, and one Python that stays."""

    def __init__(self, service, folder):
        self.service = service
        self.folder = folder
        self.names = {}
        self.printed = ""

    def follow(self, block):
        """Do what a block says; compare what it shows."""
        text = block.text.replace(ADDRESS, self.service.root)
        if block.fence == "text":
            assert doctest.OutputChecker().check_output(text, self.printed, LOOSELY), f"{text}\nis:\n{self.printed}"
        elif block.fence != "console":
            self.printed = getattr(self, block.fence)(text)

    def bash(self, text):
        command = ["bash", "-e", "-u", "-o", "pipefail", "-c", text]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, f"{text}\nended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def python(self, text):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(text, "snippet", "exec"), self.names)  # noqa: S102  what it runs is the guide
        return printed.getvalue()

    def yaml(self, text):
        """Check a parameter file; a comment in its first line is the name that it is kept under."""
        checked(text)
        if named := re.match(r"# ([\w-]+\.yml)\n", text):
            (self.folder / named[1]).write_text(text, encoding="utf-8")
        return ""


def checked(text):
    """Refuse what the service would refuse of a parameter file, whatever it is for."""
    values = strict_yaml.loads(text.encode(), "params")
    if "method" in values:
        check_explaining(values)
    elif values.keys() <= PredictParameters.model_fields.keys():
        check(PredictParameters, values)
    else:
        registry.check(check(TrainParameters, values))


@pytest.fixture
def keyed(short_folder):
    """A service that wants keys, and a client with the key of an administrator."""
    key = "of-an-administrator"
    process, service = start_service(short_folder / "keyed", API_KEYS=f"admin:{digest(key)}")
    with Service(service.root, key) as with_key:
        yield with_key
    service.close()
    process.terminate()
    assert process.wait(60) == 0


@pytest.fixture
def reader(request, page, tmp_path, monkeypatch):
    """Make a page's reader; models that the page trains are deleted after."""
    service = request.getfixturevalue("keyed" if page in KEYED else "service")
    for name in ("data", "parameters"):
        (tmp_path / name).symlink_to(ROOT / name)
    # An answer with an error status ends a curl with an error.
    (tmp_path / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CURL_HOME", str(tmp_path))
    monkeypatch.setenv("KEY", service.headers.get("Authorization", "").removeprefix("Bearer "))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    # The page's folder is the project's, where `python -m app.auth` finds the package.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    before = service.get("/models").json().keys()
    yield Reader(service, tmp_path)
    for model in service.get("/models").json().keys() - before:
        assert service.delete(f"/models/{model}").ok


@pytest.mark.parametrize("page", PAGES)
def test_the_snippets_of_a_page_run_in_order(page, reader):
    for block in blocks(page):
        reader.follow(block)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_other_snippets_than_those_that_are_run(page):
    assert {block.fence for block in blocks(page)} <= FENCES
    prose = BLOCK.sub("", PAGES[page])
    assert "```" not in prose
    assert page in MEASURED or not re.search(r"^(    |\t)\S", prose, re.MULTILINE)


def test_commands_for_the_eye_alone_stand_on_few_pages():
    assert {page for page in PAGES if "console" in {block.fence for block in blocks(page)}} == FOR_THE_EYE


def test_a_page_is_short():
    long = {page: len(text.splitlines()) for page, text in PAGES.items() if page not in MEASURED}
    assert max(long.values()) <= 130, long


def test_an_answer_with_an_error_status_is_noticed(service, tmp_path, monkeypatch):
    (tmp_path / ".curlrc").write_text("silent\nfail-with-body\n", encoding="utf-8")
    monkeypatch.setenv("CURL_HOME", str(tmp_path))
    with pytest.raises(AssertionError, match="no-such-model"):
        Reader(service, tmp_path).follow(Block("bash", f"curl {ADDRESS}/models/no-such-model\n"))


def test_output_that_is_not_what_is_shown_is_noticed(service, tmp_path):
    reader = Reader(service, tmp_path)
    reader.follow(Block("python", "print('one', 2)\n"))
    reader.follow(Block("text", "one ...\n"))
    with pytest.raises(AssertionError, match="one 2"):
        reader.follow(Block("text", "one 3\n"))


def test_a_parameter_file_with_an_unknown_name_is_noticed(service, tmp_path):
    with pytest.raises(InvalidParameters):
        Reader(service, tmp_path).follow(Block("yaml", "pipeline_id: x\nlimit: 3\n"))


def parameter_tables():
    """Return the names in the first column of the page's tables, by heading."""
    sections = re.split(r"^## ", PAGES["parameters.md"], flags=re.MULTILINE)[1:]
    return {
        section.splitlines()[0].strip("`"): set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))
        for section in sections
    }


def test_every_parameter_of_a_parameter_file_is_on_its_page():
    tables, fields = parameter_tables(), TrainParameters.model_fields
    assert tables["A training"] == fields.keys()
    for name in ("extract_features", "forecast", "images", "model_training", "explain", "limits"):
        inner = [fields[name].annotation, *getattr(fields[name].annotation, "__args__", ())]
        assert tables[name] == next(one for one in inner if hasattr(one, "model_fields")).model_fields.keys()
    assert tables["A prediction"] == PredictParameters.model_fields.keys()


def test_every_setting_that_is_named_is_one():
    known = {name.upper() for name in Settings.model_fields} | OTHERS_VARIABLES
    named = {name for text in PAGES.values() for name in re.findall(r"`([A-Z]+_[A-Z_]+)\b", text)}
    assert named
    assert named <= known


class Assets(HTMLParser):
    """Addresses that a browser fetches by itself when it shows a page."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        names = ("src", "srcset", "data", "poster") if tag != "link" else ("href",)
        self.found += [value for name, value in attrs if name in names and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The guide as it is built, with every warning an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_guide_builds_with_a_page_for_each_file(site):
    assert {page.removesuffix(".md") + ".html" for page in PAGES} <= {path.name for path in site.glob("*.html")}


def test_every_page_is_in_the_menu(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    assert all(f'href="{page.removesuffix(".md")}.html"' in index for page in PAGES)


def test_the_site_fetches_nothing_from_another_host(site):
    fetched = []
    for page in site.rglob("*.html"):
        assets = Assets()
        assets.feed(page.read_text(encoding="utf-8"))
        fetched += assets.found
    for sheet in site.rglob("*.css"):
        fetched += re.findall(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""", sheet.read_text(encoding="utf-8"))
    assert fetched
    assert [one for one in fetched if re.match(r"(\w+:)?//", one)] == []
