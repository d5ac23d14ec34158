def _piton_input(MARK):
 import sys
 own=input
 write=sys.stdout.write
 read=sys.stdin.readline
 try:
  import builtins
 except ImportError:
  builtins=None
 def _piton_input(prompt=""):
  print(prompt,end="")
  line=b""
  while True:
   write(MARK)
   part=eval(read())
   if part is None:
    raise EOFError
   if isinstance(part,tuple):
    return str(line+part[0],"utf8")
   line+=part
 def restore():
  global _piton_input
  if builtins:
   builtins.input=own
  else:
   del globals()["input"]
  del _piton_input
 try:
  builtins.input=_piton_input
 except AttributeError:
  builtins=None
  globals()["input"]=_piton_input
 return restore
