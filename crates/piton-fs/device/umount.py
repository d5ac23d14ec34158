# Unmounts the mounted folder, and leaves it first.
def _piton():
    import os

    try:
        from vfs import umount
    except ImportError:
        umount = os.umount
    try:
        if os.getcwd().startswith("/remote"):
            os.chdir("/")
    finally:
        umount("/remote")
