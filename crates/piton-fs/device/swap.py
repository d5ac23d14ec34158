# Puts new files in the places of old ones: all of them, or none. Called with parts of the list of pairs (new file,
# its place), then with None; what was done is kept in between. Called with 0, it puts everything back. An old file
# waits beside its place until all is done. Prints the place that fails.
def _piton(pairs, done=[]):
    import os

    def there(path):
        try:
            os.stat(path)
            return True
        except OSError:
            return False

    if pairs == 0:
        # What is there tells how far each pair came.
        for new, place, old in reversed(done):
            if not there(new):
                os.rename(place, new)
            if there(old):
                os.rename(old, place)
        done.clear()
    elif pairs is None:
        for new, place, old in done:
            if there(old):
                os.remove(old)
        done.clear()
    else:
        for new, place in pairs:
            try:
                old = place + ".piton-old"
                if there(old):
                    os.remove(old)
                os.stat(new)
                done.append((new, place, old))
                if there(place):
                    if os.stat(place)[0] & 0x4000:
                        raise OSError(21)
                    os.rename(place, old)
                os.rename(new, place)
            except:
                print(repr(place))
                raise
