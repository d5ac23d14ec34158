# Sets the board's clock, unless time is None, and prints what it shows then.
def _piton(time):
    import machine

    clock = machine.RTC()
    if time:
        clock.datetime(time)
    print(tuple(clock.datetime()))
