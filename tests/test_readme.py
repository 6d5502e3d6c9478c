"""The README tells the truth: its examples run from top to bottom, and its two commands are what .ci/run runs."""

import re
import subprocess
from pathlib import Path

import pytest

from seqcnn.threads import thread_limit

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
COMMANDS = [
    'python -m pip install ".[all]" && python -m seqcnn demo',
    'python -m pip install -e ".[all,dev]" && python -m pytest',
]


def code_blocks(language):
    """Return the README's blocks of a language, behind as many empty lines as stand before each."""
    text = README.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text.count("\n", 0, match.start(1)) + match.group(1) for match in found]


def test_the_readme_holds_the_two_commands():
    (block,) = code_blocks("bash")
    assert block.strip().splitlines() == COMMANDS


def test_ci_runs_the_commands_of_the_readme():
    done = subprocess.run([ROOT / ".ci" / "run", "--show-commands"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == COMMANDS


def test_links_inside_the_project_lead_somewhere():
    for page in (README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"):
        text = page.read_text(encoding="utf-8")
        anchors = {
            "#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        }
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if "://" not in target:
                assert target in anchors or (ROOT / target).exists(), f"{page.name}: {target}"


def test_the_tree_names_every_file_and_folder_of_the_package():
    tree = README.read_text(encoding="utf-8").split("## The house")[1].split("What X holds")[0]
    package = ROOT / "seqcnn"
    there = {path.name for path in package.glob("*.py")} | {
        path.parent.name + "/" for path in package.glob("*/__init__.py")
    }
    named = set(re.findall(r"^ {8}(\S+) {2,}", tree, re.MULTILINE))
    assert named == there


@pytest.mark.slow
def test_the_examples_run_from_top_to_bottom(capsys):
    namespace = {"__name__": "readme"}
    with thread_limit(1):
        for block in code_blocks("python"):
            exec(compile(block, str(README), "exec"), namespace)
    scores = dict(re.findall(r"^(\w+): ([\d.]+)", capsys.readouterr().out, re.MULTILINE))
    assert scores.keys() == {"series", "text", "audio", "pipeline", "search", "committee", "loaded"}
    assert min(float(score) for score in scores.values()) > 0.8, scores
