# The bluetooth module of the virtual board: a radio that remembers, and no device in range.
import micropython
import struct

about = "pretended: advertising, services and values are remembered; no device is in range"

FLAG_READ = const(0x0002)
FLAG_WRITE_NO_RESPONSE = const(0x0004)
FLAG_WRITE = const(0x0008)
FLAG_NOTIFY = const(0x0010)
FLAG_INDICATE = const(0x0020)

_SCAN_DONE = const(6)
_PERIPHERAL_DISCONNECT = const(8)
_FIRST_HANDLE = const(16)
_ENODEV = const(19)
_ENOTCONN = const(107)


class UUID:
    def __init__(self, value):
        if isinstance(value, int):
            if not 0 <= value <= 0xFFFF:
                raise ValueError("invalid UUID")
            self._bytes = struct.pack("<H", value)
        elif isinstance(value, str):
            digits = value.replace("-", "")
            if len(digits) != 32:
                raise ValueError("invalid UUID")
            self._bytes = bytes([int(digits[at : at + 2], 16) for at in range(30, -1, -2)])
        else:
            if len(value) not in (2, 4, 16):
                raise ValueError("invalid UUID")
            self._bytes = bytes(value)

    def __bytes__(self):
        return self._bytes

    def __len__(self):
        return len(self._bytes)

    def __iter__(self):
        return iter(self._bytes)

    def __getitem__(self, at):
        return self._bytes[at]

    def __eq__(self, other):
        return isinstance(other, UUID) and self._bytes == other._bytes

    def __lt__(self, other):
        return self._bytes < other._bytes

    def __hash__(self):
        return hash(self._bytes)

    def __repr__(self):
        text = "".join(["{:02x}".format(byte) for byte in reversed(self._bytes)])
        if len(text) == 32:
            text = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
            return "UUID('{}')".format(text)
        return "UUID(0x{})".format(text)


class BLE:
    _one = None

    def __new__(cls):
        if BLE._one is None:
            BLE._one = object.__new__(cls)
            BLE._one._reset()
        return BLE._one

    def _reset(self):
        self._active = False
        self._handler = None
        self._settings = {"gap_name": b"virtual-board", "rxbuf": 256, "mtu": 256, "addr_mode": 0, "bond": False, "mitm": False, "io": 3, "le_secure": False}
        self._advertises = None
        self._values = {}
        self._appends = {}
        self._notified = []

    def _needs_power(self):
        if not self._active:
            raise OSError(_ENODEV, "the radio is not active")

    def _raise(self, event, data):
        if self._handler is not None:
            micropython.schedule(self._call, (event, data))

    def _call(self, what):
        if self._handler is not None:
            self._handler(*what)

    def active(self, active=None):
        if active is not None:
            self._active = bool(active)
            if not active:
                self._advertises = None
        return self._active

    def config(self, *names, **settings):
        self._settings.update(settings)
        if names:
            if names[0] == "mac":
                return (0, b"\x02\x00\x00\x00\x00\x03")
            if names[0] not in self._settings:
                raise ValueError("unknown config param")
            return self._settings[names[0]]

    def irq(self, handler):
        self._handler = handler

    # Advertising and looking round

    def gap_advertise(self, interval_us, adv_data=None, *, resp_data=None, connectable=True):
        self._needs_power()
        if interval_us is None:
            self._advertises = None
            return
        before = self._advertises or (None, b"", b"", True)
        adv_data = before[1] if adv_data is None else bytes(adv_data)
        resp_data = before[2] if resp_data is None else bytes(resp_data)
        if len(adv_data) > 31 or len(resp_data) > 31:
            raise OSError(-500, "more than 31 bytes")
        self._advertises = (interval_us, adv_data, resp_data, connectable)

    def gap_scan(self, duration_ms=0, interval_us=1280000, window_us=11250, active=False):
        self._needs_power()
        # No device answers.
        if duration_ms is None or duration_ms > 0:
            self._raise(_SCAN_DONE, ())

    def gap_connect(self, addr_type, addr=None, *args):
        self._needs_power()
        if addr_type is not None:
            self._raise(_PERIPHERAL_DISCONNECT, (0xFFFF, addr_type, bytes(addr)))

    def gap_disconnect(self, conn_handle):
        self._needs_power()
        return False

    def gap_pair(self, conn_handle):
        raise OSError(_ENOTCONN)

    def gap_passkey(self, conn_handle, action, passkey):
        raise OSError(_ENOTCONN)

    # A server of values

    def gatts_register_services(self, services):
        self._needs_power()
        self._values = {}
        handle = _FIRST_HANDLE - 1
        registered = []
        for _, characteristics in services:
            handle += 1
            handles = []
            for characteristic in characteristics:
                handle += 2
                handles.append(handle)
                self._values[handle] = b""
                if characteristic[1] & (FLAG_NOTIFY | FLAG_INDICATE):
                    handle += 1
                    self._values[handle] = b"\0\0"
                for _ in characteristic[2] if len(characteristic) > 2 else ():
                    handle += 1
                    handles.append(handle)
                    self._values[handle] = b""
            registered.append(tuple(handles))
        return tuple(registered)

    def _known(self, handle):
        if handle not in self._values:
            raise OSError(22, "no such value handle")

    def gatts_read(self, value_handle):
        self._known(value_handle)
        return self._values[value_handle]

    def gatts_write(self, value_handle, data, send_update=False):
        self._known(value_handle)
        self._values[value_handle] = data.encode() if isinstance(data, str) else bytes(data)
        return len(data)

    def gatts_notify(self, conn_handle, value_handle, data=None):
        self._known(value_handle)
        # What a central would have been sent, the last of it.
        self._notified.append((value_handle, self._values[value_handle] if data is None else data))
        self._notified = self._notified[-16:]

    def gatts_indicate(self, conn_handle, value_handle, data=None):
        self.gatts_notify(conn_handle, value_handle, data)

    def gatts_set_buffer(self, value_handle, len, append=False):
        self._known(value_handle)
        self._appends[value_handle] = append

    # A client has no device to talk to

    def _alone(self, *args):
        raise OSError(_ENOTCONN)

    gattc_discover_services = _alone
    gattc_discover_characteristics = _alone
    gattc_discover_descriptors = _alone
    gattc_read = _alone
    gattc_write = _alone
    gattc_exchange_mtu = _alone
    l2cap_listen = _alone
    l2cap_connect = _alone
    l2cap_send = _alone

    def __repr__(self):
        return "BLE(active={}, advertises={}, values={})".format(self._active, self._advertises, self._values)
