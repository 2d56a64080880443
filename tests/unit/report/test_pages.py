"""Pages: whole, self-contained, with the numbers of the trace."""

import itertools
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.report.page import listed
from hetsched.report.plan_html import plan_page
from hetsched.report.svg import colour, picture
from hetsched.report.trace_html import _shares, trace_page
from hetsched.trace.events import Kind
from hetsched.trace.model import Trace, TraceApp
from tests.unit.plan.samples import sample_plan
from tests.unit.report.test_perfetto import TWO_REQUESTS
from tests.unit.trace.samples import HEADER, ONE_REQUEST, event, trace_of


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def pictures(page: str) -> list[ElementTree.Element]:
    """Its pictures, each well-formed by itself."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def texts(page: str) -> list[str]:
    parser = _Texts()
    parser.feed(page)
    return [text for text in parser.texts if text.strip()]


def test_a_traces_page_has_its_numbers_and_pictures() -> None:
    page = trace_page(trace_of(TWO_REQUESTS))
    use, detail = pictures(page)
    titles = [node.text for node in detail.iter() if node.tag.endswith("title")]
    assert "ocr s0, request 7: 800.0 ns" in titles
    assert "request 8 failed: 1.100 us" in titles
    assert [node.get("class") for node in detail.iter()].count("bad") == 2  # the run, the request
    assert any(node.tag.endswith("rect") for node in use.iter())
    words = texts(page)
    assert "A run: ocr, vad" in words
    row = words[words.index("vad", words.index("longest")) :]
    # requests, completed, missed, dropped, cancelled, failed, in flight, miss rate
    assert row[1:9] == ["1", "0", "0", "0", "0", "1", "0", "100.00%"]


def test_a_page_needs_nothing_else() -> None:
    page = trace_page(trace_of(ONE_REQUEST))
    assert not re.search(r"(src|href)=|@import|url\(", page)


def test_names_are_text_not_markup() -> None:
    app = TraceApp(number=0, name="<b>&", stages=("s0", "s1"))
    page = trace_page(trace_of(ONE_REQUEST, apps=(app,)))
    assert "<b>" not in page
    assert "<b>& s0, request 7: 800.0 ns" in [
        node.text for picture in pictures(page) for node in picture.iter()
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"is_complete": False}, "Interrupted: what came last is missing."),
        ({"lost": 3}, "3 events got lost."),
        (
            {"header": msgspec.structs.replace(HEADER, origin="simulated", profile="helio-g90")},
            "Computed by a simulation, not measured.",
        ),
    ],
)
def test_what_a_trace_lacks_is_told(change: dict[str, object], told: str) -> None:
    trace = trace_of(ONE_REQUEST)
    fields = {"header": trace.header, "apps": trace.apps, "events": trace.events, **change}
    assert told in texts(trace_page(Trace(**fields)))  # type: ignore[arg-type]  # a test's shorthand


def test_an_empty_trace_has_a_page() -> None:
    assert len(pictures(trace_page(trace_of([])))) == 2


def test_the_detail_is_what_was_asked_for() -> None:
    later = [event(9000, Kind.STARTED, request=9, app=1, stage=0, unit=0)]
    page = trace_page(trace_of([*ONE_REQUEST, *later]), (1500, 2500))
    titles = [node.text for node in pictures(page)[1].iter() if node.tag.endswith("title")]
    assert "ocr s0, request 7: 800.0 ns" in titles
    assert not any(title and "request 9" in title for title in titles)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 30)), max_size=8))
def test_shares_are_what_counting_gives(pieces: list[tuple[int, int]]) -> None:
    runs, at = [], 0
    for gap, length in pieces:  # one after the other: a unit runs one stage at a time
        runs.append((at + gap, at + gap + length))
        at += gap + length
    edges = np.linspace(0, max(at, 10), 11)
    starts, ends = (np.array([run[end] for run in runs], np.int64) for end in (0, 1))
    counted = [
        sum(max(0.0, min(end, high) - max(start, low)) for start, end in runs) / (high - low)
        for low, high in itertools.pairwise(edges)
    ]
    np.testing.assert_allclose(_shares(starts, ends, edges), counted, atol=1e-9)


def test_a_plans_page_shows_each_subgraph() -> None:
    plan = sample_plan()
    [picture] = pictures(plan_page(plan))
    titles = [node.text for node in picture.iter() if node.tag.endswith("title")]
    assert len(titles) == len(plan.subgraphs)


def test_many_apps_are_counted_and_each_has_a_colour_of_its_own() -> None:
    assert len({colour(number) for number in range(50)}) == 50
    assert listed(["a", "b"], "apps") == "a, b"
    assert listed([f"app-{at}" for at in range(50)], "apps") == "50 apps"


def test_a_long_name_is_cut_in_its_middle_and_told_whole() -> None:
    name = "an-application-with-a-rather-long-name-1"  # 40 letters, 30 are shown
    (drawn,) = pictures(picture([name, "b"], [], 0, 10, "caption"))
    first, second = (node for node in drawn.iter() if node.get("class") == "row")
    assert first.text == "an-application-…er-long-name-1"
    assert len(first.text) == 30
    assert [node.text for node in first] == [name]
    assert (second.text, len(second)) == ("b", 0)
