"""What may be asked for in an address: where to go back to."""

import pytest

from liaison.core.asking import page_here


@pytest.mark.parametrize("wanted", ["/", "/?tab=teams", "/loops/5/?a=1&b=%2F%2Fx#story", "/patients/?q=https://x"])
def test_a_page_here_is_written_from_the_root(wanted):
    assert page_here(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "-1",
        "loops/5/",
        "?tab=mine",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        " /desk/",
    ],
)
def test_what_a_browser_could_take_for_elsewhere_is_none(wanted):
    assert page_here(wanted) == ""
