"""Make archives of a megabyte that unpack to a hundred, from the build beside. The name of each on a line."""

import gzip
import hashlib
import io
import json
import struct
import tarfile
import zipfile

ZEROS = bytes(1 << 20)

with open("build/manifest.json", "rb") as file:
    manifest = file.read()


class Zeros:
    def __init__(self, size):
        self.left = size

    def read(self, count):
        count = min(count, self.left)
        self.left -= count
        return bytes(count)


def tar(name, manifest, sizes):
    with tarfile.open(name, "w:gz", compresslevel=1) as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        archive.addfile(entry, io.BytesIO(manifest))
        for path, size in sizes:
            entry = tarfile.TarInfo("mpy/" + path)
            entry.size = size
            archive.addfile(entry, Zeros(size))
    print(name)


def zip(name, manifest, sizes):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("manifest.json", manifest)
        for path, size in sizes:
            with archive.open("mpy/" + path, "w", force_zip64=True) as entry:
                for _ in range(size >> 20):
                    entry.write(ZEROS)
    print(name)


def listing(sizes):
    """A manifest that says so, with the right hashes."""
    files = []
    for path, size in sizes:
        hash = hashlib.sha256()
        for _ in range(size >> 20):
            hash.update(ZEROS)
        files.append({"path": path, "download_path": "mpy/" + path, "sha256": hash.hexdigest(), "size": size})
    return json.dumps({"version": "1", "build_timestamp": "", "files": files}).encode()


def sized(name, old, new):
    """Have a zip file say another size."""
    with open(name, "rb") as file:
        data = file.read()
    for form in "<Q", "<I":
        data = data.replace(struct.pack(form, old), struct.pack(form, new))
    return data


# One large file: not what the manifest names, or just that.
MANY = 80 << 20
large = [("main.py", MANY)]
tar("large.tar.gz", manifest, large)
zip("large.zip", manifest, large)
tar("listed.tar.gz", listing(large), large)
# A manifest of spaces.
tar("spaces.tar.gz", manifest + b" " * MANY, [])
# A stream of zeros, which is a tar file without entries.
with gzip.open("zeros.tar.gz", "wb", compresslevel=1) as file:
    for _ in range(MANY >> 20):
        file.write(ZEROS)
print("zeros.tar.gz")
# A size that is a lie: what comes is more.
with open("lie.zip", "wb") as file:
    file.write(sized("large.zip", MANY, 10))
print("lie.zip")
# Many files of a moderate size, as it seems.
many = [(f"{number}.bin", 1 << 20) for number in range(6)]
zip("many.zip", manifest, many)
data = sized("many.zip", 1 << 20, 50 << 20)
with open("many.zip", "wb") as file:
    file.write(data)
