"""The check of lengths: modules, functions, and lines of templates."""

from tools.lengths import FUNCTION, MODULE, TEMPLATE_LINE, long_lines, long_things


def test_a_line_of_a_template_that_is_longer_than_fine_is_told_with_its_number() -> None:
    text = "{% load liaison %}\n" + "x" * 501 + "\n" + "y" * 500 + "\n" + "z" * 3000
    found = [(long.where, long.length, long.length >= long.limit.fails) for long in long_lines(text, where="a.html")]
    assert found == [("a.html:2", 501, False), ("a.html:4", 3000, True)]
    assert TEMPLATE_LINE.unit == "characters"


def test_a_function_and_a_module_that_are_longer_than_fine_are_told() -> None:
    text = "def long():\n" + "    pass\n" * 80 + "\n" * 400
    module, function = long_things(text, where="a.py")
    assert (module.where, module.limit, module.length >= module.limit.fails) == ("a.py", MODULE, False)
    assert (function.where, function.limit, function.length >= function.limit.fails) == ("a.py::long", FUNCTION, True)
    assert list(long_things("def short():\n    pass\n", where="b.py")) == []
