# Switches an LED, or the first NeoPixel at a pin: on for 1, off for 0. Level None ends the use of the pin.
# The pin is a number, or a name such as "LED".
def _piton(pin, is_neopixel, level):
    import sys

    names = globals()
    switch = names.get("_piton_led")
    if switch is None:
        if sys.implementation.name == "circuitpython":
            import board
            import digitalio

            led = digitalio.DigitalInOut(getattr(board, pin if isinstance(pin, str) else "GP%d" % pin))
            led.direction = digitalio.Direction.OUTPUT

            def switch(level):
                if is_neopixel:
                    from neopixel_write import neopixel_write

                    neopixel_write(led, bytearray([255 * level] * 3))
                else:
                    led.value = bool(level)
                return led

        else:
            from machine import Pin

            led = Pin(pin, Pin.OUT)

            def switch(level):
                if is_neopixel:
                    from neopixel import NeoPixel

                    pixel = NeoPixel(led, 1)
                    pixel[0] = (255 * level,) * 3
                    pixel.write()
                else:
                    led.value(level)
                return led

        names["_piton_led"] = switch
    led = switch(level or 0)
    if level is None:
        del names["_piton_led"]
        if hasattr(led, "deinit"):
            led.deinit()
