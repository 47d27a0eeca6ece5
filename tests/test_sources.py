"""A rule from outside names where it stands, and that place exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "domain.md").read_text()


def test_every_section_that_the_code_cites_is_on_the_page_of_rules():
    there = set(re.findall(r"^#+ DOMAIN (\d+(?:\.\d+)?):", PAGE, re.MULTILINE))
    cited = {
        (number, path.relative_to(ROOT).as_posix())
        for folder in ("src", "tests", "bench")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".html", ".json", ".toml"}
        for group in re.findall(r"DOMAIN (\d+(?:\.\d+)?(?:(?:, | and )\d+\.\d+)*)(?![\d.]*\d)", path.read_text())
        for number in re.findall(r"\d+(?:\.\d+)?", group)
    }
    assert len(cited) > 50
    assert not sorted((number, path) for number, path in cited if number not in there)


def test_no_page_prints_the_title_of_a_promise_past_what_may_be_told():
    """A title may be clinical: pages have it from `words_of` or a row made by it, never from the model itself."""
    pages = [path for path in (ROOT / "src").rglob("*.html") if "{" in path.read_text()]
    assert len(pages) > 100
    past = re.compile(r"{{[^}]*\w\.loop\.(?:title|next_step)\b")
    assert not [path.relative_to(ROOT).as_posix() for path in pages if past.search(path.read_text())]
