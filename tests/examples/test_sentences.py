import pytest
from hypothesis import given
from hypothesis import strategies as st


def test_each_sentence_is_scored_by_a_call_and_the_mean_is_told(sentences, scorer):
    answer = sentences.apply({"document": "It works. I like it!"})
    assert answer == {
        "sentences": [{"sentence": "It works.", "sentiment": 9.0}, {"sentence": "I like it!", "sentiment": 10.0}],
        "mean": 9.5,
    }
    assert scorer.called == ["nlp/SentimentAnalysis/1.*"] * 2


def test_more_sentences_than_calls_at_once_keep_their_order(sentences):
    answer = sentences.apply(" ".join(f"Number {number} is here." for number in range(20)))
    assert [item["sentence"] for item in answer["sentences"]] == [f"Number {number} is here." for number in range(20)]


def test_a_text_without_a_sentence_has_no_mean_and_calls_nobody(sentences, scorer):
    assert sentences.apply(" \n\n ") == {"sentences": [], "mean": None}
    assert scorer.called == []


def test_a_failing_call_fails_the_whole(sentences):
    with pytest.raises(RuntimeError, match="the scorer broke"):
        sentences.apply("All is well. This is broken.")


@pytest.mark.parametrize("wrong", [None, 3, [], {}, {"document": None}])
def test_what_is_no_text_is_refused(sentences, wrong):
    with pytest.raises(sentences.InputError, match="is not a text: send") as caught:
        sentences.apply(wrong)
    assert caught.value.error_type == "InputError"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("Dr. Who came. He left!", ["Dr. Who came.", "He left!"]),
        ('She said "No!" Then she left.', ['She said "No!"', "Then she left."]),
        ("Really?! 3 of them... Yes", ["Really?!", "3 of them...", "Yes"]),
        ("It costs 3.50 dollars, e.g. here.", ["It costs 3.50 dollars, e.g. here."]),
        ("A title\n\nand a text\nover two lines. The end", ["A title", "and a text over two lines.", "The end"]),
        ("see example.com for more", ["see example.com for more"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(sentences, text, expected):
    assert sentences.split(text) == expected


def test_splitting_loses_no_word(sentences):
    @given(st.text(alphabet="aB.!?\"') \n3", max_size=60))
    def holds(text):
        assert " ".join(sentences.split(text)).split() == text.split()

    holds()
