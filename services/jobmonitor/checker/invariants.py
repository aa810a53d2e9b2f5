"""All invariants in their order: what each says, and the functions that look."""

from collections.abc import Callable
from dataclasses import dataclass

from jobmonitor.checker import effects, identity, lifecycle, liveness, mail, retention, views
from jobmonitor.checker.report import DoesNotApply, Evidence, Finding
from jobmonitor.checker.snapshot import Snapshot

Look = Callable[[Snapshot, Evidence], None]
"""Notes what it sees. Raises DoesNotApply. Pure."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A statement that holds over any history."""

    name: str
    says: str
    looks: tuple[Look, ...] = ()
    why_not: str = ""
    """Where nobody looks: why."""

    def judge(self, snapshot: Snapshot) -> Finding:
        """Whether it holds."""
        evidence = Evidence()
        try:
            for look in self.looks:
                look(snapshot, evidence)
        except DoesNotApply as reason:
            return self._does_not_apply(str(reason))
        if not self.looks:
            return self._does_not_apply(self.why_not)
        return Finding(
            invariant=self.name,
            says=self.says,
            status="violated" if evidence.violations else "ok",
            looked_at=evidence.things,
            violations=evidence.violations,
            examples=tuple(evidence.examples),
        )

    def _does_not_apply(self, why_not: str) -> Finding:
        return Finding(invariant=self.name, says=self.says, status="does not apply", why_not=why_not)


_NO_CAMPAIGNS = "There are no mail campaigns yet."
_TIME = "It is about time; tests with a load look at it."
_ANSWERS = "It is about answers, not about what is stored; the tests of the gateway look at it."

INVARIANTS: tuple[Invariant, ...] = (
    Invariant("I1", "An accepted submission made one job, a refused one none.", (identity.submissions_make_jobs,)),
    Invariant("I2", "An account's idempotency key is one job.", (identity.keys_stand_for_one_job,)),
    Invariant("I3", "A Job# is unique and never changes.", (identity.numbers_stay,)),
    Invariant("I4", "Account, owner, type and parameters of a job never change.", (identity.identities_stay,)),
    Invariant("I5", "A job's states are a path in the state diagram.", (lifecycle.states_are_a_path,)),
    Invariant("I6", "A job has one end and never leaves it.", (lifecycle.one_end,)),
    Invariant("I7", "A job's facts are numbered without gap or conflict.", (lifecycle.sequences_rise,)),
    Invariant("I8", "Progress never falls, a total stays, complete is all.", (lifecycle.progress_never_falls,)),
    Invariant("I9", "Scheduled, started and finished come in this order.", (lifecycle.times_are_in_order,)),
    Invariant(
        "I10",
        "Nothing counts twice: the ledger is the fold of its facts, its marks and its effects.",
        (lifecycle.ledger_is_fold_of_facts, effects.chunks_acted_once),
    ),
    Invariant("I11", "A failed job says why; a chunk given up failed its job.", (lifecycle.failures_say_why,)),
    Invariant("I12", "Each unit has one outcome.", (lifecycle.outcomes_add_up, effects.units_have_one_outcome)),
    Invariant("I13", "A rollback restores what others left alone.", why_not="No job type can be rolled back yet."),
    Invariant("I14", "An offered result is complete.", (effects.results_are_complete,)),
    Invariant("I15", "One live receipt per gift.", why_not="There are no receipts yet."),
    Invariant("I16", "Nobody gets mail that was not asked for, or twice.", (mail.mail_was_asked_for,)),
    Invariant("I17", "A stopped campaign's share is what the mail server saw.", why_not=_NO_CAMPAIGNS),
    Invariant("I18", "A campaign's recipients are all accounted for.", why_not=_NO_CAMPAIGNS),
    Invariant("I19", "A stop that took effect ends in cancelled.", (lifecycle.stops_end_in_cancelled,)),
    Invariant("I20", "No chunk begins after a stop took effect.", (lifecycle.nothing_starts_after_a_stop,)),
    Invariant("I21", "A job is in monitor or history, and never lost.", (views.one_view_each,)),
    Invariant("I22", "A job that left the monitor never comes back.", (views.who_left_never_returns,)),
    Invariant("I23", "Only a permitted, complete download clears a job.", (views.downloads_were_permitted,)),
    Invariant("I24", "Nobody sees what is not theirs to see.", why_not=_ANSWERS),
    Invariant("I25", "Forbidden looks like not existing.", why_not=_ANSWERS),
    Invariant("I26", "A stream ends with the right to it.", why_not=_ANSWERS),
    Invariant("I27", "The views are the fold of the log.", (views.views_are_the_fold,)),
    Invariant("I28", "A page shows what the views show.", (views.browsers_saw_the_truth,)),
    Invariant("I29", "An accepted job is found by its owner.", (views.accepted_jobs_can_be_read,)),
    Invariant("I30", "A scheduled job starts once, not early.", (lifecycle.scheduled_jobs_start_once,)),
    Invariant("I31", "An account's jobs go on while others of it wait.", (liveness.waiting_accounts_move,)),
    Invariant(
        "I32",
        "Messages get out; when all is calm nothing is left over.",
        (liveness.messages_get_out, liveness.nothing_is_left),
    ),
    Invariant("I33", "Nobody waits longer for what another sent.", why_not=_TIME),
    Invariant("I34", "A submission is accepted, as long as its type is served.", (liveness.submissions_are_accepted,)),
    Invariant("I35", "Facts are written by our own processes only.", why_not="The broker's access lists see to it."),
    Invariant("I36", "An effect outside happens once at most.", (effects.effects_outside_happen_once,)),
    Invariant("I37", "A whole file that arrived counts as downloaded.", why_not=_ANSWERS),
    Invariant("I38", "The broker's topics are as the catalogue says.", (liveness.topics_are_as_said,)),
    Invariant("I39", "Every fact there ever was is in the log.", (liveness.facts_are_kept,)),
    Invariant(
        "I40",
        "What is dropped was old and stays dropped; what is old is dropped.",
        (retention.forgotten_runs_were_over, retention.dropped_months_were_old, retention.what_is_old_is_gone),
    ),
)
