def _piton(path):
 import os
 if hasattr(os,"stat"):
  stat=os.stat(path or os.getcwd())
  print((stat[0],stat[6]))
 elif path.strip("/."):
  print((0x8000,os.size(path)))
 else:
  print((0x4000,0))
