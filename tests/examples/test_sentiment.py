import pytest


def test_a_document_is_scored_to_three_places(sentiment):
    assert sentiment.apply({"document": "good stuff"}) == {"sentiment": 0.333, "document": "good stuff"}


def test_plain_text_is_a_document(sentiment):
    assert sentiment.apply("bad")["sentiment"] == -0.333


def test_a_list_is_answered_by_a_list_in_its_order(sentiment):
    answers = sentiment.apply(["good", {"document": "bad"}, ""])
    assert [answer["sentiment"] for answer in answers] == [0.333, -0.333, 0.0]
    assert [answer["document"] for answer in answers] == ["good", "bad", ""]


def test_no_list_is_too_short(sentiment):
    assert sentiment.apply([]) == []


@pytest.mark.parametrize("wrong", [None, 5, {}, {"document": 7}, {"text": "good"}, [["good"]], True])
def test_what_is_no_text_is_refused_by_name(sentiment, wrong):
    with pytest.raises(sentiment.InputError, match="is not a text: send") as caught:
        sentiment.apply(wrong)
    assert caught.value.error_type == "InputError"


def test_the_item_that_is_wrong_is_named(sentiment):
    with pytest.raises(sentiment.InputError, match="item 1 is not a text"):
        sentiment.apply(["good", 3])
