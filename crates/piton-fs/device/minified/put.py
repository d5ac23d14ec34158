def _piton(a,c,d,e,g,h):
 import os
 import sys
 from ubinascii import crc32
 print(end="\6")
 i=sys.stdin.buffer.read(d).replace(e,b"\3")
 print(end="\6")
 if crc32(i)!=g:
  raise ValueError
 try:
  if os.stat(a)[0]&0x4000:
   a=c
 except OSError:
  pass
 j=a+".piton-new"
 try:
  with open(a,"rb")as k:
   if not h and k.read(d+1)==i:
    j=None
 except OSError:
  pass
 if j:
  try:
   with open(j,"wb")as k:
    k.write(i)
   with open(j,"rb")as k:
    if k.read(d+1)!=i:
     raise OSError(28)
   try:
    os.stat(j.upper())
    try:
     os.stat(a)
    except OSError:
     os.rename(j,j[:-1]+"x")
     j=j[:-1]+"x"
   except OSError:
    pass
   os.rename(j,a)
  except OSError as l:
   try:
    os.remove(j)
   except OSError:
    pass
   raise l
 print((a is c,not j))
