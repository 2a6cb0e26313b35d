"""Phrases of messages."""

from brainage.wording import did_you_mean, listed, nearest


def test_a_near_name_is_offered_and_a_far_one_is_not():
    assert did_you_mean("participnt_id", ["participant_id", "age"]) == (
        " Did you mean 'participant_id'?"
    )
    assert did_you_mean("qqq", ["participant_id"]) == ""
    assert nearest("HRTT", ["CON", "HRT"]) == "HRT"


def test_a_long_list_says_how_many_names_were_left_off():
    assert listed("abc") == "a, b, c"
    assert listed("abcdefg", most=2) == "a, b and 5 more"
