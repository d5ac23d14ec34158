from PACKAGE import levels


def test_levels_alternate_and_begin_with_on():
    assert levels(4) == [1, 0, 1, 0]


def test_no_levels():
    assert levels(0) == []
