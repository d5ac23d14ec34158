"""What the "Build MPY Files" workflow does after compiling: the manifest, then the archives of a release."""

import hashlib
import json
import shutil
from datetime import datetime, timezone
from pathlib import Path

build = Path("build")
root = build / "mpy"
files = []
for path in sorted(root.rglob("*.mpy")):
    relative = path.relative_to(root).as_posix()
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(4096), b""):
            digest.update(block)
    files.append(
        {
            "path": relative,
            "download_path": "mpy/" + relative,
            "sha256": digest.hexdigest(),
            "size": path.stat().st_size,
        }
    )
manifest = {
    "version": "1.0.0",
    "build_timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "files": files,
}
(build / "manifest.json").write_text(json.dumps(manifest, indent=2))
for kind in ["gztar", "zip"]:
    shutil.make_archive(str(build / "mpy-files"), kind, build, "mpy")
