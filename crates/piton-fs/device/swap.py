# Carries out changes that belong together: all of them, or none. A journal has an entry for each, with NUL behind it:
# "+" and a file whose new content waits beside it, "-" and a file that goes, "/" and a folder that goes if it is empty,
# each name as it continues `folder`. With `begin`, the journal waits beside its place, too, and all new content is there.
# Without, what was cut off is finished if it was begun, and given up if it was not.
# An old file waits beside its place until all is done, and the journal is removed last: what is there tells how far it
# came. Prints whether the changes were made, or None for a file that is no journal, or the place that fails.
def _piton(folder, journal, begin):
    import os

    def there(path):
        try:
            return os.stat(path)
        except OSError:
            return None

    draft = journal + ".piton-next"
    begun = not begin and there(journal)
    entries = ours = None
    try:
        with open(journal if begun else draft) as file:
            if file.read(13) == "piton swap 1\0":
                entries = file.read().split("\0")
                ours = entries.pop() == "."
    except ValueError:
        # It is not UTF-8.
        pass
    for entry in entries or ():
        for name in entry[1:].split("/"):
            # Nothing outside of the folder. FAT takes "\" for "/".
            if name in ("", ".", "..") or "\\" in name or entry[0] not in "+-/":
                ours = False
    if not ours:
        if begun or begin:
            return print(None)
        os.remove(draft)
        return print(False)
    goes = [folder + entry[1:] for entry in entries if entry[:1] == "-"]
    empty = [folder + entry[1:] for entry in entries if entry[:1] == "/"]
    entries = [folder + entry[1:] for entry in entries if entry[:1] == "+"]
    if begin:
        os.rename(draft, journal)
    elif not begun:
        for place in entries:
            for left in place + ".piton-next", place + ".piton-next.piton-new":
                if there(left):
                    os.remove(left)
        os.remove(draft)
        return print(False)
    try:
        for place in entries:
            new = place + ".piton-next"
            old = place + ".piton-old"
            if there(new):
                found = there(place)
                if found:
                    if found[0] & 0x4000:
                        raise OSError(21)
                    if there(old):
                        os.remove(old)
                    os.rename(place, old)
                os.rename(new, place)
    except BaseException:
        print(repr(place))
        for place in entries:
            new = place + ".piton-next"
            old = place + ".piton-old"
            if not there(new):
                os.rename(place, new)
            # With all three there, it is left from long ago.
            if there(old) and not there(place):
                os.rename(old, place)
        os.remove(journal)
        for place in entries:
            os.remove(place + ".piton-next")
        raise
    # Nothing is put back from here on.
    for place in entries:
        if there(place + ".piton-old"):
            os.remove(place + ".piton-old")
    for place in goes:
        if there(place):
            os.remove(place)
    for place in empty:
        try:
            os.rmdir(place)
        except OSError:
            pass
    os.remove(journal)
    print(True)
