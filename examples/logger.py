# Measures a voltage and keeps the values in a file on the board: see it with `piton fs cat :log.csv`.
# 26 is the first analog pin of a Raspberry Pi Pico: put in your board's.
import time

from machine import ADC

adc = ADC(26)
with open("log.csv", "w") as log:
    log.write("milliseconds,value\n")
    for _ in range(5):
        log.write("%d,%d\n" % (time.ticks_ms(), adc.read_u16()))
        time.sleep_ms(50)

with open("log.csv") as log:
    print(log.read())
