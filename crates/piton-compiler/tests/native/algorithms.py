import micropython


@micropython.native
def quick_sort(values, low, high):
    while low < high:
        pivot = values[(low + high) // 2]
        left, right = low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if right - low < high - left:
            quick_sort(values, low, right)
            low = left
        else:
            quick_sort(values, left, high)
            high = right


@micropython.native
def multiply(a, b):
    columns = len(b[0])
    result = [[0] * columns for _ in a]
    for i, row in enumerate(a):
        for j in range(columns):
            total = 0
            for k, value in enumerate(row):
                total += value * b[k][j]
            result[i][j] = total
    return result


@micropython.native
def words(text, *, smallest=1, stop=frozenset()):
    counts = {}
    for word in text.split():
        word = word.strip(".,;:!?").lower()
        if len(word) < smallest or word in stop:
            continue
        counts[word] = counts.get(word, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


@micropython.native
def running_mean(samples, size):
    window = []
    total = 0
    for sample in samples:
        window.append(sample)
        total += sample
        if len(window) > size:
            total -= window.pop(0)
        yield total / len(window)


@micropython.native
def read_lines(stream, limit=80):
    line = b""
    try:
        while True:
            byte = stream.read(1)
            if not byte:
                break
            if byte == b"\n":
                yield line
                line = b""
            elif len(line) < limit:
                line += byte
        if line:
            yield line
    finally:
        stream.close()


@micropython.native
def retry(call, times=3, *errors):
    last = None
    for attempt in range(times):
        try:
            return call(attempt)
        except OSError as error:
            if error.args and error.args[0] not in errors:
                raise error
            last = error
        except (ValueError, TypeError):
            continue
        else:
            break
    return last


@micropython.native
def locked(lock, work):
    with lock as held, work:
        if not held:
            return None
        for step in work:
            with step:
                if step.done:
                    break
        else:
            return False
    return True


@micropython.native
def parse(tokens):
    def expression(at):
        value, at = term(at)
        while at < len(tokens) and tokens[at] in "+-":
            sign = 1 if tokens[at] == "+" else -1
            right, at = term(at + 1)
            value += sign * right
        return value, at

    def term(at):
        if tokens[at] == "(":
            value, at = expression(at + 1)
            return value, at + 1
        return int(tokens[at]), at + 1

    return expression(0)[0]


class Ring:
    @micropython.native
    def __init__(self, size):
        self.data = bytearray(size)
        self.head = self.tail = 0

    @micropython.native
    def put(self, value):
        following = (self.head + 1) % len(self.data)
        if following == self.tail:
            raise OverflowError("the ring is full: " + str(len(self.data)))
        self.data[self.head] = value & 0xFF
        self.head = following

    @micropython.native
    def __len__(self):
        return (self.head - self.tail) % len(self.data)

    @micropython.native
    def __iter__(self):
        while self.tail != self.head:
            yield self.data[self.tail]
            self.tail = (self.tail + 1) % len(self.data)


@micropython.native
async def poll(sensors, interval):
    while sensors:
        async with sensors[0] as sensor:
            async for value in sensor:
                if value is None or not 0 <= value < 1 << 12:
                    del sensors[0]
                    break
                await interval(value, *sensors, last=value == -1)
