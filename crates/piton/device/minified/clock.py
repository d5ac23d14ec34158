def _piton(time):
 import machine
 clock=machine.RTC()
 if time:
  clock.datetime(time)
 print(tuple(clock.datetime()))
