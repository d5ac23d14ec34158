def _piton_call(mark):
 from binascii import crc32
 import sys
 sys.stdin.buffer
 h=globals()
 i=0
 j=""
 def k(a):
  sys.stdout.write("%s%d %d %s"%(mark,len(j),crc32(j,a),j))
 def _piton_run(a,c,d,e=""):
  nonlocal i,j
  if a!=i:
   if crc32(d+e,a)!=c:
    return
   j="?"
   i=a
   try:
    g=eval(d,h)
    if e:
     exec(e,h)
    j="R"+repr(bytes(g)if type(g)is memoryview else g)
   except:
    j="X"
    k(a)
    raise
  k(a)
 return _piton_run
