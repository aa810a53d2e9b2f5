"""The job as a pure state machine: ``decide(command, job) -> facts`` and ``evolve(job, fact) -> job``.

No clock, no ids, no IO: time and identity come in with the command. The ledger decides and evolves under a row lock,
so the facts of one job are totally ordered, numbered without a gap.
"""
