"""The parameter ``token_id``: a job type that has it is for programs that ask with a private token of a user.

Over HTTP they give the token itself, as the parameter ``token`` or as ``Authorization: Bearer``; the gateway puts its
id in its place before anything is published. Whichever way a job comes, its token has to be live, and of its owner.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from jobmonitor.contract.limits import INTEGER_MAX

TOKEN = "token"  # noqa: S105 - the name of a parameter
TOKEN_ID = "token_id"  # noqa: S105 - the same
TokenId = Annotated[
    int,
    Meta(ge=1, le=INTEGER_MAX, description="The token it is asked for with. Over HTTP give `token`, the token itself."),
]
"""The parameter's type; it may also be ``TokenId | None``."""


def takes_token(params_type: type[msgspec.Struct]) -> bool:
    """Whether its jobs are asked for with a token."""
    return TOKEN_ID in params_type.__struct_encode_fields__


def named_token(parameters: Any) -> int | None:
    """The id of the token these parameters name, read or not; None where they name none."""
    named = parameters.get(TOKEN_ID) if isinstance(parameters, dict) else getattr(parameters, TOKEN_ID, None)
    return named if type(named) is int else None


def problem_of_token_id(params_type: type[msgspec.Struct]) -> str:
    """What is wrong with the parameter; empty where nothing is, or there is none."""
    for field in msgspec.structs.fields(params_type):
        if field.encode_name == TOKEN_ID and field.type not in (TokenId, TokenId | None):
            return f"its parameter {TOKEN_ID} is no TokenId, as it has to be (jobmonitor.job_types.token_ids)"
    return ""
