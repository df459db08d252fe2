"""Checking rule files: all errors of all files, and what looks like a mistake."""

from pathlib import Path

import pytest

from app.catalog import load_statistic_catalog
from app.errors import RuleError
from app.rules.checking import CheckReport, check_rule_files, find_rule_files

HEAD = "metricPrefix: p\nexpSuffix: service(['svc'], Layer.AWS_DYNAMODB)\nmetricsRules:\n"
DYNAMODB = "amazonaws_com_AWS_DynamoDB_"


def check(tmp_path: Path, **files: str) -> CheckReport:
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return check_rule_files(find_rule_files([tmp_path]), load_statistic_catalog())


def rule(name: str, exp: str) -> str:
    return f"  - name: {name}\n    exp: {exp}\n"


def doubts(tmp_path: Path, exp: str) -> list[str]:
    report = check(tmp_path, a=HEAD + rule("m", exp))
    assert not report.errors
    return [warning.reason for warning in report.warnings]


def test_every_error_of_every_file_is_reported_at_once(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        a="metricPrefix: [",
        b=HEAD + rule("one", "m.nonsense(['a'])") + rule("two", "m") + rule("three", "m.sum('a')"),
        c=HEAD + rule("four", "m +"),
        d=HEAD + rule("five", "m"),
    )
    places = [(Path(error.file).name, error.line) for error in report.errors]
    assert sorted(places) == [("a.yaml", 1), ("b.yaml", 5), ("b.yaml", 9), ("c.yaml", 5)]
    for error in report.errors:
        assert str(error).splitlines()[-1].strip() in {"^", ""}, "a caret, if there is a line"
    assert (report.files, report.rules, report.metrics) == (4, 4, 2)
    assert report.is_complete


def test_rules_of_different_files_that_contradict_each_other(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        a=HEAD + rule("m", "x"),
        b=HEAD + rule("m", "x.downsampling(SUM)") + rule("n", "x"),
        c=HEAD + rule("m", "x") + rule("n", "x.downsampling(MAX)"),
    )
    assert [(Path(e.file).name, e.line) for e in report.errors] == [("b.yaml", 4), ("c.yaml", 6)]
    assert "already defined at" in str(report.errors[0])
    assert report.metrics == 2


def test_a_fault_that_all_rules_of_a_file_share_is_reported_once(tmp_path: Path) -> None:
    text = HEAD.replace("Layer.AWS_DYNAMODB", "'nothing'") + rule("a", "x") + rule("b", "y")
    (error,) = check(tmp_path, a=text).errors
    assert error.line == 2


def test_a_check_ends_after_a_hundred_errors(tmp_path: Path) -> None:
    rules = "".join(rule(f"r{number}", "m.nonsense()") for number in range(150))
    report = check(tmp_path, a=HEAD + rules)
    assert len(report.errors) == 100
    assert not report.is_complete


def test_sound_rules_have_neither_errors_nor_warnings(tmp_path: Path) -> None:
    exp = f"{DYNAMODB}ConsumedReadCapacityUnits_sum.downsampling(SUM) / load"
    report = check(tmp_path, a=HEAD + rule("m", exp), **{"a.test": "no rules: at all"})
    assert (report.errors, report.warnings) == ((), ())
    assert (report.files, report.rules, report.metrics) == (1, 1, 1)


