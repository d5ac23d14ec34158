def _piton(a,c,d):
 import os
 from hashlib import sha256
 e=None
 try:
  if os.stat(a)[0]&0x4000:
   a=c
  if os.stat(a)[6]==d:
   e=sha256()
   g=memoryview(bytearray(4096 if d>4096 else d))
   with open(a,"rb")as file:
    while True:
     h=file.readinto(g)
     if not h:
      break
     e.update(g[:h])
   e=e.e()
 except OSError:
  e=None
 print((a is c,e))
