"""Code blocks of the README and of the documentation run, and print as stated."""

import re
import subprocess
import sys
import warnings

import pytest
from sklearn import config_context

from tests.code_blocks import NOT_RUN, PAGES, ROOT, agrees, blocks, given, stated

WITH_BLOCKS = sorted(page for page in PAGES if blocks(page))
# These make the first impression: nothing may warn on them.
WITHOUT_WARNINGS = {"README", "getting_started", "index"}


def first_line(block):
    return block.partition("\n")[0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_blocks_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = given(page)
    with warnings.catch_warnings():
        if page not in WITHOUT_WARNINGS:
            # Tables of this size are solved less well than those that a page means.
            warnings.simplefilter("ignore")
        for block in blocks(page):
            code = compile(block, f"<block of {page}>", "exec")
            if first_line(block) in NOT_RUN:
                continue
            capsys.readouterr()
            # A sentence before the block says how to route metadata.
            with config_context(enable_metadata_routing="_request(" in block):
                exec(code, names)
            statements = stated(block)
            if statements:
                printed = capsys.readouterr().out.splitlines()
                assert len(printed) == len(statements)
                for line, statement in zip(printed, statements, strict=True):
                    assert agrees(line, statement), (line, statement)


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_blocks_are_python(page):
    for block in blocks(page):
        compile(block, page, "exec")


def test_what_is_not_run_exists():
    found = {first_line(block) for page in WITH_BLOCKS for block in blocks(page)}
    assert set(NOT_RUN) <= found


def test_statements_are_told_from_each_other():
    block = 'print(1)  # 1\nx = 2  # no statement\nprint(f"{x}")  # 0 to 3\n'
    assert stated(block) == ["1", "0 to 3"]
    assert agrees("accuracy: 0.96", "0.96")
    assert not agrees("accuracy: 0.97", "0.96")
    assert agrees("accuracy: 0.97", "0.96 to 0.98")
    assert not agrees("accuracy: 0.99", "0.96 to 0.98")
    assert not agrees("accuracy: 0.95", "0.96 to 0.98")


def commands_of_readme():
    text = (ROOT / "README.md").read_text()
    return re.findall(r"^```bash\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)


def test_the_readme_has_its_two_commands():
    """External checks of the repository run these commands unchanged."""
    assert commands_of_readme() == [
        "pip install . && python examples/plot_dataset_distillation.py",
        'pip install -e ".[test]" && pytest -n auto',
    ]


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


@pytest.mark.slow
def test_the_table_of_the_readme_is_what_its_command_prints(tmp_path):
    script = commands_of_readme()[0].split("&& python ")[1]
    printed = subprocess.run(
        [sys.executable, str(ROOT / script)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # A part for each estimator that is fitted on the rows.
    parts = re.split(r"^test accuracy of ", printed, flags=re.MULTILINE)[1:]
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "README.md").read_text().splitlines()
        if line.startswith("|")
    ]
    (_, *estimators), _, *rows = table
    assert len(rows) == 4
    for name, *cells in rows:
        for estimator, cell in zip(estimators, cells, strict=True):
            if not cell:
                continue
            (part,) = (part for part in parts if part.startswith(estimator.strip("`")))
            (score,) = re.findall(rf"^ +{name} +(\d\.\d+)", part, re.MULTILINE)
            assert agrees(f"{float(score):.2f}", cell), (estimator, name, score)
