from apps.core.counting import counted


def test_a_count_agrees_with_its_noun() -> None:
    said = [counted(count, "day") for count in (0, 1, 2, 1_200)]
    assert said == ["0 days", "1 day", "2 days", "1,200 days"]
