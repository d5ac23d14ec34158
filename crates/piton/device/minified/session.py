def _piton_call(mark):
 import sys
 from binascii import a2b_base64,crc32
 from io import StringIO
 o={}
 l=0
 a=""
 m=globals()
 p=sys.print_exception
 r=sys.stdin.readline
 h={"w":sys.stdout.write}
 def k(v):
  o[l]=v
  return l
 def _piton_run(n,c,t,s=""):
  nonlocal l,a
  g=True
  if n!=l:
   if crc32(t+s,n)!=c:
    return
   a="?"
   l=n
   try:
    v=eval(t,m,{"_k":k,"_o":o,"_b":a2b_base64,"_h":h})
    if s:
     exec(s,m)
    a="R"+repr(bytes(v)if type(v)is memoryview else v)
   except SystemExit:
    raise
   except BaseException as e:
    g=type(e)is not KeyboardInterrupt
    t=StringIO()
    p(e,t)
    a="E"+repr(t.getvalue())
  h["w"]("%s%d %d %s"%(mark,len(a),crc32(a,n),a))
  return g
 def _piton_loop():
  t=r().split(" ",2)
  while t[1:]and _piton_run(int(t[0]),int(t[1]),t[2]):
   t=r().split(" ",2)
 return _piton_run,_piton_loop
