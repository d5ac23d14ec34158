# The esp32 module of the virtual board: settings that are kept in a file, and stable values.
import json
import os

about = "pretended: NVS keeps its values in /.nvs.json when commit() is called, the rest is remembered or made up"

WAKEUP_ALL_LOW = const(0)
WAKEUP_ANY_HIGH = const(1)
HEAP_DATA = const(4)
HEAP_EXEC = const(1)

_NVS_FILE = "/.nvs.json"
_NOT_FOUND = const(-4354)


def raw_temperature():
    # In degrees Fahrenheit.
    return 127


def mcu_temperature():
    return 53


def hall_sensor():
    return 30


def idf_heap_info(capabilities):
    return []


def _remember(*args, **settings):
    pass


wake_on_touch = _remember
wake_on_ulp = _remember
wake_on_ext0 = _remember
wake_on_ext1 = _remember
wake_on_gpio = _remember
gpio_deep_sleep_hold = _remember


def _stored():
    try:
        with open(_NVS_FILE) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


class NVS:
    def __init__(self, namespace):
        self._name = namespace
        self._values = _stored().get(namespace, {})

    def _get(self, key, kind):
        value = self._values.get(key)
        if value is None or value[0] != kind:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return value[1]

    def set_i32(self, key, value):
        if not -0x80000000 <= value <= 0x7FFFFFFF:
            raise OverflowError("not a 32-bit number")
        self._values[key] = ("i32", value)

    def get_i32(self, key):
        return self._get(key, "i32")

    def set_blob(self, key, value):
        if isinstance(value, str):
            value = value.encode()
        self._values[key] = ("blob", list(bytes(value)))

    def get_blob(self, key, buffer):
        data = self._get(key, "blob")
        if len(data) > len(buffer):
            raise OSError(-4364, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(data)] = bytes(data)
        return len(data)

    def set_str(self, key, value):
        self._values[key] = ("str", value)

    def get_str(self, key):
        return self._get(key, "str")

    def erase_key(self, key):
        if key not in self._values:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        del self._values[key]

    def commit(self):
        stored = _stored()
        stored[self._name] = self._values
        beside = _NVS_FILE + ".new"
        with open(beside, "w") as file:
            json.dump(stored, file)
        os.rename(beside, _NVS_FILE)


class Partition:
    BOOT = const(0)
    RUNNING = const(1)
    TYPE_APP = const(0)
    TYPE_DATA = const(1)

    # Type, subtype, address, size, name, encrypted; all of them empty.
    _table = (
        (TYPE_DATA, 2, 0x9000, 0x6000, "nvs", False),
        (TYPE_APP, 0, 0x10000, 0x1F0000, "factory", False),
        (TYPE_DATA, 129, 0x200000, 0x200000, "vfs", False),
    )

    def __init__(self, id, block_size=4096):
        if id in (Partition.BOOT, Partition.RUNNING):
            id = "factory"
        found = [entry for entry in Partition._table if entry[4] == id]
        if not found:
            raise OSError(2)
        self._info = found[0]
        self._block_size = block_size

    @classmethod
    def find(cls, type=TYPE_APP, subtype=0xFF, label=None, block_size=4096):
        found = [
            entry
            for entry in Partition._table
            if entry[0] == type and subtype in (0xFF, entry[1]) and label in (None, entry[4])
        ]
        return [Partition(entry[4], block_size) for entry in found]

    def info(self):
        return self._info

    def readblocks(self, block, buf, offset=0):
        for at in range(len(buf)):
            buf[at] = 0xFF

    def writeblocks(self, block, buf, offset=0):
        raise OSError(30, "the partitions of the virtual board can't be written")

    def ioctl(self, command, argument):
        if command == 4:
            return self._info[3] // self._block_size
        if command == 5:
            return self._block_size
        return 0

    def get_next_update(self):
        raise OSError(2)

    def set_boot(self):
        pass

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        pass

    def __repr__(self):
        return "<Partition type={}, subtype={}, address={}, size={}, label={}, encrypted={}>".format(*self._info)


class RMT:
    # Remembers what it sent.
    def __init__(self, channel, *, pin=None, clock_div=8, **settings):
        self._pin = pin
        self._clock_div = clock_div
        self.sent = None

    def source_freq(self):
        return 80000000

    def clock_div(self):
        return self._clock_div

    def wait_done(self, *, timeout=0):
        return True

    def loop(self, enable):
        pass

    def write_pulses(self, duration, data=True):
        self.sent = (duration, data)

    def deinit(self):
        pass
