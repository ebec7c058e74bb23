"""The audit's records as OpenTelemetry log records, by the logger ``theus.audit`` of Python's logging.

Needs ``opentelemetry-sdk`` and ``opentelemetry-instrumentation-logging``. Run as it is, it prints what a collector would get;
in a program of your own, give ``export_to`` an OTLP exporter instead of the one that prints.
"""

import logging

from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter
from opentelemetry.sdk.resources import Resource

from theus import TheusEngine, process


@process(outputs=["domain.total"])
def add(ctx, amount):
    if amount < 0:
        raise ValueError("an amount is at least 0")
    return ctx.domain["total"] + amount


def export_to(exporter):
    """Sends what the audit logs to this exporter; gives the provider, whose ``shutdown()`` sends what still waits."""
    provider = LoggerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    audit = logging.getLogger("theus.audit")
    audit.addHandler(LoggingHandler(logger_provider=provider))
    audit.setLevel(logging.INFO)
    return provider


def main(exporter):
    provider = export_to(exporter)
    with TheusEngine({"domain": {"total": 0}}) as engine:
        engine.call(add, amount=7)
        try:
            engine.call(add, amount=-1)
        except ValueError:
            pass
    provider.shutdown()


if __name__ == "__main__":
    main(ConsoleLogRecordExporter())
