# A WebREPL in front of a board that is reached by TCP, for MicroPython's unix port.
#
# The WebSocket itself is MicroPython's own (extmod/modwebsocket.c). The unix port lacks _webrepl and os.dupterm, so
# the login and the file protocol are here, as extmod/modwebrepl.c has them.
#
# Arguments: TCP port to listen on, TCP port of the board, password, folder for the file protocol.

import binascii
import hashlib
import select
import socket
import struct
import sys
import websocket

port, board_port, password, folder = sys.argv[1:]

TEXT = 1
BINARY = 2
GET_DATA_OPTS = 8
SET_DATA_OPTS = 9
HEADER = "<2sBBQLH64s"


def shake_hands(connection):
    # Names and values to the letter, as webrepl.py wants them. Not by `makefile`: here its file would close the socket
    # when it is collected.
    connection.readline()
    key = None
    wanted = 0
    while True:
        line = connection.readline()
        if not line or line == b"\r\n":
            break
        name, value = [part.strip() for part in line.split(b":", 1)]
        if name == b"Sec-WebSocket-Key":
            key = value
        elif name == b"Connection" and b"Upgrade" in value:
            wanted += 1
        elif name == b"Upgrade" and value == b"websocket":
            wanted += 1
    if key is None or wanted != 2:
        connection.write(b"HTTP/1.0 200 OK\r\n\r\nno page")
        return False
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    connection.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    connection.write(b"Sec-WebSocket-Accept: " + binascii.b2a_base64(digest)[:-1] + b"\r\n\r\n")
    return True


class Session:
    def __init__(self, connection):
        self.connection = connection
        self.socket = websocket.websocket(connection, True)
        self.typed = b""
        self.board = None
        self.header = b""
        self.file = None
        self.to_receive = 0
        self.socket.write(b"Password: ")
        connection.setblocking(False)

    def close(self):
        for stream in (self.file, self.connection, self.board):
            if stream is not None:
                stream.close()

    def write_binary(self, data):
        self.socket.ioctl(SET_DATA_OPTS, BINARY)
        self.socket.write(data)
        self.socket.ioctl(SET_DATA_OPTS, TEXT)

    # What the client sent; whether the session goes on.
    def take_in(self):
        while True:
            byte = self.socket.read(1)
            if byte is None:
                return True
            if not byte:
                return False
            if self.board is None:
                if not self.log_in(byte):
                    return False
            elif self.socket.ioctl(GET_DATA_OPTS, 0) == TEXT:
                self.board.write(byte)
            else:
                self.take_binary(byte)

    def log_in(self, byte):
        if byte not in b"\r\n":
            self.typed = (self.typed + byte)[:10]
            return True
        if self.typed != password.encode():
            self.socket.write(b"\r\nAccess denied\r\n")
            return False
        self.board = socket.socket()
        self.board.connect(socket.getaddrinfo("127.0.0.1", int(board_port))[0][-1])
        self.socket.write(b"\r\nWebREPL connected\r\n>>> ")
        poller.register(self.board, select.POLLIN)
        return True

    def take_binary(self, byte):
        if self.file is None:
            self.header += byte
            if len(self.header) == struct.calcsize(HEADER):
                _, kind, _, _, self.to_receive, length, name = struct.unpack(HEADER, self.header)
                self.header = b""
                self.begin(kind, name.split(b"\0")[0].decode())
            return
        if self.kind == 1:
            self.file.write(byte)
            self.to_receive -= 1
        else:
            chunk = self.file.read(256)
            self.write_binary(struct.pack("<H", len(chunk)) + chunk)
            self.to_receive = len(chunk)
        self.finish()

    def begin(self, kind, name):
        if kind == 3:
            self.write_binary(bytes(sys.implementation.version[:3]))
            return
        # An error ends the session, as on a board.
        self.file = open(folder + "/" + name, "wb" if kind == 1 else "rb")
        self.kind = kind
        self.write_binary(b"WB\0\0")
        if kind == 1:
            self.finish()

    def finish(self):
        if self.to_receive == 0:
            self.file.close()
            self.file = None
            self.write_binary(b"WB\0\0")


def serve():
    session = None
    while True:
        for stream, _ in poller.poll():
            if stream is server:
                connection = server.accept()[0]
                if not shake_hands(connection) or session is not None:
                    # One session at a time, as webrepl.py has it.
                    connection.close()
                    continue
                session = Session(connection)
                poller.register(connection, select.POLLIN)
            elif session is not None and not pass_on(session, stream):
                poller.unregister(session.connection)
                if session.board is not None:
                    poller.unregister(session.board)
                session.close()
                session = None


# Carry what there is on one side to the other; whether the session goes on.
def pass_on(session, stream):
    try:
        if stream is session.connection:
            return session.take_in()
        if stream is session.board:
            output = session.board.recv(4096)
            end = output.find(b"soft reboot\r\n") + 13
            # A soft reset forgets the session before anything else is printed: py/runtime.c, mp_init().
            is_reset = end >= 13
            session.socket.write(output[:end] if is_reset else output)
            return bool(output) and not is_reset
        return True
    except OSError:
        return False


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(socket.getaddrinfo("127.0.0.1", int(port))[0][-1])
server.listen(4)
poller = select.poll()
poller.register(server, select.POLLIN)
print("ready")
serve()
