def _piton():
 import os
 try:
  import vfs
  mounts=[mount[1]for mount in vfs.mount()]
 except(ImportError,AttributeError,TypeError):
  mounts=[]
  if hasattr(os,"ilistdir"):
   for entry in os.ilistdir("/"):
    if len(entry)<4 and entry[1]==0x4000 and not entry[2]:
     mounts.append("/"+entry[0])
  elif hasattr(os,"stat"):
   import storage
   for name in os.listdir("/"):
    try:
     storage.getmount("/"+name)
     mounts.append("/"+name)
    except OSError:
     pass
 print((os.getcwd()if hasattr(os,"getcwd")else"/",mounts))
