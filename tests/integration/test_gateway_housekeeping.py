"""What the gateway's own tables no longer need is thrown away, and nothing else."""

from uuid import uuid4

from jobmonitor.gateway.adapters.database import Database
from jobmonitor.gateway.adapters.housekeeping import tidy
from support.gateway import USER, RunningGateway


async def test_only_what_is_over_is_thrown_away(gateway: RunningGateway) -> None:
    await gateway.logged_in(USER)
    owner = gateway.owner
    for age in ("29 days", "31 days", "59 days", "61 days"):
        await owner.execute(
            "INSERT INTO gateway.submissions (job_id, account_id, owner_id, job_type, request_sha256, submitted_at) "
            f"VALUES ($1, 2, 1, 'x', 'x', now() - interval '{age}')",
            uuid4(),
        )
        await owner.execute(
            "INSERT INTO gateway.transfers (job_id, user_id, received, updated_at) "
            f"VALUES ($1, 1, '{{[0,5)}}', now() - interval '{age}')",
            uuid4(),
        )
    await owner.execute(
        "INSERT INTO gateway.sessions (token_sha256, account_id, user_id, expires_at) VALUES ('x', 1, 1, now())"
    )

    database = Database(gateway.settings.database_url, size=1)
    await tidy(database)
    await database.close()

    left = {
        table: await owner.fetchval(f"SELECT count(*) FROM gateway.{table}")
        for table in ("submissions", "transfers", "sessions")
    }
    assert left == {"submissions": 1, "transfers": 3, "sessions": 1}
