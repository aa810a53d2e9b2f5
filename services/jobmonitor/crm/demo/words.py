"""Words the demo's people are made of. Names and towns are everyday ones; the addresses lead nowhere (RFC 2606)."""


def _words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _words("""
    Amelia Aisha Ana André Beatriz Björn Carlos Chloë Chen Daniela David Deepa Eilidh Elena Emre Fatima Femi Fiona
    François Giulia Grace Gustav Hana Hassan Hélène Ibrahim Ingrid Isaac Ivy Jamal Jürgen Joanna José Kavita Kenji
    Kwame Lars Leila Linh Łukasz Maeve Malik María Mateo Mei Nadia Nils Noor Oksana Oluwaseun Omar Paola Pavel Priya
    Quentin Rachel Ravi Rosa Ruth Samira Siobhán Søren Sofia Tariq Thandiwe Tomás Ulrike Václav Wanjiru Xiulan Yara
    Yusuf Zainab Zoë Мария 美咲
""")

LAST_NAMES = _words("""
    Abbott Adeyemi Åkesson Andersen Baker Banerjee Barros Bianchi Campbell Chávez Cohen Costa Dąbrowski Diallo Dubois
    Eriksson Fernández Fischer García Gunnarsdóttir Haddad Hansen Ito Jansen Kaur Khan Kovács Kim Larsen Lefèvre Lopez
    MacLeod Mbeki Mensah Müller Murphy Nakamura Ng Nguyễn Novák O'Brien O'Connor Okafor Oliveira Ozturk Papadopoulos
    Patel Petrov Quinn Ramírez Rossi Santos Schäfer Silva Singh Smith Smith-Jones Sørensen Suzuki Tanaka Taylor Tran
    Ünal van-der-Berg Vargas Virtanen Wang Weiß Wiśniewski Yamamoto Young Zhang Ziegler
""")

STREETS = _words("""
    Acacia Alder Ash Beech Birch Cedar Chestnut Church Elm Fern Garden Harbour Hazel High Hill King's Lake Lime Maple
    Meadow Mill Oak Orchard Park Pine Poplar Queen's River Rowan School Spring Station Thorn Union Vale Walnut Willow
""")

TITLES = ("Ms", "Mr", "Mrs", "Dr", "Mx", "")

TOWNS_AMERICA = (
    "New York|NY|10001|US",
    "Boston|MA|02108|US",
    "Chicago|IL|60601|US",
    "Portland|OR|97201|US",
    "St. Paul|MN|55101|US",
    "Washington|DC|20001|US",
    "San José|CA|95112|US",
    "Honolulu|HI|96813|US",
    "Toronto|ON|M5H 2N2|CA",
    "Montréal|QC|H2Y 1C6|CA",
    "Halifax|NS|B3J 1S9|CA",
)
"""``town|region|postcode|country``; some postcodes start with a zero on purpose."""

TOWNS_BRITAIN = (
    "London|Greater London|SE1 9GF|GB",
    "Leeds|West Yorkshire|LS1 4DY|GB",
    "Cardiff|South Glamorgan|CF10 1EP|GB",
    "Edinburgh|City of Edinburgh|EH1 1YZ|GB",
    "Belfast|Antrim|BT1 5GS|GB",
    "St. Ives|Cornwall|TR26 1LP|GB",
    "Galway|Connacht|H91 E9XF|IE",
)

AWKWARD_NOTES = (
    'Asked to be called "Captain", never by first name',
    "Prefers letters, not e-mail; lives abroad, writes often",
    "Line one\nLine two\r\nLine three",
    "=SUM(1,1)",
    '=HYPERLINK("http://example.org","open")',
    "@home most evenings",
    "+1 (555) 010-9999 after six",
    "+15550109999",
    "-5",
    "- left a message",
    "\tstarts with a tab",
    "ends with spaces   ",
    "'quoted'",
    'semi;colon, comma, and "both"',
    "emoji 🎉 and 中文 and العربية",
)
"""Values a careless file format breaks on, or a spreadsheet runs."""
