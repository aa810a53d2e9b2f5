"""The demo's two accounts: their people with a login, their fields, pages, questions, profiles and broadcasts."""

from dataclasses import dataclass

from jobmonitor.crm.demo.words import TOWNS_AMERICA, TOWNS_BRITAIN

TAGGED_FIELDS = (
    ("Email", "email"),
    ("Title", "title"),
    ("First Name", "first_name"),
    ("Last Name", "last_name"),
    ("Address 1", "address1"),
    ("Address 2", "address2"),
    ("City", "city"),
    ("Region", "region"),
    ("Postcode", "postcode"),
    ("Country", "country"),
    ("Phone Number", "phone_number"),
    ("HPC Amount", "hpc_amount"),
    ("HPC Currency", "hpc_currency"),
)
"""The last two are a supporter's highest previous contribution, known from elsewhere: nobody has one yet."""
CUSTOM_FIELDS = ("Preferred Language", "Social Handle", "Account Balance", "Notes")

EXPORT_GROUPS = (
    ("Email, City", ("Email", "City")),
    (
        "Mailing labels",
        ("Title", "First Name", "Last Name", "Address 1", "Address 2", "City", "Region", "Postcode", "Country"),
    ),
    ("Phone bank", ("First Name", "Last Name", "Phone Number", "Preferred Language", "Notes")),
    ("Names backwards", ("Last Name", "First Name", "Email")),
)

CAMPAIGNS = (
    ("petition", "Save the river meadows", "PET"),
    ("petition", "Clean air for schools", "PET"),
    ("email_to_target", "Write to your representative: no new dam", "ETT"),
    ("email_to_target", 'Tell the minister "enough, now"', "ETT"),
    ("event", "Spring walk, 2026", "EVT"),
    ("survey", "What should we do next?", "SUR"),
    ("subscription", "Newsletter sign-up", "QCB"),
    ("donation", "One-off gift", "FCS"),
    ("donation", "Monthly giving", "FCR"),
    ("donation", "Emergency appeal", "FCS"),
)
"""Kind, reference name, and the type of the activities or gifts that come from it."""

QUESTIONS = (
    ("opt_in", "E-mail updates", True),
    ("opt_in_confirm", "Text messages", False),
    ("opt_in", "Phone calls", False),
    ("question", "How did you hear about us?", False),
)
ANSWERS = ("A friend", "Newspaper, radio or TV", "Search engine", "=unsure", "On the street")

IMPORT_FORMATS = (
    (
        "Event sign-up sheet",
        "add_and_update",
        (
            ("Email", "email", None),
            ("First name", "field", "First Name"),
            ("Surname", "field", "Last Name"),
            ("News by e-mail", "question", "E-mail updates"),
            ("Came to the walk", "page", "Spring walk, 2026"),
            ("Remarks", "skip", None),
        ),
    ),
    ("New addresses only", "only_create", (("Email", "email", None), ("Town", "field", "City"))),
)
"""Name, mode and columns: heading, what it is, and the name of the field, question or page."""

PROFILES = (
    ("Active in the last year", True),
    ("Board members", False),
    ("Major donors", True),
    ("New in the last 90 days", False),
)
"""Name, and whether it runs every night. Nobody is in "Board members"."""

BROADCASTS = (
    ("Welcome to the river", 500),
    ("Autumn newsletter", 400),
    ("New year appeal", 320),
    ("Petition hand-in: come along!", 200),
    ("Summer update", 90),
    ("Matched giving, last days", 20),
)
"""Name, and how many days ago it went out: the first two can no longer be asked for "sent"."""


@dataclass(frozen=True, kw_only=True)
class DemoUser:
    """A login."""

    id: int
    email: str
    name: str
    user_type: str


@dataclass(frozen=True, kw_only=True)
class DemoAccount:
    """An account and the people who log in to it."""

    id: int
    name: str
    country: str
    zone: str
    currency: str
    tax_regime: str
    towns: tuple[str, ...]
    granted: tuple[str, ...]
    """What its users of type User may do; those of the first account also what the demo is told."""
    users: tuple[DemoUser, ...]


RIVERBANK = DemoAccount(
    id=1,
    name="Riverbank Trust",
    country="US",
    zone="America/New_York",
    currency="USD",
    tax_regime="us",
    towns=TOWNS_AMERICA,
    granted=("jobs.view",),
    users=(
        DemoUser(id=1, email="user@demo.test", name="Ursula Reyes", user_type="user"),
        DemoUser(id=2, email="admin@demo.test", name="Adam Lindqvist", user_type="admin"),
        DemoUser(id=3, email="super@demo.test", name="Sunita Rao", user_type="super_admin"),
    ),
)
HARBOUR = DemoAccount(
    id=2,
    name="Harbour Aid",
    country="GB",
    zone="Europe/London",
    currency="GBP",
    tax_regime="uk",
    towns=TOWNS_BRITAIN,
    granted=("export", "jobs.view"),
    users=(
        DemoUser(id=4, email="user@other.test", name="Owen Price", user_type="user"),
        DemoUser(id=5, email="super@other.test", name="Sheila Moran", user_type="super_admin"),
    ),
)
