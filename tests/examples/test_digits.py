import pytest


def test_the_likeliest_digit_comes_with_its_probability(digits):
    assert digits.apply([6] + [0] * 63) == {"digit": 3, "probability": 0.912}


def test_pixels_may_come_by_name(digits):
    assert digits.apply({"pixels": [16.0] + [0] * 63})["digit"] == 8


@pytest.mark.parametrize("wrong", [None, "picture", [], [0] * 63, [0] * 65, {"pixel": [0] * 64}])
def test_what_is_no_picture_is_refused(digits, wrong):
    with pytest.raises(digits.InputError, match="send 64 numbers from 0 to 16") as caught:
        digits.apply(wrong)
    assert caught.value.error_type == "InputError"


@pytest.mark.parametrize("wrong", [-1, 17, "3", True, None, float("nan"), float("inf")])
def test_the_pixel_that_is_wrong_is_named(digits, wrong):
    with pytest.raises(digits.InputError, match="pixel 5 is"):
        digits.apply([0] * 5 + [wrong] + [0] * 58)
