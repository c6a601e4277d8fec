"""What a run over many namespaces tells of those that failed."""

from imagepull.kubernetes.progress import describe_by_reason


def test_namespaces_with_one_reason_are_told_together() -> None:
    assert describe_by_reason({"b": "is gone", "c": "forbidden", "a": "is gone"}) == [
        "2 namespaces a, b: is gone",
        "namespace c: forbidden",
    ]


def test_of_very_many_the_first_are_named_and_the_others_counted() -> None:
    (told,) = describe_by_reason({f"n{number:04}": "forbidden" for number in range(1000)})

    assert told.startswith("1000 namespaces n0000, n0001, ")
    assert told.endswith(", n0099 and 900 more: forbidden")
