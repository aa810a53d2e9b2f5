"""The local stack as a chaos run needs it: with a service outside, and topics of a job type that nobody serves."""

import asyncio
from dataclasses import replace
from typing import Any

from chaos.outside import Outside
from chaos.shapes import PROBE, UNSERVED
from jobmonitor.contract.topics import catalogue, view_topics
from jobmonitor.local.child import Child
from jobmonitor.local.stack import Stack
from jobmonitor.runtime.topic_admin import create_topics
from support.brokers import broker_at


class ChaosStack(Stack):
    """The service outside is one of its children, which starts first and ends last."""

    def __init__(self, outside: Outside, *arguments: Any) -> None:
        """``arguments`` as of the stack."""
        super().__init__(*arguments)
        self.outside = outside

    @property
    def children(self) -> list[Child]:
        return [*super().children, self.outside]

    def start(self) -> None:
        self.outside.launch()
        super().start()

    def stop(self) -> None:
        super().stop()
        self.outside.stop()

    def _shape_broker(self) -> None:
        """Also of the type nobody serves: the projection joins its group only when it sees all of its topics."""
        super()._shape_broker()
        unserved = [
            replace(topic, name=topic.name.replace(PROBE, UNSERVED.job_type))
            for topic in catalogue([PROBE])
            if topic.name in view_topics(PROBE)
        ]
        asyncio.run(create_topics(broker_at(self.kafka.bootstrap), unserved))
