"""A program that sends metrics with OpenTelemetry's SDK: what it is told on standard input, a JSON object a line.

Arguments: how it sends (grpc, protobuf, json), where to, whether it says totals or differences (cumulative, delta), and
which histograms it makes (explicit, exponential). Its service and version are set as everywhere, by
OTEL_RESOURCE_ATTRIBUTES. After each line it sends all it has, and answers `sent`, or `failed`.
"""

import json
import math
import sys

from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)

how, where, temporality, histograms = sys.argv[1:]

totals = {
    "cumulative": AggregationTemporality.CUMULATIVE,
    "delta": AggregationTemporality.DELTA,
}[temporality]
buckets = {
    "explicit": ExplicitBucketHistogramAggregation([0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]),
    "exponential": ExponentialBucketHistogramAggregation(),
}[histograms]
options = {
    "preferred_temporality": {kind: totals for kind in (Counter, Histogram, ObservableCounter)},
    "preferred_aggregation": {Histogram: buckets},
}

if how == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

    exporter = OTLPMetricExporter(endpoint=where, insecure=True, **options)
elif how == "protobuf":
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    exporter = OTLPMetricExporter(endpoint=where, compression=Compression.Gzip, **options)
else:
    from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter

    exporter = OTLPMetricExporter(endpoint=where, **options)

provider = MeterProvider(metric_readers=[PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)])
meter = provider.get_meter("shop")
requests = meter.create_counter("http.requests", unit="{request}")
duration = meter.create_histogram("http.server.request.duration", unit="s")
in_flight = meter.create_up_down_counter("http.in_flight")
queue = meter.create_gauge("queue.length")

for line in sys.stdin:
    told = json.loads(line)
    for code, count in told.get("requests", {}).items():
        requests.add(count, {"http.response.status_code": int(code), "http.route": "/orders"})
    for seconds, count in told.get("durations", []):
        for _ in range(count):
            duration.record(seconds, {"http.route": "/orders"})
    if "in_flight" in told:
        in_flight.add(told["in_flight"])
    if "queue" in told:
        queue.set(told["queue"], {"queue": "orders"})
    print("sent" if provider.force_flush() else "failed", flush=True)
