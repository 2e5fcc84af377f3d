import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudlayer.functions.versions import Version, select

numbers = st.integers(min_value=0, max_value=30)
versions = st.builds(Version, numbers, numbers, numbers)


@given(versions)
def test_a_version_that_is_written_out_is_read_back(version):
    assert Version.parse(str(version)) == version


@given(versions, versions)
def test_versions_are_ordered_by_number_and_not_by_text(one, other):
    pairs = (one.major, one.minor, one.patch), (other.major, other.minor, other.patch)
    assert (one < other) == (pairs[0] < pairs[1])
    assert (one <= other) == (pairs[0] <= pairs[1])


@pytest.mark.parametrize("text", ["", "1", "1.0", "1.0.0.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.0.x", "1.0.0\n", "\u0661.0.0"])
def test_what_is_no_version_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r'as in "1\.0\.4"'):
        Version.parse(text)


@given(st.sets(versions, min_size=1))
def test_without_a_wish_the_newest_is_taken(known):
    assert select(None, [str(version) for version in known]) == str(max(known))


@given(st.sets(versions, min_size=1), numbers, numbers)
def test_a_pattern_takes_the_newest_that_it_admits(known, major, minor):
    texts = [str(version) for version in known]
    of_major = [version for version in known if version.major == major]
    of_minor = [version for version in of_major if version.minor == minor]
    assert select(f"{major}.*", texts) == (str(max(of_major)) if of_major else None)
    assert select(f"{major}.{minor}.*", texts) == (str(max(of_minor)) if of_minor else None)


@given(st.sets(versions))
def test_an_exact_version_is_taken_or_none(known):
    texts = [str(version) for version in known]
    assert all(select(text, texts) == text for text in texts)
    assert select("99.0.0", texts) is None


@pytest.mark.parametrize("wanted", ["", "*", "1", "1.2", "1.*.3", "*.2.3", "latest", "1.2.3.*", "1..*", "latestPrivate"])
def test_what_is_neither_a_version_nor_a_pattern_admits_none(wanted):
    assert select(wanted, ["1.2.3"]) is None
