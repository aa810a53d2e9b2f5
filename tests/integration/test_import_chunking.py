"""However a file is cut into chunks, the same comes of it: what a chunk knows of earlier ones is in the database."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.imports import Imports, PlainImports, report

HEADINGS = "Email,City,Region,News,Texts,Source,River,Walk"
ADDRESSES = st.sampled_from(["a@x.org", "A@x.org", "b@x.org", "stored@x.org", "left@x.org", "bad"])
TEXTS = st.sampled_from(["", "", "Leeds", "York", "'=1"])
OPT_INS = st.sampled_from(["", "Y", "N", "N", "maybe"])
PARTICIPATIONS = st.sampled_from(["", "P", "P", "x"])
ROWS = st.tuples(ADDRESSES, TEXTS, TEXTS, OPT_INS, OPT_INS, TEXTS, PARTICIPATIONS, PARTICIPATIONS)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(ROWS, max_size=9),
    chunk_rows=st.integers(1, 4),
    parameters=st.fixed_dictionaries(
        {"mode": st.sampled_from(["add_and_update", "only_create"]), "resubscribe": st.booleans()}
    ),
    tagged=st.booleans(),
)
def test_chunks_of_any_size_do_the_same(
    plain_imports: PlainImports, rows: list[tuple[str, ...]], chunk_rows: int, parameters: dict[str, Any], tagged: bool
) -> None:
    content = "\r\n".join([HEADINGS, *(",".join(row) for row in rows)])
    plain_imports.run(assert_same(plain_imports.imports, content, chunk_rows, parameters, tagged=tagged))


async def assert_same(
    imports: Imports, content: str, chunk_rows: int, parameters: dict[str, Any], *, tagged: bool
) -> None:
    found = []
    for size in (500, chunk_rows):
        tag = await furnish(imports)
        cut = Imports(imports.crm, imports.objects, chunk_rows=size)
        ran = await cut.run(content, **parameters, page=tag if tagged else None)
        found.append([*await left_behind(imports), [{**row, "Supporter ID": ""} for row in report(ran)]])
    assert found[0] == found[1]


async def furnish(imports: Imports) -> int:
    """Begin again: two supporters, one of whom unsubscribed and took part. Returns a page."""
    crm = imports.crm
    for table in ("supporters", "ads_fields", "questions", "pages", "campaigns"):
        await crm.owner.execute(f"DELETE FROM crm.{table}")
    city = (await crm.fields("Email", "City", "Region"))["City"]
    news, _ = await crm.question("News"), await crm.question("Texts", "opt_in_confirm")
    await crm.question("Source", "question")
    page, campaign = await crm.page("River", status="live")
    await crm.page("Walk", "event", status="live")
    await crm.supporter("stored@x.org", {city: "Leeds"})
    left = await crm.supporter("left@x.org", {city: "'=1"})
    await crm.answer(left, news, "N")
    await crm.activity(left, campaign)
    return page


async def left_behind(imports: Imports) -> list[Any]:
    activities = await imports.crm.owner.fetch(
        "SELECT email::text, reference_name, type, source FROM crm.activities JOIN crm.supporters AS s "
        "ON s.id = supporter_id JOIN crm.campaigns AS c ON c.id = campaign_id ORDER BY 1, 2"
    )
    return [await imports.supporters(), [tuple(row) for row in activities]]
