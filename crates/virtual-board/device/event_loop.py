# asyncio.run() for a firmware whose asyncio is driven by JavaScript's timers.
#
# Its core hands a callback to a timer whenever something is to run later, and runs what is due when that
# callback is called. Here nothing is handed over: run() calls it, and sleeps in between.
import asyncio
import time
from asyncio import core

# Only a timer's callback can wake tasks that wait for something else than time: look this often.
_IDLE_MS = 10


class _Done(BaseException):
    pass


def _run_due():
    head = core._task_queue.peek()
    wait = time.ticks_diff(head.ph_key, time.ticks_ms()) if head else _IDLE_MS
    if wait > 0:
        time.sleep_ms(wait)
    else:
        core._run_iter()


def run_until_complete(task):
    task = core._promote_to_task(task)
    if task.done():
        raise task.data
    results = []

    def note_result(task, result):
        results.append(result)
        # Leave the loop, although other tasks may be ready.
        raise _Done

    task.state = note_result
    try:
        while True:
            _run_due()
    except _Done:
        pass
    finally:
        core.cur_task = core._top_level_task
    result = results[0]
    task.state = False
    task.data = result
    if isinstance(result, StopIteration):
        return result.value
    raise result


def run(coro):
    return run_until_complete(core.create_task(coro))


def run_forever():
    while True:
        _run_due()


def _later(delay):
    pass


_STREAMS = ("StreamReader", "StreamWriter", "ThreadSafeFlag", "open_connection", "start_server", "Stream")


def _late(name):
    # Of the asyncio module: read when a program asks for it.
    if name == "__all__":
        # `import *` of 1.28 asks for it, and takes no for an error.
        return [known for known in asyncio.__dict__ if known[0] != "_"]
    if name not in _STREAMS:
        raise AttributeError(name)
    import _asyncio_streams

    return getattr(_asyncio_streams, name)


def install():
    asyncio.__getattr__ = _late
    core._schedule_run_iter = _later
    core.new_event_loop()
    asyncio.run = core.run = run
    asyncio.run_until_complete = core.run_until_complete = run_until_complete
    core.Loop.run_until_complete = run_until_complete
    core.Loop.run_forever = run_forever
