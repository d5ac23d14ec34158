# Prints what crates/piton/examples/device_times.rs prints, for belay: `python belay_times.py PORT CALLS FOLDER TARGET`.
import sys
import time

import belay

port, calls, folder, target = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]


def show(name, begin, count=1):
    say(name, (time.perf_counter() - begin) / count)


def say(name, seconds):
    print("%s: %f" % (name, seconds), flush=True)
    sys.stdin.readline()


begin = time.perf_counter()
device = belay.Device(port)
show("connect", begin)


@device.task
def noop():
    pass


@device.task
def count(n):
    for i in range(n):
        yield i


@device.task
def same(x):
    return x


for _ in range(3):
    noop()
times = []
for _ in range(calls):
    begin = time.perf_counter()
    noop()
    times.append(time.perf_counter() - begin)
say("no-op", sorted(times)[len(times) // 2])

begin = time.perf_counter()
for _ in count(calls):
    pass
show("item", begin, calls)

value = bytes(n * 2654435761 % (1 << 32) >> 13 & 255 for n in range(32 << 10))
begin = time.perf_counter()
if same(value) != value:
    raise SystemExit("the bytes came back changed")
show("32 KiB", begin)

for name in ("sync", "sync again"):
    begin = time.perf_counter()
    device.sync(folder, dst=target)
    show(name, begin)
