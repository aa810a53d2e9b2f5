"""What operators ask the gateway: alive, ready, metrics."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from jobmonitor.gateway.access.dependencies import Services, ServicesDep, answer
from jobmonitor.gateway.adapters.database import DatabaseUnavailable
from jobmonitor.gateway.http.pages import Pages
from jobmonitor.runtime.monitoring import Check

router = APIRouter(tags=["operations"])


@router.get("/healthz", responses={200: {"description": "The process is alive"}}, response_class=Response)
async def healthz() -> Response:
    """Whether the process is alive; it says nothing of what it depends on."""
    return answer({"alive": True})


@router.get("/readyz", responses={200: {"description": "Ready"}, 503: {"description": "Not ready; says why"}})
async def readyz(request: Request, services: ServicesDep) -> Response:
    """Whether the gateway can do its work now: database, Kafka, the connection it listens on, the page."""
    pages: Pages = request.app.state.pages
    checks = {
        "database": await _database(services),
        "kafka": services.broker.check(),
        "changes": services.changes.check(),
        "page": pages.check(),
    }
    ready = all(check.ok for check in checks.values())
    return answer({"ready": ready, "checks": checks}, 200 if ready else 503)


@router.get("/metrics", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
async def get_metrics() -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})


async def _database(services: Services) -> Check:
    try:
        async with services.database.connection(timeout_s=3.0) as connection:
            await connection.fetchval("SELECT 1")
    except DatabaseUnavailable as error:
        return Check(ok=False, detail=str(error))
    return Check(ok=True, detail="answers")
