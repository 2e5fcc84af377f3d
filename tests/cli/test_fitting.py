"""A table fits the terminal as long as that can be, and no cell loses a letter."""

from hypothesis import assume, given
from hypothesis import strategies as st

from cloudlayer.cli import fitting

words = st.text("abcdef", min_size=1, max_size=12)
cells = st.lists(words, max_size=4).map(" ".join)
columns_of = st.lists(st.tuples(st.sampled_from(["", ">", "~", "~>"]), words).map("".join), min_size=1, max_size=8)


@st.composite
def tables(draw):
    columns = draw(columns_of)
    rows = draw(st.lists(st.lists(cells, min_size=len(columns), max_size=len(columns)), max_size=4))
    return columns, rows, draw(st.integers(10, 120))


def total(found):
    return sum(found) + fitting.GAP * (len(found) - 1)


def longest_words(columns, rows):
    return [
        fitting.longest_word([fitting.title(column), *(row[index] for row in rows)]) for index, column in enumerate(columns)
    ]


@given(tables())
def test_columns_fit_and_words_stay_whole_where_that_can_be(table):
    columns, rows, width = table
    found, least = fitting.widths(columns, rows, width), longest_words(columns, rows)
    assume(total(least) <= width)
    assert total(found) <= width
    assert all(have >= need for have, need in zip(found, least, strict=True))


@given(tables())
def test_no_column_is_wider_than_its_cells_and_none_vanishes(table):
    columns, rows, width = table
    for index, found in enumerate(fitting.widths(columns, rows, width)):
        assert 1 <= found <= max(len(fitting.title(columns[index])), *(len(row[index]) for row in rows), 1)


@given(tables())
def test_only_columns_that_give_way_are_left_out_and_no_more_of_them_than_needed(table):
    columns, rows, width = table
    shown = fitting.kept(columns, rows, width)
    missing = [index for index in range(len(columns)) if index not in shown]
    assert all(fitting.gives_way(columns[index]) for index in missing)
    least = longest_words(columns, rows)
    filled = [index for index in missing if any(row[index] for row in rows)]
    if filled:
        assert total([least[index] for index in (*shown, filled[0])]) > width


def test_words_that_do_not_fit_are_broken_where_they_are_longest():
    columns, rows = ["A", "B"], [["x" * 30, "y" * 6]]
    assert fitting.widths(columns, rows, 20) == [12, 6]


def test_what_is_left_over_goes_where_it_saves_lines_and_then_to_the_longest():
    columns, rows = ["PRICE", "WHY", "WHERE"], [["1.0000 USD", "a word " * 10, "here a"]]
    assert fitting.widths(columns, rows, 40) == [10, 20, 6]
