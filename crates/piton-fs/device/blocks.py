# Receives the content of a file for the function _piton of write.py over a micro:bit's serial line, in acknowledged blocks:
# docs/transfer.md describes them.
def _piton_blocks(size):
    from microbit import running_time, uart
    from micropython import kbd_intr

    def read(count, wait):
        # Returns fewer bytes if none arrives for so many milliseconds.
        data = b""
        since = running_time()
        while len(data) < count and running_time() - since < wait:
            more = uart.read(count - len(data))
            if more:
                data += more
                since = running_time()
        return data

    total = 0
    kbd_intr(-1)
    try:
        while True:
            print(total)
            if total == size:
                break
            head = read(3, 10000)
            if not head:
                raise OSError(110)
            if head[0] == 3:
                raise KeyboardInterrupt
            count = head[0] - 32
            if len(head) == 3 and count > 0:
                block = head + read(count + 2, 400)
                first = second = 0
                for byte in block[:-2]:
                    first += byte
                    second += first
                if len(block) == count + 5 and block[-2] == first & 255 and block[-1] == second & 255:
                    # A repeated block is acknowledged again: its first answer was lost.
                    if head[1] | head[2] << 8 == total & 65535:
                        _piton(block[3:-2])
                        total += count
                    continue
            while read(32, 100):
                pass
    finally:
        kbd_intr(3)
