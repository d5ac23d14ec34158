import hashlib
import json

with open('manifest.json') as f:
    manifest = json.load(f)

def verify_file(filepath):
    # Get expected hash from manifest
    for file_info in manifest['files']:
        if file_info['path'] == filepath:
            expected_hash = file_info['sha256']
            break
    
    # Calculate actual hash
    sha256_hash = hashlib.sha256()
    with open(f"mpy/{filepath}", "rb") as f:
        for byte_block in iter(lambda: f.read(4096), b""):
            sha256_hash.update(byte_block)
    actual_hash = sha256_hash.hexdigest()
    
    return actual_hash == expected_hash

# Verify a file
if verify_file('boot.mpy'):
    print("File verified successfully!")
else:
    print("File verification failed!")
