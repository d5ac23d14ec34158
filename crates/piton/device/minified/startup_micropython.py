import os,time,machine
from time import sleep
from micropython import const
for _ in("ADC","I2C","Pin","PWM","SPI","Timer"):
 try:
  globals()[_]=getattr(machine,_)
 except AttributeError:
  pass
del _
