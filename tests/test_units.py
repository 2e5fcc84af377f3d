import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.units import GIB, KIB, MIB, TIB, format_duration, format_size, parse_duration, parse_price, parse_size

sizes = st.integers(min_value=1, max_value=1024)
units = st.sampled_from([("B", 1), ("KiB", KIB), ("MiB", MIB), ("GiB", GIB), ("TiB", TIB)])


@given(sizes, units)
def test_a_size_is_its_number_times_its_unit(number, unit):
    assert parse_size(f"{number}{unit[0]}") == parse_size(f" {number} {unit[0]} ") == number * unit[1]


@given(st.integers(min_value=1, max_value=1023), units)
def test_a_size_that_is_written_out_is_read_back_as_it_was(number, unit):
    assert parse_size(format_size(number * unit[1])) == number * unit[1]


@given(st.integers(min_value=0, max_value=2**60))
def test_any_size_that_is_written_out_is_read_back_to_within_a_hundredth_of_its_unit(size):
    assert abs(parse_size(format_size(size)) - size) <= max(1, size * 0.005)


def test_half_a_unit_may_be_asked_for():
    assert parse_size("1.5GiB") == 1536 * MIB


@pytest.mark.parametrize(
    ("text", "mend"),
    [("16GB", '"16GiB"'), ("512M", '"512MiB"'), ("1.5gb", '"1.5GiB"'), ("2T", '"2TiB"'), ("64k", '"64KiB"')],
)
def test_a_decimal_unit_is_refused_with_the_binary_one_to_write(text, mend):
    with pytest.raises(ValueError, match="ambiguous") as caught:
        parse_size(text)
    assert mend in str(caught.value)


@pytest.mark.parametrize("text", ["", "GiB", "-1GiB", "1e3MiB", "1,5GiB", "1GiB extra", "٣GiB", "0x10B", "5 parsec", "5"])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"write .*MiB"):
        parse_size(text)


@given(st.text())
def test_reading_a_size_gives_bytes_or_a_clear_refusal(text):
    try:
        assert isinstance(parse_size(text), int)
    except ValueError as error:
        assert "write" in str(error)


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("30s", 30.0), ("5m", 300.0), ("1.5h", 5400.0), ("2d", 172800.0), ("0s", 0.0)]
)
def test_a_duration_is_read_in_seconds(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["30", "", "s", "5 minutes", "5M", "-5s", "1h30m"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match='as in "30s"'):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=59), st.sampled_from(["s", "m"]))
def test_a_duration_that_is_written_out_is_read_back(number, unit):
    assert format_duration(parse_duration(f"{number}{unit}")) == f"{number}{unit}"


@pytest.mark.parametrize(("text", "price"), [("20 USD/h", (20.0, "USD")), ("0.0042EUR/hour", (0.0042, "EUR"))])
def test_a_price_is_an_amount_and_a_currency(text, price):
    assert parse_price(text) == price


@pytest.mark.parametrize("text", ["20", "20 USD", "$20/h", "20 usd/h", "USD 20/h", "-1 USD/h", "20 USD/day"])
def test_what_is_no_price_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match='as in "20 USD/h"'):
        parse_price(text)
