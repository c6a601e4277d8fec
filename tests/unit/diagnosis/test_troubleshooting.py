"""The troubleshooting pages say what the program says."""

from docsite.troubleshooting import make_pages
from imagepull.causes.table import fill, list_causes


def test_every_text_that_people_paste_is_on_a_page_with_cause_and_fix() -> None:
    found = make_pages()
    whole = "\n".join(found.values())
    for cause in list_causes():
        if cause.group == "none":
            continue
        page = found[f"troubleshooting/{cause.group}.md"]
        assert f"{{ #{cause.code} }}" in page
        assert fill(cause.cause, {}) in page
        assert fill(cause.fix, {}) in page
        assert all(symptom in whole for symptom in cause.symptoms)


def test_every_link_of_the_index_leads_to_a_cause() -> None:
    found = make_pages()
    for cause in list_causes():
        link = f"({cause.group}.md#{cause.code})"
        assert (link in found["troubleshooting/index.md"]) == bool(cause.symptoms and cause.group != "none")
