"""Quantiles and CloudWatch's names for them."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.otlp.points import RejectedPoint
from app.otlp.quantiles import percentile_name, quantile_of


@pytest.mark.parametrize(
    ("quantile", "name"),
    [
        (0.5, "p50"),
        (0.7, "p70"),
        (0.95, "p95"),
        (0.99, "p99"),
        (0.999, "p99.9"),
        (0.9999, "p99.99"),
        (99.9 / 100, "p99.9"),  # 0.9990000000000001
        (0.07, "p7"),
        (0.57, "p57"),
        (0.001, "p0.1"),
        (0.00001, "p0.001"),
        (0.10, "p10"),
        (1.0, "p100"),
        (0.0, "p0"),
        (0.950123456789, "p95.0123456789"),
        (1 / 3, "p33.33333333333333"),
        (5e-324, "p0"),
        (math.nextafter(1.0, 0.0), "p100"),
    ],
)
def test_names_of_quantiles(quantile: float, name: str) -> None:
    assert percentile_name(quantile) == name


@given(st.integers(0, 1_000_000))
def test_a_percentile_of_up_to_four_decimals_has_cloudwatchs_name(ten_thousandths: int) -> None:
    percent = Decimal(ten_thousandths) / 10_000
    whole, _, decimals = str(percent).partition(".")
    name = f"p{whole}.{decimals}".rstrip("0").rstrip(".") if decimals else f"p{whole}"
    # The double nearest to the fraction, and what a division by 100 makes of the percentage.
    assert percentile_name(float(percent.scaleb(-2))) == name
    assert percentile_name(float(percent) / 100) == name


@given(st.floats(0.0, 1.0))
def test_any_quantile_has_a_short_name(quantile: float) -> None:
    name = percentile_name(quantile)
    assert len(name) <= 32
    assert "E" not in name
    assert float(name[1:]) == pytest.approx(quantile * 100, abs=1e-10)
    assert quantile_of(name) == pytest.approx(quantile, rel=1e-15, abs=1e-12)


@given(st.floats(0.000_1, 1.0))
def test_a_quantile_is_read_back_from_its_name(quantile: float) -> None:
    found = quantile_of(percentile_name(quantile))
    assert found is not None
    # What a division by 100 may be off, and no more.
    assert abs(found - quantile) <= 2 * math.ulp(quantile)


@pytest.mark.parametrize(
    ("name", "quantile"),
    [
        ("p50", 0.5),
        ("p99", 0.99),
        ("p99.9", 0.999),
        ("p0.1", 0.001),
        ("p57", 0.57),
        ("p33.33333333333333", 0.3333333333333333),
        ("p100", 1.0),
        ("p101", None),
        ("p", None),
        ("p99.", None),
        ("PR(:300)", None),
        ("le:0.5", None),
    ],
)
def test_quantiles_of_names(name: str, quantile: float | None) -> None:
    assert quantile_of(name) == quantile


@pytest.mark.parametrize("quantile", [-0.1, 1.1, 95.0, math.nan, math.inf, -math.inf])
def test_what_is_no_quantile_is_refused(quantile: float) -> None:
    with pytest.raises(RejectedPoint, match="not a quantile"):
        percentile_name(quantile)
