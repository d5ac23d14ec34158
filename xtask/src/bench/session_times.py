"""Prints how long the operations of a session take with one of the modules: `session_times.py MODULE PORT CALLS FOLDER TARGET BOARD`.

Each line is a name and seconds: of one operation, of one call or item where there are many. CPU times are those of this process.
After each it waits for a line on stdin.
"""

import importlib
import sys
import time

module, port, calls, folder, target = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]


def say(name, seconds):
    print("%s: %f" % (name, seconds), flush=True)
    sys.stdin.readline()


begin = time.perf_counter()
belay = importlib.import_module(module)
say("import", time.perf_counter() - begin)
options = {}
if sys.argv[6] == "unix":
    # belay's imports need pins.
    options["startup"] = ""
    if module == "belay":
        # The unix port ends at a soft reset. belay leaves that out for a WebREPL alone.
        sys.modules["belay.device"].WebreplToSerial = object

begin = time.perf_counter()
device = belay.Device(port, **options)
say("connect", time.perf_counter() - begin)


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


def values():
    # belay has no memory for 32 KiB on a Pico: "memory allocation failed, allocating 83776 bytes".
    for size in (2,) if sys.argv[6] == "pico" else (2, 32):
        yield "%d KiB there and back" % size, bytes(n * 2654435761 % (1 << 32) >> 13 & 255 for n in range(size << 10))


for _ in range(3):
    noop()
say("(prepare)", 0)
times = []
cpu = time.process_time()
for _ in range(calls):
    begin = time.perf_counter()
    noop()
    times.append(time.perf_counter() - begin)
cpu = time.process_time() - cpu
say("%d no-ops, median of one" % calls, sorted(times)[len(times) // 2])
say("CPU of a no-op", cpu / calls)

begin = time.perf_counter()
for _ in count(calls):
    pass
say("%d items, each" % calls, (time.perf_counter() - begin) / calls)

if module == "piton":
    begin = time.perf_counter()
    for _ in count.ahead(64)(calls):
        pass
    say("%d items ahead, each" % calls, (time.perf_counter() - begin) / calls)

for name, value in values():
    begin = time.perf_counter()
    if same(value) != value:
        raise SystemExit("the bytes came back changed")
    say(name, time.perf_counter() - begin)

# On an emulated Pico the first sync takes belay minutes.
for name in () if sys.argv[6] == "pico" else ("first sync", "second sync"):
    begin = time.perf_counter()
    device.sync(folder, dst=target)
    say(name, time.perf_counter() - begin)
device.close()
