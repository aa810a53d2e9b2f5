"""When a message that keeps ending its process is put aside, so that others go on: the rule. Pure.

What hits every message (tables of another shape, a bug of a release) must not put the whole log aside, message by
message. So only a few are put aside in a row: one that goes well in between shows that the fault lies in those.
"""

ENDS_MAX = 5
"""So often one message may end a process."""
IN_A_ROW_MAX = 3
"""So many messages may be put aside while none goes well; from then on the process goes on ending, until one does."""


def is_put_aside(*, ends: int, put_aside_in_a_row: int) -> bool:
    """Whether a message that ended a process so often, this time included, is put aside instead of tried again.

    ``put_aside_in_a_row``: of the same reader, since a message went well.
    """
    return ends >= ENDS_MAX and put_aside_in_a_row < IN_A_ROW_MAX
