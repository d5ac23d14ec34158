def _piton(path,algorithm):
 import os
 if hasattr(os,"stat")and os.stat(path)[0]&0x4000:
  raise OSError(21)
 try:
  import hashlib
  digest=getattr(hashlib,algorithm)()
 except(ImportError,AttributeError):
  return print(None)
 with open(path,"rb")as file:
  while True:
   chunk=file.read(256)
   if not chunk:
    break
   digest.update(chunk)
 print(digest.digest())
