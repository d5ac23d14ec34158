# Streams of asyncio, for a firmware whose asyncio has none.
import asyncio
import select

_READ = const(1)
_WRITE = const(4)


async def ready(stream, mask):
    # Nothing wakes the loop for a stream: look at it, less and less often.
    poll = select.poll()
    poll.register(stream, mask)
    pause = 0
    while not poll.poll(0):
        await asyncio.sleep_ms(pause)
        pause = min(pause + 1, 10)


class Stream:
    def __init__(self, s, e={}):
        self.s = s
        self.e = e
        self.out_buf = b""

    def get_extra_info(self, name):
        return self.e[name]

    def close(self):
        pass

    async def wait_closed(self):
        self.s.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *args):
        await self.wait_closed()

    async def read(self, n=-1):
        data = b""
        while True:
            await ready(self.s, _READ)
            part = self.s.read(n)
            if part is None:
                continue
            if n >= 0 or not part:
                return data + part
            data += part

    async def readinto(self, buf):
        await ready(self.s, _READ)
        return self.s.readinto(buf)

    async def readexactly(self, n):
        data = b""
        while len(data) < n:
            await ready(self.s, _READ)
            part = self.s.read(n - len(data))
            if part is not None:
                if not part:
                    raise EOFError
                data += part
        return data

    async def readline(self):
        line = b""
        while True:
            await ready(self.s, _READ)
            part = self.s.readline()
            if part is None:
                continue
            line += part if isinstance(part, bytes) else part.encode()
            if not part or line[-1:] == b"\n":
                return line

    def write(self, buf):
        self.out_buf += buf.encode() if isinstance(buf, str) else buf

    async def drain(self):
        # Others run, too, however fast the stream is.
        await asyncio.sleep_ms(0)
        data = memoryview(self.out_buf)
        at = 0
        while at < len(data):
            await ready(self.s, _WRITE)
            at += self.s.write(data[at:]) or 0
        self.out_buf = b""


StreamReader = Stream
StreamWriter = Stream


class ThreadSafeFlag:
    def __init__(self):
        self.state = 0

    def set(self):
        self.state = 1

    def clear(self):
        self.state = 0

    async def wait(self):
        # A timer's callback sets it, and can't wake a task: look at it, less and less often.
        pause = 0
        while not self.state:
            await asyncio.sleep_ms(pause)
            pause = min(pause + 1, 10)
        self.state = 0


async def open_connection(host, port, ssl=None, server_hostname=None, local_addr=None):
    import socket

    if ssl:
        import ssl as _ssl

        _ssl.wrap_socket(None)
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]
    s = socket.socket()
    s.setblocking(False)
    s.connect(address)
    stream = Stream(s, {"peername": address})
    return stream, stream


class Server:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *args):
        self.close()
        await self.wait_closed()

    def close(self):
        self.task.cancel()

    async def wait_closed(self):
        try:
            await self.task
        except asyncio.CancelledError:
            pass

    async def _serve(self, s, callback):
        try:
            while True:
                await ready(s, _READ)
                peer, address = s.accept()
                peer.setblocking(False)
                stream = Stream(peer, {"peername": address})
                asyncio.create_task(callback(stream, stream))
        finally:
            s.close()


async def start_server(callback, host, port, backlog=5, ssl=None):
    import socket

    if ssl:
        ssl.wrap_socket(None)
    s = socket.socket()
    s.setblocking(False)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(socket.getaddrinfo(host, port)[0][-1])
    s.listen(backlog)
    server = Server()
    server.task = asyncio.create_task(server._serve(s, callback))
    return server
