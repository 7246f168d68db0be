from ganvas.data.item import first_few, is_bomb, is_hidden, printable, suffix_of


def test_names_are_safe_to_print() -> None:
    hostile = "a\x1b[31m\n\u202eb\udcff.png"
    safe = printable(hostile)
    assert safe == r"a\x1b[31m\n\u202eb\udcff.png"
    assert safe.isprintable()
    safe.encode("utf-8")


def test_ordinary_names_stay() -> None:
    assert printable("Käse/日本 1.png") == "Käse/日本 1.png"


def test_hidden_files_are_told_from_paths_that_climb() -> None:
    assert is_hidden(["a", ".DS_Store"])
    assert is_hidden(["__MACOSX", "a.png"])
    assert not is_hidden(["..", "a.png"])
    assert not is_hidden(["a", "b.png"])


def test_suffix_is_lower_case() -> None:
    assert suffix_of("a/B.PNG") == ".png"
    assert suffix_of("a.b/readme") == ""


def test_bombs_grow_much_and_far() -> None:
    assert not is_bomb(1, 64 << 20)
    assert is_bomb(1, (64 << 20) + 1)
    assert not is_bomb(10 << 20, 250 * (10 << 20))
    assert is_bomb(10 << 20, 250 * (10 << 20) + 1)


def test_first_few_counts_the_rest() -> None:
    assert first_few(["a"]) == "'a'"
    assert first_few(list("abcde")) == "'a', 'b', 'c' and 2 more"
