def _piton():
 import os
 statvfs=os.statvfs
 try:
  import vfs
  mounts=vfs.mount()
 except(ImportError,AttributeError,TypeError):
  mounts=[]
  for name in[""]+os.listdir("/"):
   if os.stat("/"+name)[0]&0x4000:
    mounts.append(("<unknown>","/"+name))
 for filesystem,path in mounts:
  try:
   space=statvfs(path)
  except OSError:
   continue
  if space[2]:
   print((str(filesystem),space[0]*space[2],space[0]*space[3],path))
