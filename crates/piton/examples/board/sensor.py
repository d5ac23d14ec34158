"""The thermometer inside an RP2040."""

import time
from machine import ADC

_adc = ADC(ADC.CORE_TEMP)


def temperature(count=1):
    """Returns the mean of some measurements, in degrees Celsius."""
    total = 0
    for _ in range(count):
        total += _adc.read_u16()
    voltage = total / count * 3.3 / 65535
    # 27 degrees are 0.706 V, and each degree more is 1.721 mV less.
    return 27 - (voltage - 0.706) / 0.001721


def temperatures(count, period_ms):
    """Yields pairs of milliseconds since the start and degrees Celsius."""
    start = time.ticks_ms()
    for number in range(count):
        due = time.ticks_add(start, number * period_ms)
        time.sleep_ms(max(0, time.ticks_diff(due, time.ticks_ms())))
        yield time.ticks_diff(time.ticks_ms(), start), temperature(4)
