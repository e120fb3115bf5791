# SPDX-License-Identifier: Apache-2.0
"""The papers: what is drawn from the source is not stale, and no link leads nowhere."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
assert spec and spec.loader
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_a_page_drawn_from_the_source_is_fresh(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == generate.PAGES[name](), "run: python3 docs/generate.py"


def test_every_error_has_its_row() -> None:
    header = (ROOT / "src" / "base" / "error.h").read_text()
    codes = set(re.findall(r'"(E\d{3})"', header)) - {"E000"}
    assert codes == set(re.findall(r"^\| (E\d{3}) \|", generate.errors_page(), re.M))


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert not broken, "\n".join(broken)


def test_every_kind_of_failure_occurs() -> None:
    """A kind that nothing raises would be a promise without a meaning."""
    kinds = re.findall(r'X\((\w+), +"E\d{3}"', (ROOT / "src" / "base" / "error.h").read_text())
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.[ch]") if not path.stem.endswith("_test"))
    travelling = re.findall(r"X\(\w+, +(\w+), +\"", (ROOT / "src" / "engine" / "message.h").read_text())
    missing = [kind for kind in kinds if not re.search(rf"\bSTATUS_{kind}\b", source) and kind not in travelling]
    assert not missing
