def _piton(a,c,d,e,g,h):
 import os
 if g:
  from deflate import DeflateIO
  from io import BytesIO
  a=DeflateIO(BytesIO(a),1,g).read(e)
 n=memoryview(a)
 o=bytearray(512)
 def k(i):
  try:
   with open(i,"rb")as j:
    for l in range(0,e+1,512):
     if o[:j.readinto(o)]!=n[l:l+512]:
      return
    return True
  except OSError:
   pass
 try:
  if os.stat(c)[0]&0x4000:
   c=d
 except OSError:
  pass
 if not h and k(c):
  return print((c is d,True))
 i=c+".piton-new"
 try:
  with open(i,"wb")as j:
   j.write(a)
  if not k(i):
   raise OSError(28)
  try:
   os.stat(i.upper())
   try:
    os.stat(c)
   except OSError:
    os.rename(i,i[:-1]+"x")
    i=i[:-1]+"x"
  except OSError:
   pass
  os.rename(i,c)
 except OSError as m:
  try:
   os.remove(i)
  except OSError:
   pass
  raise m
 print((c is d,False))
