def _piton(a,c,d):
 import os
 from hashlib import sha256
 digest=None
 try:
  if os.stat(a)[0]&0x4000:
   a=c
  if os.stat(a)[6]==d:
   digest=sha256()
   e=memoryview(bytearray(4096 if d>4096 else d))
   with open(a,"rb")as file:
    while True:
     count=file.readinto(e)
     if not count:
      break
     digest.update(e[:count])
   digest=digest.digest()
 except OSError:
  digest=None
 print((a is c,digest))
