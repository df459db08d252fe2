"""Protobuf messages that read OpenTelemetry 0.7 and 1.0 alike.

The two versions differ, on the path of a metric stream, only in where a point keeps its labels:
field 1 in 0.7, field 7 in 1.0 (field 9 for histograms). The descriptors built here declare both,
and also the integer types that 1.0 dropped, so one parse reads either. Labels, the resource, names
and units are declared as ``bytes``: protobuf then hands them over undecoded, and they serve as the
key of the series. So are the points of all types but the summary, so that one that is malformed
harms no other. Field numbers: opentelemetry-proto, metrics.proto at v0.7.0 and v1.0.0.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "hydrant.otlp"

# name, number, type; a type that starts with a capital is a message, "*" marks repeated.
_MESSAGES: dict[str, list[tuple[str, int, str]]] = {
    "ExportMetricsServiceRequest": [("resource_metrics", 1, "*ResourceMetrics")],
    "ResourceMetrics": [("resource", 1, "*bytes"), ("scope_metrics", 2, "*ScopeMetrics")],
    "ScopeMetrics": [("metrics", 2, "*Metric")],
    "Metric": [
        ("name", 1, "bytes"),
        ("unit", 3, "bytes"),
        ("int_gauge", 4, "Points"),
        ("gauge", 5, "Points"),
        ("int_sum", 6, "Points"),
        ("sum", 7, "Points"),
        ("int_histogram", 8, "Points"),
        ("histogram", 9, "Points"),
        ("exponential_histogram", 10, "Points"),
        ("summary", 11, "Summary"),
    ],
    "Points": [("data_points", 1, "*bytes"), ("aggregation_temporality", 2, "int32")],
    "Summary": [("data_points", 1, "*SummaryPoint")],
    "IntPoint": [
        ("labels", 1, "*bytes"),
        ("start_time_unix_nano", 2, "fixed64"),
        ("time_unix_nano", 3, "fixed64"),
        ("value", 4, "sfixed64"),
    ],
    "NumberPoint": [
        ("labels", 1, "*bytes"),
        ("start_time_unix_nano", 2, "fixed64"),
        ("time_unix_nano", 3, "fixed64"),
        ("as_double", 4, "double?"),
        ("as_int", 6, "sfixed64?"),
        ("attributes", 7, "*bytes"),
        ("flags", 8, "uint32"),
    ],
    "IntHistogramPoint": [
        ("labels", 1, "*bytes"),
        ("start_time_unix_nano", 2, "fixed64"),
        ("time_unix_nano", 3, "fixed64"),
        ("count", 4, "fixed64"),
        ("sum", 5, "sfixed64"),
        ("bucket_counts", 6, "*fixed64"),
        ("explicit_bounds", 7, "*double"),
    ],
    "HistogramPoint": [
        ("labels", 1, "*bytes"),
        ("start_time_unix_nano", 2, "fixed64"),
        ("time_unix_nano", 3, "fixed64"),
        ("count", 4, "fixed64"),
        ("sum", 5, "double"),
        ("bucket_counts", 6, "*fixed64"),
        ("explicit_bounds", 7, "*double"),
        ("attributes", 9, "*bytes"),
        ("flags", 10, "uint32"),
        ("min", 11, "double?"),
        ("max", 12, "double?"),
    ],
    "ExponentialHistogramPoint": [
        ("attributes", 1, "*bytes"),
        ("start_time_unix_nano", 2, "fixed64"),
        ("time_unix_nano", 3, "fixed64"),
        ("count", 4, "fixed64"),
        ("sum", 5, "double"),
        ("scale", 6, "sint32"),
        ("zero_count", 7, "fixed64"),
        ("positive", 8, "Buckets"),
        ("negative", 9, "Buckets"),
        ("flags", 10, "uint32"),
        ("min", 12, "double?"),
        ("max", 13, "double?"),
        ("zero_threshold", 14, "double"),
    ],
    "Buckets": [("offset", 1, "sint32"), ("bucket_counts", 2, "*uint64")],
    "SummaryPoint": [
        ("labels", 1, "*bytes"),
        ("start_time_unix_nano", 2, "fixed64"),
        ("time_unix_nano", 3, "fixed64"),
        ("count", 4, "fixed64"),
        ("sum", 5, "double"),
        ("quantile_values", 6, "*ValueAtQuantile"),
        ("attributes", 7, "*bytes"),
        ("flags", 8, "uint32"),
    ],
    "ValueAtQuantile": [("quantile", 1, "double"), ("value", 2, "double")],
    "Resource": [("attributes", 1, "*KeyValue")],
    "StringKeyValue": [("key", 1, "string"), ("value", 2, "string")],
    "KeyValue": [("key", 1, "string"), ("value", 2, "AnyValue")],
    "AnyValue": [
        ("string_value", 1, "string?"),
        ("bool_value", 2, "bool?"),
        ("int_value", 3, "int64?"),
        ("double_value", 4, "double?"),
        ("array_value", 5, "ArrayValue"),
        ("kvlist_value", 6, "KeyValueList"),
        ("bytes_value", 7, "bytes?"),
    ],
    "ArrayValue": [("values", 1, "*AnyValue")],
    "KeyValueList": [("values", 1, "*KeyValue")],
    "ExportMetricsServiceResponse": [("partial_success", 1, "PartialSuccess")],
    "PartialSuccess": [("rejected_data_points", 1, "int64"), ("error_message", 2, "string")],
    # google.rpc.Status without its details.
    "Status": [("code", 1, "int32"), ("message", 2, "string")],
}

_SCALARS = {
    "bytes": _Field.TYPE_BYTES,
    "string": _Field.TYPE_STRING,
    "double": _Field.TYPE_DOUBLE,
    "fixed64": _Field.TYPE_FIXED64,
    "sfixed64": _Field.TYPE_SFIXED64,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "sint32": _Field.TYPE_SINT32,
    "bool": _Field.TYPE_BOOL,
}


def _describe_field(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str
) -> None:
    field = message.field.add(name=name, number=number)
    repeated = kind.startswith("*")
    field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    bare = kind.strip("*?")
    if bare in _SCALARS:
        field.type = _SCALARS[bare]
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{bare}"
    if kind.endswith("?"):
        message.oneof_decl.add(name=f"_{name}")
        field.proto3_optional = True
        field.oneof_index = len(message.oneof_decl) - 1


def _build() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="hydrant/otlp.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields:
            _describe_field(message, *field)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


# Classes made at run time have no static type.
_CLASSES = _build()

ExportMetricsServiceRequest = _CLASSES["ExportMetricsServiceRequest"]
Metric = _CLASSES["Metric"]
IntPoint = _CLASSES["IntPoint"]
NumberPoint = _CLASSES["NumberPoint"]
IntHistogramPoint = _CLASSES["IntHistogramPoint"]
HistogramPoint = _CLASSES["HistogramPoint"]
ExponentialHistogramPoint = _CLASSES["ExponentialHistogramPoint"]
Buckets = _CLASSES["Buckets"]
SummaryPoint = _CLASSES["SummaryPoint"]
ValueAtQuantile = _CLASSES["ValueAtQuantile"]
Resource = _CLASSES["Resource"]
StringKeyValue = _CLASSES["StringKeyValue"]
KeyValue = _CLASSES["KeyValue"]
AnyValue = _CLASSES["AnyValue"]
ArrayValue = _CLASSES["ArrayValue"]
KeyValueList = _CLASSES["KeyValueList"]
ExportMetricsServiceResponse = _CLASSES["ExportMetricsServiceResponse"]
PartialSuccess = _CLASSES["PartialSuccess"]
Status = _CLASSES["Status"]
