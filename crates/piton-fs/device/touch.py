# Creates an empty file, unless there is a file already.
def _piton(path):
    try:
        open(path, "a").close()
    except ValueError:
        # The micro:bit has no append mode.
        import os

        if path not in os.listdir():
            open(path, "w").close()
