"""The row buffer behaves as a list, however much of it lies in a file."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from resources.sync.rows import RowBuffer

rows = st.tuples(st.integers(), st.text(max_size=3))


class BufferAsList(RuleBasedStateMachine):
    """A buffer and the list that it must equal after every step."""

    @initialize(bound=st.integers(1, 5))
    def make(self, bound):
        """Start with an empty one that spills early."""
        self.buffer, self.model = RowBuffer(bound), []

    @rule(row=rows)
    def append(self, row):
        """Add a row."""
        self.buffer.append(row)
        self.model.append(row)

    @rule(more=st.lists(rows, max_size=12))
    def append_many(self, more):
        """Add rows one by one."""
        for row in more:
            self.append(row)

    @rule(more=st.lists(rows, max_size=12))
    def extend(self, more):
        """Add rows at once."""
        self.buffer.extend(more)
        self.model += more

    @rule(data=st.data())
    def keep(self, data):
        """Forget the end, as where a part of a stream broke off."""
        count = data.draw(st.integers(0, len(self.model) + 2))
        self.buffer.keep(count)
        del self.model[count:]

    @rule(count=st.integers(0, 8))
    def read_a_part(self, count):
        """Leave an iteration half-way."""
        assert [row for row, _ in zip(self.buffer, range(count), strict=False)] == self.model[:count]

    @rule()
    def close(self):
        """Forget everything; it may be filled again."""
        self.buffer.close()
        self.model = []

    @invariant()
    def is_the_list(self):
        """The same rows in the same order, again and again."""
        if hasattr(self, "buffer"):
            assert len(self.buffer) == len(self.model)
            assert list(self.buffer) == list(self.buffer) == self.model

    def teardown(self):
        """Give the file back."""
        if hasattr(self, "buffer"):
            self.buffer.close()


TestBufferAsList = BufferAsList.TestCase
TestBufferAsList.settings = settings(max_examples=40, stateful_step_count=30)


def test_no_more_rows_than_the_bound_stay_in_memory():
    buffer = RowBuffer(10)
    for number in range(1_005):
        buffer.append((number,))
        assert len(buffer._rows) < 10
    assert [number for (number,) in buffer] == list(range(1_005))
    buffer.close()


def test_few_rows_touch_no_file(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    buffer = RowBuffer(10)
    for number in range(9):
        buffer.append((number,))
    assert len(buffer) == 9
    buffer.close()


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 25, 26, 99])
def test_kept_rows_go_on_where_they_were_cut(count):
    buffer = RowBuffer(10)
    for number in range(26):
        buffer.append((number,))
    buffer.keep(count)
    for number in range(100, 120):
        buffer.append((number,))
    assert [number for (number,) in buffer] == [*range(min(count, 26)), *range(100, 120)]
    buffer.close()


def test_rows_added_while_others_are_read_overwrite_none():
    buffer = RowBuffer(10)
    buffer.extend([(number,) for number in range(10)])
    buffer.extend([(number,) for number in range(10, 20)])
    reading = iter(buffer)
    assert next(reading) == (0,)
    buffer.extend([(number,) for number in range(20, 30)])
    assert [number for (number,) in buffer] == list(range(30))
    buffer.close()
