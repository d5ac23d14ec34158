# The socket module of the virtual board: sockets that reach the board itself, and nothing else.
import io
import time

about = "loopback only: the sockets of a program reach each other; nothing outside the board can be reached"

AF_INET = const(2)
AF_INET6 = const(10)
SOCK_STREAM = const(1)
SOCK_DGRAM = const(2)
SOCK_RAW = const(3)
IPPROTO_IP = const(0)
IPPROTO_TCP = const(6)
IPPROTO_UDP = const(17)
SOL_SOCKET = const(4095)
SO_REUSEADDR = const(4)
SO_KEEPALIVE = const(8)
SO_BROADCAST = const(32)
SO_BINDTODEVICE = const(11)
IP_ADD_MEMBERSHIP = const(1024)
IP_DROP_MEMBERSHIP = const(1025)
TCP_NODELAY = const(1)

_EAGAIN = const(11)
_EADDRINUSE = const(98)
_ENOTCONN = const(107)
_ETIMEDOUT = const(110)
_ECONNREFUSED = const(111)
_EHOSTUNREACH = const(113)
_EBADF = const(9)
_EINVAL = const(22)
_EISCONN = const(106)
_EPIPE = const(32)

_POLL = const(3)
_CLOSE = const(4)
_READABLE = const(1)
_WRITABLE = const(4)
_BROKEN = const(8)
_HUNG_UP = const(16)

_ALONE = "the virtual board has no network, its sockets reach only itself"

# Servers and receivers by protocol and port.
_bound = {}
_ports = 49152


def _own_addresses():
    import network

    own = [state.addresses[0] for state in network.WLAN._states]
    own.append(network.LAN._shared.addresses[0])
    return own


def _is_own(host):
    return host in ("", "0.0.0.0") or host.startswith("127.") or host in _own_addresses()


def _is_numeric(host):
    parts = host.split(".")
    return len(parts) == 4 and all([part.isdigit() and int(part) < 256 for part in parts])


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    import network

    if host is None:
        host = "0.0.0.0"
    if host in ("localhost", network.hostname(), network.hostname() + ".local"):
        host = "127.0.0.1"
    if host and not _is_numeric(host):
        # As lwIP says that a name is not known.
        raise OSError(-2, _ALONE)
    return [(AF_INET, type or SOCK_STREAM, proto, "", (host or "0.0.0.0", int(port)))]


def inet_pton(af, address):
    if not _is_numeric(address):
        raise ValueError("invalid address")
    return bytes([int(part) for part in address.split(".")])


def inet_ntop(af, packed):
    return ".".join([str(byte) for byte in packed])


def _free_port():
    global _ports
    _ports = _ports + 1 if _ports < 65535 else 49152
    return _ports


