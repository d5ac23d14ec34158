def _piton(a,c,d,e,g,j,h,i,digest):
 import os
 import sys
 from io import BytesIO
 from ubinascii import crc32
 try:
  if os.stat(a)[0]&0x4000:
   a=c
  if digest and os.stat(a)[6]==d:
   from hashlib import sha256
   k=sha256()
   with open(a,"rb")as m:
    while True:
     l=m.read(512)
     if not l:
      break
     k.update(l)
   if k.digest()==digest:
    print(end="\6u")
    return print((a is c,True))
 except OSError:
  pass
 if g:
  try:
   from deflate import DeflateIO
   e=g
  except ImportError:
   g=0
 bytearray(d+e*2+2048)
 print(end="\6z"if g else"\6p")
 k=sys.stdin.buffer.read(e).replace(h,b"\3")
 print(end="\6")
 if g:
  k=DeflateIO(BytesIO(k),1,j).read(d)
 if crc32(k)!=i:
  raise ValueError
 l=a+".piton-new"
 try:
  with open(l,"wb")as m:
   m.write(k)
  with open(l,"rb")as m:
   for j in range(0,d+1,512):
    if m.read(512)!=k[j:j+512]:
     raise OSError(28)
  try:
   os.stat(l.upper())
   try:
    os.stat(a)
   except OSError:
    os.rename(l,l[:-1]+"x")
    l=l[:-1]+"x"
  except OSError:
   pass
  os.rename(l,a)
 except OSError as n:
  try:
   os.remove(l)
  except OSError:
   pass
  raise n
 print((a is c,False))
