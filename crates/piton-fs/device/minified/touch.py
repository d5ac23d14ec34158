def _piton(path):
 try:
  open(path,"a").close()
 except ValueError:
  import os
  if path not in os.listdir():
   open(path,"w").close()