class socket(io.IOBase):
    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0, fileno=None):
        self._type = type
        self._address = None
        self._peer = None
        self._timeout = None
        # What came in: bytes of a stream, or (bytes, sender) of datagrams.
        self._received = bytearray() if type == SOCK_STREAM else []
        self._ended = False
        self._closed = False
        self._waiting = None
        self._default = None
        self._callback = None

    def _check(self):
        if self._closed:
            raise OSError(_EBADF)

    def _wait(self, ready, late=_ETIMEDOUT):
        # Only timers run while the program waits here.
        if ready():
            return
        if self._timeout == 0:
            raise OSError(_EAGAIN)
        start = time.ticks_ms()
        while not ready():
            if self._timeout is not None and time.ticks_diff(time.ticks_ms(), start) >= self._timeout * 1000:
                raise OSError(late)
            time.sleep_ms(1)

    def _arrived(self):
        if self._callback:
            import micropython

            micropython.schedule(self._callback, self)

    # Addresses

    def bind(self, address):
        self._check()
        if isinstance(address, (bytes, bytearray)):
            address = (inet_ntop(AF_INET, address[4:8]), address[2] << 8 | address[3])
        host, port = address[:2]
        host = getaddrinfo(host, port)[0][4][0]
        port = port or _free_port()
        if not _is_own(host) and not 224 <= int(host.split(".")[0]) < 240:
            raise OSError(_EHOSTUNREACH, "not an address of this board")
        if (self._type, port) in _bound:
            raise OSError(_EADDRINUSE)
        self._address = (host, port)
        _bound[self._type, port] = self

    def listen(self, backlog=2):
        self._check()
        if self._address is None:
            self.bind(("0.0.0.0", 0))
        self._waiting = []

    def _can_accept(self):
        return self._closed or bool(self._waiting)

    def accept(self):
        self._check()
        if self._waiting is None:
            raise OSError(_EINVAL)
        self._wait(self._can_accept)
        self._check()
        peer = self._waiting.pop(0)
        return peer, peer._peer._address

    def connect(self, address):
        self._check()
        if self._peer is not None or self._waiting is not None:
            raise OSError(_EISCONN)
        host, port = getaddrinfo(*address[:2])[0][4]
        if self._type != SOCK_STREAM:
            self._default = (host, port)
            return
        if not _is_own(host):
            raise OSError(_EHOSTUNREACH, _ALONE)
        server = _bound.get((SOCK_STREAM, port))
        if server is None or server._waiting is None:
            raise OSError(_ECONNREFUSED)
        if self._address is None:
            self._address = ("127.0.0.1", _free_port())
        other = socket()
        other._address = (host, port)
        other._peer = self
        self._peer = other
        server._waiting.append(other)
        server._arrived()

    def getpeername(self):
        if self._peer is None:
            raise OSError(_ENOTCONN)
        return self._peer._address

    def getsockname(self):
        return self._address or ("0.0.0.0", 0)

    def setsockopt(self, level, option, value):
        # 20: a function to be called when something comes in, as for the WebREPL.
        if option == 20:
            self._callback = value

    def settimeout(self, seconds):
        self._timeout = seconds

    def setblocking(self, blocks):
        self._timeout = None if blocks else 0

    def fileno(self):
        return -1

    # Data

    def _can_read(self):
        return self._closed or self._ended or bool(self._received)

    def recv(self, size, flags=0):
        self._check()
        if self._type != SOCK_STREAM:
            return self.recvfrom(size)[0]
        if self._peer is None and not self._ended:
            raise OSError(_ENOTCONN)
        self._wait(self._can_read)
        data = bytes(self._received[:size])
        self._received = self._received[len(data) :]
        return data

    def recvfrom(self, size, flags=0):
        self._check()
        if self._type == SOCK_STREAM:
            return self.recv(size), self.getpeername()
        self._wait(self._can_read)
        self._check()
        data, sender = self._received.pop(0)
        return data[:size], sender

    def recv_into(self, buf, size=0):
        data = self.recv(size or len(buf))
        buf[: len(data)] = data
        return len(data)

    def send(self, data, flags=0):
        self._check()
        if isinstance(data, str):
            data = data.encode()
        data = bytes(data)
        if self._type != SOCK_STREAM:
            if self._default is None:
                raise OSError(_ENOTCONN)
            return self.sendto(data, self._default)
        if self._peer is None:
            raise OSError(_ENOTCONN)
        if self._peer._closed:
            raise OSError(_EPIPE)
        self._peer._received.extend(data)
        self._peer._arrived()
        return len(data)

    def sendall(self, data, flags=0):
        self.send(data)

    def sendto(self, data, address):
        self._check()
        host, port = getaddrinfo(*address[:2])[0][4]
        if self._address is None:
            self.bind(("127.0.0.1", 0))
        if isinstance(data, str):
            data = data.encode()
        first = int(host.split(".")[0])
        broadcast = host.endswith(".255") or 224 <= first < 240
        if not _is_own(host) and not broadcast:
            raise OSError(_EHOSTUNREACH, _ALONE)
        receiver = _bound.get((self._type, port))
        if receiver is not None:
            receiver._received.append((bytes(data), ("127.0.0.1", self._address[1])))
            receiver._arrived()
        return len(data)

    # As a stream

    def write(self, data, size=-1):
        return self.send(data if size < 0 else data[:size])

    def read(self, size=-1):
        if size >= 0 and self._timeout != 0:
            data = b""
            while len(data) < size:
                part = self.recv(size - len(data))
                if not part:
                    break
                data += part
            return data
        if size >= 0:
            return self._read_now(size)
        data = b""
        while True:
            part = self._read_now(1024)
            if not part:
                return part if part is None and not data else data
            data += part

    def _read_now(self, size):
        try:
            return self.recv(size)
        except OSError as error:
            if error.errno == _EAGAIN:
                return None
            raise

    def readinto(self, buf, size=-1):
        data = self._read_now(len(buf) if size < 0 else min(size, len(buf)))
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def readline(self, size=-1):
        line = b""
        while size < 0 or len(line) < size:
            byte = self._read_now(1)
            if byte is None:
                return line or None
            line += byte
            if not byte or byte == b"\n":
                break
        return line

    def makefile(self, mode="rb", buffering=0):
        return self

    def shutdown(self, how):
        if self._peer is not None:
            self._peer._ended = True

    def ioctl(self, request, argument):
        if request == _CLOSE:
            self.close()
            return 0
        if request != _POLL:
            return -1
        ready = 0
        if self._waiting or self._waiting is None and self._can_read():
            ready |= _READABLE
        if self._type != SOCK_STREAM or self._peer is not None:
            ready |= _WRITABLE
        elif self._waiting is None:
            ready |= _HUNG_UP
        return ready & (argument | _BROKEN | _HUNG_UP)

    def close(self):
        if self._closed:
            return
        self._closed = True
        if self._peer is not None:
            self._peer._ended = True
        for peer in self._waiting or ():
            peer.close()
        if self._address is not None:
            key = (self._type, self._address[1])
            if _bound.get(key) is self:
                del _bound[key]

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def __repr__(self):
        return "<socket type={} local={} peer={}>".format(
            self._type, self._address, self._peer and self._peer._address
        )