@pytest.mark.parametrize(
    ("exp", "doubt"),
    [
        (
            f"{DYNAMODB}ConsumedReadCapacity_sum",
            "no metric ConsumedReadCapacity_sum that Hydrant knows; the nearest is ConsumedRead",
        ),
        (f"{DYNAMODB}UserError", "the nearest is UserErrors"),
        (
            f"{DYNAMODB}SuccessfulRequestLatency_mean",
            "SuccessfulRequestLatency has no family with the suffix _mean; there are _sum, _count",
        ),
        ("amazonaws_com_AWS_Firehose_DeliveryToHttpEndpoint_Byte_sum", "DeliveryToHttpEndpoint.B"),
        (
            f"x.service(['a'], Layer.AWS_DYNAMOD) + {DYNAMODB}UserErrors",
            "the layer AWS_DYNAMOD is none of the shipped rules'; the nearest is AWS_DYNAMODB",
        ),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(tmp_path: Path, exp: str, doubt: str) -> None:
    (found,) = doubts(tmp_path, exp)
    assert doubt in found


@pytest.mark.parametrize(
    "exp",
    [
        "my_own_metric_mean",
        "amazonaws_com_CWAgent_mem_used_percent",
        f"{DYNAMODB}SuccessfulRequestLatency_p99_9",
        f"{DYNAMODB}SuccessfulRequestLatency_TM_25__75__",
        f"{DYNAMODB}SuccessfulRequestLatency",
        "amazonaws_com_ContainerInsights_cluster_node_count",
        "amazonaws_com_AWS_CloudWatch_MetricStreams_MetricUpdate_sum",
        f"{DYNAMODB}UserErrors.service(['a'], Layer.AWS_ECS)",
    ],
)
def test_what_may_well_be_meant_is_no_warning(tmp_path: Path, exp: str) -> None:
    assert doubts(tmp_path, exp) == []


def test_a_warning_says_where(tmp_path: Path) -> None:
    (warning,) = check(tmp_path, a=HEAD + rule("m", f"x + {DYNAMODB}UserError")).warnings
    assert (Path(warning.file).name, warning.line, warning.column) == ("a.yaml", 5, 14)
    assert str(warning).endswith("^")


def test_files_are_found_once_and_must_exist(tmp_path: Path) -> None:
    check(tmp_path, a=HEAD)
    path = tmp_path / "a.yaml"
    assert find_rule_files([path, tmp_path]) == [path]
    with pytest.raises(RuleError, match="does not exist"):
        find_rule_files([tmp_path / "b.yaml"])


def test_a_rule_that_names_its_own_metric_is_refused(tmp_path: Path) -> None:
    report = check(tmp_path, a=HEAD + rule("m", "x + p_m"), b=HEAD + rule("n", "p_n_count"))
    (error,) = report.errors
    place = f"{tmp_path / 'a.yaml'}:4"
    assert error.reason.startswith(f"p_m names itself as a family, at {place}; rules read sample")
    assert (error.file, error.line) == (str(tmp_path / "a.yaml"), 4)
    assert str(error).splitlines()[1:] == ["      - name: m", "    ^"]
    assert report.metrics == 1, "the other rule is sound"


@pytest.mark.parametrize(
    "exp", ["x.sum(['svc']).safeDiv(p_m.sum(['svc']))", "-p_m", "count(p_m, ['svc'])"]
)
def test_a_rule_may_not_name_its_own_metric_anywhere(tmp_path: Path, exp: str) -> None:
    (error,) = check(tmp_path, a=HEAD + rule("m", exp)).errors
    assert "p_m names itself" in error.reason


def test_rules_of_several_files_that_name_each_other_are_refused(tmp_path: Path) -> None:
    report = check(
        tmp_path,
        a=HEAD + rule("other", "x") + rule("one", "p_two * 2"),
        b=HEAD + rule("two", "y + p_three"),
        c=HEAD + rule("three", "p_one"),
    )
    (error,) = report.errors
    places = [f"{tmp_path / name}.yaml" for name in ("a", "b", "c")]
    for part in (
        f"p_one at {places[0]}:6 names p_two",
        f"p_two at {places[1]}:4 names p_three",
        f"p_three at {places[2]}:4 names p_one",
    ):
        assert part in error.reason
    assert report.metrics == 3, "without one of them the others are sound"


def test_a_family_called_like_the_metric_of_another_rule_is_a_warning(tmp_path: Path) -> None:
    report = check(tmp_path, a=HEAD + rule("one", "x") + rule("two", "x + p_one"))
    assert not report.errors
    (warning,) = report.warnings
    assert warning.reason == (
        f"p_one is called like the metric of {tmp_path / 'a.yaml'}:4; rules read sample families,"
        " never metrics"
    )
    assert (warning.line, warning.column) == (7, 14)


def test_a_long_chain_of_names_is_no_cycle_and_a_long_cycle_is_told_in_short(
    tmp_path: Path,
) -> None:
    chain = "".join(rule(f"m{i}", f"p_m{i + 1}") for i in range(2_000))
    assert not check(tmp_path, a=HEAD + chain).errors
    (error,) = check(tmp_path, a=HEAD + chain + rule("m2000", "p_m0")).errors
    assert "and 1996 more" in error.reason
    assert len(error.reason) < 1_000


@pytest.mark.parametrize(
    ("before", "after"), [(0, 300_000), (100, 300_000), (30_000, 30_000), (60_000, 0)]
)
def test_of_a_long_line_the_part_around_the_fault_is_shown(before: int, after: int) -> None:
    text = "." * before + "X" + "." * after
    error = RuleError("wrong", line=1, column=before + 1).in_file("f.yaml", text)
    _, shown, caret = str(error).splitlines()
    assert shown[len(caret) - 1] == "X"
    assert len(shown) <= 204
    assert caret.strip() == "^"


def test_a_name_that_is_far_too_long_is_not_repeated_whole(tmp_path: Path) -> None:
    (error,) = check(tmp_path, a=HEAD + rule("m" * 100_000, "x")).errors
    assert "is not a metric name" in error.reason
    assert len(str(error)) < 1_000


def test_contradictions_without_end_are_cut_short_and_told_once_each(tmp_path: Path) -> None:
    shapes = ("x.sum(['svc'])", "x.sum(['svc', 'z'])")
    few = check(tmp_path, a=HEAD + "".join(rule("m", shapes[i % 2]) for i in range(20)))
    assert [error.line for error in few.errors] == list(range(6, 44, 4))
    assert few.is_complete
    assert few.metrics == 1
    many = check(tmp_path, a=HEAD + "".join(rule("m", shapes[i % 2]) for i in range(3_000)))
    assert len(many.errors) == 100
    assert not many.is_complete
