def _piton(number):
 global _piton
 import vfs
 from io import BytesIO
 ioctl=vfs.rom_ioctl
 decode=unhex=DeflateIO=None
 try:
  from binascii import a2b_base64 as decode
 except ImportError:
  pass
 try:
  from binascii import unhexlify as unhex
 except ImportError:
  pass
 try:
  from deflate import DeflateIO
 except ImportError:
  pass
 try:
  vfs.umount("/rom")
 except OSError:
  pass
 def check(answer):
  if isinstance(answer,int)and answer<0:
   raise OSError(-answer)
  return answer
 rom=check(ioctl(2,number))
 device=hasattr(rom,"ioctl")
 if device:
  block=rom.ioctl(5,0)
  in_steps=True
 else:
  rom=None
  try:
   in_steps=ioctl(6,number)>0
  except(OSError,TypeError,ValueError):
   in_steps=False
 def digest(start,end):
  try:
   from hashlib import sha256
  except ImportError:
   return None
  found=sha256()
  if device:
   view=memoryview(bytearray(block))
   for at in range(start,end,block):
    rom.readblocks(at//block,view,0)
    found.update(view[:min(block,end-at)])
  else:
   view=memoryview(ioctl(2,number))
   for at in range(start,end,4096):
    found.update(view[at:min(at+4096,end)])
  return found.digest()
 def act(offset,data,form=None):
  if data is None and form:
   found=None if digest(0,0)is None else b""
   if found is not None:
    for at in range(0,offset,form):
     found+=digest(at,min(at+form,offset))[:8]
   print(repr(found))
  elif data is None:
   if not device:
    check(ioctl(5,number))
   print(repr(digest(0,offset)))
  elif form is None:
   if device:
    for at in range(offset,offset+data,block):
     check(rom.ioctl(6,at//block))
    print(1)
   elif in_steps:
    print(check(ioctl(3,number,offset,data))or 0)
   else:
    print(check(ioctl(3,number,data))or 0)
  else:
   if form>1:
    data=decode(data)
   elif form:
    data=unhex(data)
   if form>2:
    data=DeflateIO(BytesIO(data),1,form).read()
   if device:
    check(rom.writeblocks(offset//block,data,offset%block))
   else:
    check(ioctl(4,number,offset,data))
 _piton=act
 print(repr((device,bool(decode),bool(unhex),bool(decode and DeflateIO),in_steps)))
