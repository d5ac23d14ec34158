# Makes several changes together: all of them, or none. A journal has an entry for each, followed by NUL: "+" and a file with new
# content under a temporary name, "-" and a file to remove, "/" and a folder to remove if it is empty; each name is relative to
# `folder`. With `begin`, the journal has its temporary name too, and all new content exists. Without, interrupted changes are
# completed if they were begun, and dropped if not.
# Old files keep a temporary name until the end, and the journal is removed last: the existing names show how far the changes
# came. Prints whether the changes were made, or None for a file that is not a journal, or the path that fails.
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
        # The journal is not UTF-8.
        pass
    for entry in entries or ():
        for name in entry[1:].split("/"):
            # A name may not lead out of the folder. FAT treats "\" as "/".
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
    # The places whose old files have their temporary names. At a change that was interrupted all places are looked at. A look costs
    # an RP2040 up to 2 ms.
    replaced = [] if begin else entries
    try:
        for place in entries:
            new = place + ".piton-next"
            old = place + ".piton-old"
            if begin or there(new):
                found = there(place)
                if found:
                    if found[0] & 0x4000:
                        raise OSError(21)
                    if there(old):
                        os.remove(old)
                    os.rename(place, old)
                    if begin:
                        replaced.append(place)
                os.rename(new, place)
    except BaseException:
        print(repr(place))
        for place in entries:
            new = place + ".piton-next"
            old = place + ".piton-old"
            if not there(new):
                os.rename(place, new)
            # If all three names exist, the old file is left over from an earlier change.
            if there(old) and not there(place):
                os.rename(old, place)
        os.remove(journal)
        for place in entries:
            os.remove(place + ".piton-next")
        raise
    # The changes are not undone from here on.
    for place in replaced:
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
