"""The kernel's log: both forms of it, and what of it belongs to a load."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from modferry_agent.core import klog
from modferry_agent.jobs import klog as job
from modferry_agent.system import klogdevice
from support.fakekernel import FakeLoader

# Records of Debian's 6.1.0-56-amd64.
UNKNOWN = "4,382,4908086,-;dummy: Unknown symbol ether_setZQ (err -2)\n"
NOISE = "6,363,1905160,-,caller=T17;tsc: Refined TSC\\x0a: 2596 MHz\n SUBSYSTEM=x\n"


def test_a_record_has_sequence_time_level_and_text():
    got = klog.parse_record(UNKNOWN)

    assert got == {
        "sequence": 382,
        "time_us": 4908086,
        "level": 4,
        "facility": 0,
        "caller": "",
        "text": "dummy: Unknown symbol ether_setZQ (err -2)",
        "own": False,
    }


def test_escapes_are_undone_and_the_dictionary_is_left():
    got = klog.parse_record(NOISE)

    assert got is not None
    assert (got["text"], got["caller"]) == ("tsc: Refined TSC\n: 2596 MHz", "T17")


@pytest.mark.parametrize("text", ["", "no record", "a,b,c;d", "1,2;x"])
def test_what_is_no_record_is_none(text: str):
    assert klog.parse_record(text) is None


def test_lines_of_the_ring_may_lack_level_and_stamp():
    ring = "<4>[    0.366267] dummy: a\n<30>daemon: b\nc\n"  # the first from 2.6.32.9

    got = [
        (record["level"], record["facility"], record["time_us"], record["text"])
        for record in klog.parse_ring(ring)
    ]

    assert got == [
        (4, 0, 366267, "dummy: a"),
        (6, 3, None, "daemon: b"),
        (None, None, None, "c"),
    ]
    assert len(klog.parse_ring(ring, begins_whole=False)) == 2


def test_between_two_marks_is_what_one_load_said():
    ring = "<7>mark A\nold\n<7>mark A\none\ntwo\n<7>mark B\nlater\n"

    assert klog.between_marks(ring, "mark A", "mark B") == ("one\ntwo\n", False)
    assert klog.between_marks("one\n<7>mark B\n", "mark A", "mark B") == ("one\n", True)


def test_a_second_copy_has_what_is_new():
    assert klog.new_text("a\nb\n", "a\nb\nc\n") == ("c\n", False)
    assert klog.new_text("a\nb\nc\n", "b\nc\nd\n") == ("d\n", False)
    assert klog.new_text("a\nb\n", "x\ny\n") == ("x\ny\n", True)
    assert klog.new_text("", "x\n") == ("x\n", False)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("dummy: hello", True),
        ("module dummy: hello", True),
        ("Module dummy is blacklisted", True),
        ("dummy_x: hello", False),
        ("xdummy: hello", False),
        ("Module len 64 truncated", True),
        ("module: x86/modules: Skipping invalid relocation target, existing", True),
        ("other: Unknown symbol x (err -2)", False),
        ("usb 1-1: new device", False),
    ],
)
def test_own_are_lines_that_name_the_module_or_are_the_loaders(text: str, own: bool):
    records = klog.parse_ring(f"<4>{text}\n")

    klog.mark_own(records, ["dummy"])

    assert records[0]["own"] is own


def test_the_thread_that_called_is_sure():
    records = [klog.parse_record("4,1,1,-,caller=T9;any"), klog.parse_record(NOISE)]

    klog.mark_own(records, ["tsc"], "T9")

    assert [record["own"] for record in records] == [True, False]


class FakeDevice:
    """What os does with /dev/kmsg of a kernel from 3.5 on."""

    O_RDONLY = O_WRONLY = O_NONBLOCK = 0
    SEEK_SET, SEEK_END = 0, 2

    def __init__(self, records: list[str], readable: bool = True) -> None:
        self.records, self.readable = records, readable
        self.position = 0
        self.overrun = False
        self.closed = 0

    def open(self, path: bytes, flags: int) -> int:
        return 99

    def close(self, handle: int) -> None:
        self.closed += 1

    def lseek(self, handle: int, offset: int, whence: int) -> int:
        self.position = len(self.records) if whence == self.SEEK_END else 0
        return 0

    def read(self, handle: int, size: int) -> bytes:
        assert size >= 8192
        if not self.readable:
            raise OSError(errno.EINVAL, "Invalid argument")
        if self.overrun:
            self.overrun = False
            raise OSError(errno.EPIPE, "Broken pipe")
        if self.position >= len(self.records):
            raise OSError(errno.EAGAIN, "Try again")
        self.position += 1
        return self.records[self.position - 1].encode()


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    fake = FakeDevice([UNKNOWN])
    monkeypatch.setattr(klogdevice, "os", fake)
    return fake


def test_a_bracket_takes_the_kernels_records_since_it_was_made(device: FakeDevice):
    bracket = klogdevice.Bracket(settle_s=0)
    device.records += ["4,383,1,-;mine\n", "12,384,1,-;of user space\n"]

    records, lost = bracket.collect()

    assert bracket.interface == "kmsg"
    assert [record["text"] for record in records] == ["mine"]
    assert not lost
    assert device.closed == 1


def test_overwritten_records_are_said_to_be_lost(device: FakeDevice):
    bracket = klogdevice.Bracket(settle_s=0)
    device.overrun = True
    device.records.append("4,390,1,-;left\n")

    records, lost = bracket.collect()

    assert lost
    assert [record["text"] for record in records] == ["left"]


def test_a_device_for_writing_only_is_none_to_read(
    device: FakeDevice, monkeypatch: pytest.MonkeyPatch
):
    device.readable = False

    assert klogdevice.Bracket(settle_s=0).interface is None


def test_without_the_device_two_copies_of_the_ring_are_compared(tmp_path: Path):
    loader = FakeLoader(tmp_path)
    bracket = klogdevice.Bracket(loader, str(tmp_path / "none"), settle_s=0)
    loader.say(4, "dummy: one")

    records, lost = bracket.collect()

    assert bracket.interface == "syslog"
    assert [record["text"] for record in records] == ["dummy: one"]
    assert not lost


def test_marks_cut_the_ring_of_an_old_kernel(tmp_path: Path):
    path = tmp_path / "kmsg"
    path.write_text("")
    loader = FakeLoader(tmp_path)

    def read_ring() -> tuple[bytes, int]:
        loader.ring += path.read_text()
        path.write_text("")
        return loader.ring.encode(), 0

    loader.read_ring = read_ring  # type: ignore[method-assign]
    monkey = klogdevice.open_at
    try:
        klogdevice.open_at = lambda device, whence: -1
        bracket = klogdevice.Bracket(loader, str(path), settle_s=0)
        loader.read_ring()
        loader.say(4, "dummy: one")
        records, lost = bracket.collect()
    finally:
        klogdevice.open_at = monkey

    assert [record["text"] for record in records] == ["dummy: one"]
    assert not lost


def test_the_log_is_read_from_a_sequence_on(device: FakeDevice, monkeypatch):
    monkeypatch.setattr(job, "os", device)
    device.records.append("6,383,5000000,-;second\n")

    got = job.read_log(since=383)

    assert (got["interface"], got["next"], got["lost"]) == ("kmsg", 384, False)
    assert [record["text"] for record in got["records"]] == ["second"]
    assert job.read_log(since=100)["lost"]
    assert len(job.read_log(limit=1)["records"]) == 1


def test_the_log_of_an_old_kernel_is_counted_in_lines(tmp_path: Path):
    loader = FakeLoader(tmp_path)
    loader.say(4, "dummy: one")

    got = job.read_log(since=1, loader=loader, device=str(tmp_path / "none"))

    assert (got["interface"], got["next"]) == ("syslog", 2)
    assert [record["text"] for record in got["records"]] == ["dummy: one"]
