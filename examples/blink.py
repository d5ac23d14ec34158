# Blinks an LED. 25 is its pin on a Raspberry Pi Pico: put in your board's.
import time

from machine import Pin

led = Pin(25, Pin.OUT)
for _ in range(3):
    for value in (1, 0):
        led.value(value)
        print("LED is", "on" if led.value() else "off")
        time.sleep_ms(100)
