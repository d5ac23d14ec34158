import micropython


@micropython.viper
def fill_rectangle(buffer: ptr16, stride: int, x: int, y: int, width: int, height: int, color: int):
    row = y * stride + x
    while height > 0:
        at = row
        end = row + width
        while at < end:
            buffer[at] = color
            at += 1
        row += stride
        height -= 1


@micropython.viper
def blit_with_key(target: ptr8, source: ptr8, count: int, key: int) -> int:
    copied = 0
    for at in range(count):
        value = source[at]
        if value != key:
            target[at] = value
            copied += 1
    return copied


@micropython.viper
def swap_bytes(buffer: ptr8, length: int):
    at = 0
    while at + 1 < length:
        low = buffer[at]
        buffer[at] = buffer[at + 1]
        buffer[at + 1] = low
        at += 2


@micropython.viper
def to_color565(source: ptr8, target: ptr16, pixels: int):
    for pixel in range(pixels):
        red = source[3 * pixel]
        green = source[3 * pixel + 1]
        blue = source[3 * pixel + 2]
        target[pixel] = (red & 0xF8) << 8 | (green & 0xFC) << 3 | blue >> 3


@micropython.viper
def gray_to_mono(source: ptr8, target: ptr8, width: int, height: int):
    for y in range(0, height, 8):
        for x in range(width):
            column = 0
            for bit in range(8):
                if source[(y + bit) * width + x] > 127:
                    column |= 1 << bit
            target[(y >> 3) * width + x] = column


@micropython.viper
def crc8_of_onewire(data: ptr8, length: int) -> int:
    crc = 0
    for at in range(length):
        byte = data[at]
        for _ in range(8):
            mix = (crc ^ byte) & 1
            crc >>= 1
            if mix:
                crc ^= 0x8C
            byte >>= 1
    return crc


@micropython.viper
def crc16_of_modbus(data: ptr8, length: int) -> uint:
    crc = uint(0xFFFF)
    for at in range(length):
        crc ^= uint(data[at])
        bits = 8
        while bits:
            odd = crc & uint(1)
            crc >>= uint(1)
            if odd:
                crc ^= uint(0xA001)
            bits -= 1
    return crc


@micropython.viper
def adler32(data: ptr8, length: int) -> uint:
    a = 1
    b = 0
    at = 0
    while at < length:
        a = (a + data[at]) % 65521
        b = (b + a) % 65521
        at += 1
    return uint(b << 16 | a)


@micropython.viper
def mix_stereo(left: ptr16, right: ptr16, out: ptr16, count: int, volume: int):
    for at in range(count):
        sample = (left[at] - 32768) * volume >> 8
        sample += (right[at] - 32768) * volume >> 8
        if sample > 32767:
            sample = 32767
        elif sample < -32768:
            sample = -32768
        out[at] = sample + 32768


@micropython.viper
def set_bits(register: ptr32, mask: uint, value: uint) -> uint:
    before = uint(register[0])
    register[0] = int(before & ~mask | value & mask)
    return before


@micropython.viper
def pulse(base: int, pin: int, cycles: int):
    output = ptr32(base + 0x14)
    clear = ptr32(base + 0x18)
    mask = 1 << pin
    for _ in range(cycles):
        output[0] = mask
        clear[0] = mask


@micropython.viper
def find_byte(data: ptr8, start: int, end: int, wanted: int) -> int:
    while start < end:
        if data[start] == wanted:
            return start
        start += 1
    return -1


@micropython.viper
def decode_rle(source: ptr8, length: int, target: ptr8) -> int:
    at = 0
    out = 0
    while at < length:
        count = source[at]
        at += 1
        if count & 0x80:
            value = source[at]
            at += 1
            count = 257 - count
            while count > 0:
                target[out] = value
                out += 1
                count -= 1
        else:
            count += 1
            while count > 0:
                target[out] = source[at]
                at += 1
                out += 1
                count -= 1
    return out


@micropython.viper
def is_sorted(values: ptr32, count: int) -> bool:
    at = 1
    while at < count:
        if values[at - 1] > values[at]:
            return False
        at += 1
    return True


@micropython.viper
def call_back(handler, buffer, length: int) -> object:
    pointer = ptr8(buffer)
    total = 0
    for at in range(length):
        total += pointer[at]
        if total & 0xFF == 0:
            handler(at, total)
    return handler, total
