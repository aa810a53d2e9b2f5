"""The ledger: which jobs were accepted, which chunk may be run by whom, and the facts that still have to be sent.

PostgreSQL gives the guarantee that Kafka's delivery cannot: a chunk's effects, its mark here, the job's new state and
the facts about it commit in one transaction. Kafka messages only say that there is something to look at.
"""

from jobmonitor.ledger.claims import Claim, LeaseLost
from jobmonitor.ledger.ledger import Ledger

__all__ = ["Claim", "LeaseLost", "Ledger"]
