# The board runs this file when it starts.
import time

import PACKAGE


def main():
    for level in PACKAGE.levels(6):
        print("on" if level else "off")
        # With an LED at pin 25: Pin(25, Pin.OUT).value(level)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
