# Runs on the board: `result` becomes the implementation's name, version, platform, `_mpy`, and the emitters that its compiler has.
import sys

implementation = sys.implementation
emitters = []
for name in ("native", "viper"):
    try:
        exec("@micropython.%s\ndef f(): pass" % name)
        emitters.append(name)
    except Exception:
        # MicroPython says "invalid micropython decorator", CircuitPython knows no `micropython`.
        pass
result = (
    implementation.name,
    list(implementation.version),
    sys.platform,
    getattr(implementation, "_mpy", None),
    emitters,
)
